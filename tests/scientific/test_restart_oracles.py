"""Every recorded case, saved on the way and restored: files byte by byte, voltages to the last bit; both simulators."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import run_python
from tests.obi_data import SHARED, link_obi_data, load_oracle, write_oracle_config

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

ORACLES = SHARED / "oracles" / "obi"
RESTART = """
import json, sys
from pathlib import Path
from neurodamus_like import Neurodamus

def run(config, output, **options):
    node = Neurodamus(config, progress=False, output_path=output, simulator=sys.argv[2], **options)
    node.run_all()
    cells = [cell for manager in node.circuits.all_node_managers() for cell in manager.gid2cell.values()]
    found = {cell.gid: [segment.v for section in cell.sections for segment in section] for cell in cells}
    node.cleanup()
    return found, {path.name: path.read_bytes() for path in Path(output).glob("*.h5")}

different = {}
for case, (config, tstop) in json.load(open(sys.argv[1])).items():
    folder = Path(config).parent
    whole = run(config, folder / "whole", checkpoint_every_ms=0.53 * tstop)
    again = run(config, folder / "again", restore=folder / "whole" / "checkpoint")
    assert whole[0] and whole[1]
    different[case] = [name for name in whole[1] if whole[1][name] != again[1].get(name)]
    different[case] += [gid for gid in whole[0] if whole[0][gid] != again[0][gid]]
print("DIFFERENT" + json.dumps(different))
"""


@pytest.mark.skipif(not ORACLES.is_dir(), reason="needs the shared data")
@pytest.mark.parametrize("simulator", ["NEURON", "CORENEURON"])
def test_every_case_goes_on_as_if_it_had_never_stopped(simulator: str, tmp_path: Path) -> None:
    obi = link_obi_data(tmp_path / "obi")
    cases = {}
    for path in sorted(ORACLES.glob("*.json")):
        oracle = load_oracle(path.stem)
        (tmp_path / path.stem).mkdir()
        config = write_oracle_config(oracle, obi, tmp_path / path.stem)
        cases[path.stem] = str(config), oracle["simulation_config"]["run"]["tstop"]
    assert cases
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    done = run_python(["-c", RESTART, str(tmp_path / "cases.json"), simulator], 900)
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("DIFFERENT"))
    assert json.loads(line[9:]) == {case: [] for case in cases}
