"""Dry runs and runs with their allocation, on several ranks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurodamus_like.distribution.allocation import read_allocation
from tests.helpers import run_mpi, run_python
from tests.tiny_circuit import Edges, TinyCircuit

pytestmark = pytest.mark.neuron

RUN = ["-m", "neurodamus_like.cli.main", "run"]


def circuit(folder: Path) -> Path:
    """Write cells of very different numbers of synapses, driven by replay."""
    pairs = [(s, t) for t in range(8) for s in range(8) for _ in range(1 + 5 * (t % 4 == 0)) if s != t]
    folder.mkdir()
    with h5py.File(folder / "spikes.h5", "w") as file:
        file["spikes/A/timestamps"], file["spikes/A/node_ids"] = np.full(3, 1.0), np.array([0, 3, 5])
    replay = {"module": "synapse_replay", "input_type": "spikes", "delay": 0, "duration": 9, "node_set": "A"}
    columns = {"conductance": 60.0, "u_syn": 1.0}
    edges = Edges("A__A", "A", "A", pairs, columns)
    config = {"inputs": {"r": {**replay, "spike_file": "spikes.h5"}}}
    return TinyCircuit([edges], cells={"A": 8}, config=config).write(folder)


def spikes(folder: Path) -> list[list[float]]:
    with h5py.File(folder / "out.h5") as file:
        return [file["spikes/A/timestamps"][:].tolist(), file["spikes/A/node_ids"][:].tolist()]


def test_cells_go_where_a_dry_run_put_them(tmp_path: Path) -> None:
    config, here = circuit(tmp_path / "circuit"), tmp_path / "here"
    here.mkdir()
    done = run_python(
        [*RUN, str(config), "--dry-run", "--num-target-ranks=2", "--no-progress"], 300, cwd=here
    )
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert re.search(r"A__A +ProbAMPANMDA_EMS +126 ", text)
    assert sorted(p.name for p in here.iterdir()) == ["allocation_r2_c1.pkl.gz", "cell_memory_usage.json"]
    assert not (tmp_path / "circuit" / "output").exists()
    allocation = read_allocation(here, 2, 1, {"A": np.arange(8)})
    assert allocation is not None
    heavy = [int(np.isin([0, 4], allocation.local_ids("A", rank)).sum()) for rank in (0, 1)]
    assert heavy == [1, 1]
    usage = json.loads((here / "cell_memory_usage.json").read_text())
    assert sorted(i for of in usage["pop_metype_gids"]["A"].values() for i in of) == list(range(8))
    assert next(iter(usage["metype_cell_syn_average"].values())) == 126 / 8

    serial = run_python([*RUN, str(config), "--no-progress", f"--output-path={here / 'one'}"], 300, cwd=here)
    assert serial.returncode == 0, serial.stdout + serial.stderr
    words = [*RUN, str(config), "--lb-mode=Memory", "--no-progress", f"--output-path={here / 'two'}"]
    done = run_mpi(2, words, 300, cwd=here)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "load balance Memory: 8 cells on 2 ranks" in done.stdout + done.stderr
    assert len(spikes(here / "one")[0]) > 3
    assert spikes(here / "one") == spikes(here / "two")

    done = run_mpi(3, words, 300, cwd=here)
    assert done.returncode == 1
    text = done.stdout + done.stderr
    assert text.count("there is no allocation for 3 ranks, only allocation_r2_c1.pkl.gz") == 1
    assert "--dry-run --num-target-ranks=3" in text
    assert "Traceback" not in text

    (here / "allocation_r2_c1.pkl.gz").unlink()
    done = run_mpi(2, words, 300, cwd=here)  # from cell_memory_usage.json alone
    assert done.returncode == 0, done.stdout + done.stderr
    assert spikes(here / "one") == spikes(here / "two")


def test_a_dry_run_on_several_ranks_counts_the_same(tmp_path: Path) -> None:
    config = circuit(tmp_path / "circuit")
    found = []
    for ranks in (1, 2):
        words = ["-m", "neurodamus_like.cli.main", "estimate", str(config), "--json", "--ranks=2,4"]
        done = run_python(words, 300) if ranks == 1 else run_mpi(ranks, words, 300)
        assert done.returncode == 0, done.stdout + done.stderr
        found.append(json.loads(done.stdout))
    one, two = found
    for name in ("cells", "synapses", "netcons", "replay_netcons", "cell_bytes", "synapse_bytes"):
        assert one[name] == two[name]
    # the second knows what MPI really takes
    assert one["bytes_per_rank"]["2"] == pytest.approx(two["bytes_per_rank"]["2"], rel=0.1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--num-target-ranks=2"], "--num-target-ranks belongs to --dry-run"),
        (["--dry-run", "--num-target-ranks=0"], "--num-target-ranks=0 is not valid"),
        (["--dry-run", "--num-target-ranks=9"], "8 cells cannot be shared among 9 ranks and 1 cycles"),
        (["--lb-mode=Memory"], "--lb-mode=Memory needs an allocation for 1 rank"),
    ],
)
def test_wrong_options(options: list[str], words: str, tmp_path: Path) -> None:
    config = circuit(tmp_path / "circuit")
    done = run_python([*RUN, str(config), "--no-progress", *options], 300, cwd=tmp_path)
    text = done.stdout + done.stderr
    assert done.returncode == 1, text
    assert words in text
    assert "Traceback" not in text
