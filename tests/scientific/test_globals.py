"""What one simulation sets in the simulator does not reach the next one in the same process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from tests.helpers import run_python

pytestmark = pytest.mark.neuron

CODE = """
import sys
from pathlib import Path
from neurodamus_like import Neurodamus
from neurodamus_like.engine import nrn
name = "slope_mg_ProbAMPANMDA_EMS"
out = Path(sys.argv[3])
Neurodamus(sys.argv[2], output_path=out / "alone", progress=False).run()
before = getattr(nrn.h, name)
changed = Neurodamus(sys.argv[1], output_path=out / "changed", progress=False)
assert getattr(nrn.h, name) == 0.5
changed.run()
assert getattr(nrn.h, name) == before
Neurodamus(sys.argv[2], output_path=out / "after", progress=False).run()
"""


def test_globals_of_mechanisms_are_restored(tmp_path: Path) -> None:
    plain = write_demo_circuit(tmp_path / "circuit", n_cells=10, tstop_ms=60.0, seed=2)
    config = json.loads(plain.read_text())
    config["conditions"]["mechanisms"] = {"ProbAMPANMDA_EMS": {"slope_mg": 0.5}}
    other = plain.with_name("other.json")
    other.write_text(json.dumps(config))
    done = run_python(["-c", CODE, str(other), str(plain), str(tmp_path)], 200)
    assert done.returncode == 0, done.stdout + done.stderr
    soma = {run: (tmp_path / run / "soma.h5").read_bytes() for run in ("alone", "changed", "after")}
    assert soma["alone"] == soma["after"] != soma["changed"]
