"""CoreNEURON in direct mode: stopped by a signal, and restored on any number of ranks or by the other simulator."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from tests.interrupted_runs import start, wait_for_file
from tests.restart_circuit import simulate
from tests.signals_in_phases import write_signal_script

pytestmark = [pytest.mark.neuron, pytest.mark.mpi, pytest.mark.slow]

CORE = "--simulator=CORENEURON"
NEURON = "--simulator=NEURON"
EVERY = "--checkpoint-every=40"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_circuit(tmp_path_factory.mktemp("demo"), n_cells=20, tstop_ms=100.0, seed=5)


@pytest.fixture(scope="module", params=[2])
def before(request: pytest.FixtureRequest) -> int:
    """Ranks of the run that is stopped."""
    return int(request.param)


@pytest.fixture(scope="module")
def stopped(before: int, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run on CoreNEURON that a signal stopped at 40 ms, the checkpoint among them."""
    folder = tmp_path_factory.mktemp(f"on{before}")
    script = write_signal_script(folder / "send_signal.py", "sim_init")
    output = folder / "output"
    text = simulate(
        config, CORE, EVERY, f"--output-path={output}", f"--script={script}", ranks=before, code=75
    )
    assert "a signal stopped the run at 40 ms, after a checkpoint" in text
    assert not (output / "out.h5").exists()
    return output


@pytest.fixture(scope="module")
def whole(config: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Uninterrupted runs on CoreNEURON, by their number of ranks."""
    found = {}
    for ranks in (1, 2):
        found[ranks] = tmp_path_factory.mktemp(f"whole{ranks}") / "output"
        simulate(config, CORE, EVERY, f"--output-path={found[ranks]}", ranks=ranks)
    assert (found[1] / "out.h5").stat().st_size > 3000, "no spikes: nothing is compared"
    return found


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (2, 2)], indirect=["before"])
def test_another_number_of_ranks(
    before: int, after: int, stopped: Path, whole: dict[int, Path], config: Path, tmp_path: Path
) -> None:
    output = restored(config, stopped, tmp_path, CORE, EVERY, ranks=after)
    assert (output / "out.h5").read_bytes() == (whole[after] / "out.h5").read_bytes()
    if before == after:
        assert (output / "soma.h5").read_bytes() == (whole[after] / "soma.h5").read_bytes()
    else:
        assert_close(output / "soma.h5", whole[after] / "soma.h5")


@pytest.mark.parametrize("before", [2], indirect=True)
def test_neuron_goes_on(stopped: Path, whole: dict[int, Path], config: Path, tmp_path: Path) -> None:
    output = restored(config, stopped, tmp_path, NEURON)
    assert (output / "out.h5").read_bytes() == (whole[1] / "out.h5").read_bytes()
    assert_close(output / "soma.h5", whole[1] / "soma.h5")


def test_coreneuron_goes_on_from_neuron(whole: dict[int, Path], config: Path, tmp_path: Path) -> None:
    script = write_signal_script(tmp_path / "send_signal.py", "sim_init")
    first = tmp_path / "first"
    simulate(config, NEURON, EVERY, f"--output-path={first}", f"--script={script}", code=75)
    output = restored(config, first, tmp_path, CORE, EVERY)
    assert (output / "out.h5").read_bytes() == (whole[1] / "out.h5").read_bytes()
    assert_close(output / "soma.h5", whole[1] / "soma.h5")


def test_a_signal_while_a_model_is_built_into_files(config: Path, tmp_path: Path) -> None:
    """The files of the cycle that is built are removed, on all ranks."""
    script = write_signal_script(tmp_path / "send_signal.py", "enable_reports")
    places = (f"--output-path={tmp_path / 'output'}", f"--build-path={tmp_path / 'model'}")
    text = simulate(
        config,
        CORE,
        "--modelbuilding-steps=2",
        "--keep-build",
        f"--script={script}",
        *places,
        ranks=2,
        code=143,
    )
    assert "a signal stopped the run before the phase 'reports': nothing was simulated" in text
    assert not (tmp_path / "model").exists()
    assert [path.suffix for path in (tmp_path / "output").iterdir()] == [".log"]


def test_a_signal_while_a_model_in_files_is_simulated(config: Path, tmp_path: Path) -> None:
    """CoreNEURON would not come back before its end, which is far away here; what it leaves is in nobody's way."""
    document = json.loads(config.read_text())
    document["run"]["tstop"] = 50000.0
    endless = config.with_name("endless.json")
    endless.write_text(json.dumps(document))
    output = tmp_path / "output"
    options = (CORE, "--build-model=1", f"--output-path={output}", f"--build-path={tmp_path / 'model'}")
    run = start(endless, *options, "--disable-reports")
    wait_for_file(run, output / ".frames")
    run.process.send_signal(signal.SIGTERM)
    assert run.wait() == -signal.SIGTERM, run.output()
    assert "a signal ends it at once, and nothing is saved" in run.output()
    assert not list(output.glob("*.h5"))
    simulate(config, *options)
    assert not (tmp_path / "model").exists()
    assert not (output / ".frames").exists()


def restored(config: Path, first: Path, folder: Path, *options: str, ranks: int = 1) -> Path:
    output = folder / "output"
    simulate(config, f"--restore={first / 'checkpoint'}", f"--output-path={output}", *options, ranks=ranks)
    return output


def assert_close(found: Path, expected: Path) -> None:
    """Voltages are the same within 1e-6 mV."""
    with h5py.File(found) as ours, h5py.File(expected) as theirs:
        for population in theirs["report"]:
            voltages = [file[f"report/{population}/data"][()] for file in (ours, theirs)]
            np.testing.assert_allclose(*voltages, rtol=0, atol=1e-6)
