"""NWB files that we write, read and validated by pynwb."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from peers.builder_peer import SCRIPTS, peer_python, run

from neurodamus_like.io.electrodes import Probe
from neurodamus_like.io.nwb_files import write_potentials_nwb, write_spikes_nwb

pytestmark = pytest.mark.slow


def test_pynwb_reads_our_results(tmp_path: Path) -> None:
    python = peer_python("pynwb")
    path = tmp_path / "all.nwb"
    write_spikes_nwb(path, {"v1": (np.array([3.0, 1.0, 2.0]), np.array([7, 4, 7]))})
    sites = Probe(("a", "b"), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    write_potentials_nwb(path, np.arange(6.0).reshape(3, 2), sites, 0.5, 0.1, [0, 1])
    found = json.loads(run(python, SCRIPTS / "read_nwb.py", path, cwd=tmp_path).splitlines()[-1])
    assert found == {
        "problems": [],
        "units": [[4, "v1", 4, [0.001]], [7, "v1", 7, [0.002, 0.003]]],
        "volts": pytest.approx(np.arange(6.0) * 1e-3),
        "rate": 2000.0,
        "x": [1.0, 4.0],
        "lfp": ["ElectricalSeries"],
    }
