"""Spikes do not depend on ranks, on the way cells are shared, on building cycles or on the simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.io.spikes import read_spikes
from tests.helpers import run_mpi, run_python
from tests.obi_data import SHARED, link_obi_data, load_oracle, write_oracle_config

pytestmark = [pytest.mark.neuron, pytest.mark.mpi, pytest.mark.slow]

WAYS = (
    ("--lb-mode=MultiSplit",),
    ("--lb-mode=Memory",),
    ("--lb-mode=Memory", "--simulator=CORENEURON"),
    ("--lb-mode=WholeCell", "--simulator=CORENEURON", "--modelbuilding-steps=2"),
    ("--lb-mode=Memory", "--simulator=CORENEURON", "--modelbuilding-steps=1"),
)
"""What other tests do not combine: those of cycles, of load balance and of CoreNEURON have the rest."""


def simulate(config: Path, folder: Path, ranks: int, *options: str) -> None:
    """Run in a folder of its own: files of load balance and of models go there."""
    words = ["-m", "neurodamus_like", "run", str(config), "--quiet", "--disable-reports", *options]
    words += [f"--output-path={folder}/output"]
    done = run_python(words, 400, cwd=folder) if ranks == 1 else run_mpi(ranks, words, 400, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def spikes_of(folder: Path) -> dict[str, list[tuple[float, int]]]:
    trains = read_spikes(folder / "output" / "out.h5")
    return {
        name: list(zip(train.timestamps.tolist(), train.node_ids.tolist(), strict=True))
        for name, train in trains.items()
    }


@pytest.fixture(scope="module", params=["demo", "v5_sonata"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration; its spikes on one rank of NEURON are in the folder beside it."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "demo":
        config = write_demo_circuit(folder / "circuit", n_cells=12, tstop_ms=90.0, seed=5)
    elif not SHARED.is_dir():
        pytest.skip("no shared data beside the checkout")
    else:
        config = write_oracle_config(load_oracle("v5_sonata"), link_obi_data(folder / "obi", SHARED), folder)
    simulate(config, config.parent, 1)
    assert sum(map(len, spikes_of(config.parent).values())) >= 3
    return config


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_spikes_are_the_same(model: Path, ranks: int, tmp_path: Path) -> None:
    simulate(model, tmp_path, 1, "--dry-run", f"--num-target-ranks={ranks}")
    for way in WAYS:
        simulate(model, tmp_path, ranks, *way)
        assert spikes_of(tmp_path) == spikes_of(model.parent), way
