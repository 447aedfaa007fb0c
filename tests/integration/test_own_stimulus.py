"""A stimulus type of a user, registered with the decorator, in a configuration: on 1 and 2 ranks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import run_mpi, run_python
from tests.obi_data import load_oracle, write_oracle_config

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

SCRIPT = """
import json, sys
from dataclasses import dataclass
from pathlib import Path
from neurodamus_like import Neurodamus
from neurodamus_like.engine import nrn
from neurodamus_like.exceptions import ProblemsError
from neurodamus_like.stimuli.manager import StimulusManager
from neurodamus_like.stimuli.parameters import Parameters, number
from neurodamus_like.stimuli.signals import SignalBuilder
from neurodamus_like.stimuli.waveform import WaveformStim

seen = {}

@StimulusManager.register_type
class MyStep:
    def __init__(self, target_points, stim_info, cell_manager):
        for points in target_points:
            for section_id, section, x in points:
                clamp = nrn.h.IClamp(x, sec=section)
                clamp.amp = stim_info.parameters["strength"]
                seen[int(cell_manager.get_cell(points.gid).node_id)] = [section_id, x, clamp.amp]
                nrn.keep(clamp)

@dataclass(frozen=True, kw_only=True)
class SawtoothParameters(Parameters):
    amplitude: float = number("nA")
    period: float = number("ms", above=0)

@StimulusManager.register_type
class Sawtooth(WaveformStim):
    parameters_type = SawtoothParameters

    def waveform(self, cell):
        p, builder = self.parameters, SignalBuilder(delay_ms=self.stim_info.delay_ms)
        for _ in range(int(self.stim_info.duration_ms / p.period)):
            builder.ramp(0.0, p.amplitude, p.period)
        return builder.build()

sim = Neurodamus(sys.argv[1], progress=False)
sawtooth = sim.stim_manager.stimuli[1]
Path(sys.argv[1] + f".{sim.comm.rank}.json").write_text(json.dumps([seen, len(sawtooth.sources)]))
sim.run()
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_stimuli_of_a_user_run_from_a_configuration(ranks: int, obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle("v5_pulse")
    common = {"input_type": "current_clamp", "node_set": "Mini5", "delay": 1, "duration": 20}
    oracle["simulation_config"]["inputs"] = {
        "mine": {**common, "module": "my_step", "strength": 0.25},
        "saw": {**common, "module": "Sawtooth", "amplitude": 0.3, "period": 4},
    }
    path = write_oracle_config(oracle, obi, tmp_path)
    done = (
        run_python(["-c", SCRIPT, str(path)], 300)
        if ranks == 1
        else run_mpi(ranks, ["-c", SCRIPT, str(path)], 300)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen, sources = {}, 0
    for rank in range(ranks):
        cells, count = json.loads(Path(f"{path}.{rank}.json").read_text())
        seen |= cells
        sources += count
    assert seen == {str(node): [0, 0.5, 0.25] for node in range(5)}
    assert sources == 5


def test_an_unknown_module_is_told_before_the_build(obi: Path, tmp_path: Path) -> None:
    oracle = load_oracle("v5_pulse")
    oracle["simulation_config"]["inputs"]["a"]["module"] = "puls"
    path = write_oracle_config(oracle, obi, tmp_path)
    done = run_python(["-m", "neurodamus_like.cli.main", "run", str(path), "--no-progress"], 100)
    assert done.returncode == 1
    assert "did you mean 'pulse'?" in done.stderr
    assert "/inputs/a/module" in done.stderr
