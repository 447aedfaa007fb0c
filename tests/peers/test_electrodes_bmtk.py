"""Electrodes as objects, beside BMTK's of the same names: meshes, rotations, waveforms, distances.

BMTK's stimulation does not run on NEURON 9, but its classes compute.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from peers.builder_peer import SCRIPTS, peer_python, run

pytestmark = pytest.mark.slow

WAVE = '{"shape": "sin", "amp": 0.2, "del": 0.5, "dur": 9.0, "freq": 120.0, "phase": 0.3}'


def write_files(folder: Path) -> None:
    """Write segments far enough from two rotated electrodes with meshes, recording sites near them, and waveforms."""
    rng = np.random.default_rng(5)
    begin = rng.uniform(-80, 80, (3, 40))
    end = begin + rng.uniform(-25, 25, (3, 40))
    np.savez(folder / "segments.npz", begin=begin, end=end, d=rng.uniform(0.5, 12, 40))
    header = "pos_x pos_y pos_z rotation_x rotation_y rotation_z electrode_mesh_file\n"
    rows = "400 50 20 0.3 -1.1 2.0 mesh.csv\n-30 500 -90 0 0.7 0 mesh.csv\n"
    (folder / "electrodes.csv").write_text(header + rows)
    mesh = "".join(f"{x!r} {y!r} {z!r}\n" for x, y, z in rng.uniform(-30, 30, (9, 3)).tolist())
    (folder / "mesh.csv").write_text("x_pos y_pos z_pos\n" + mesh)
    sites = "".join(
        f"{n} {x!r} {y!r} {z!r}\n" for n, (x, y, z) in enumerate(rng.uniform(-120, 120, (12, 3)).tolist())
    )
    (folder / "sites.csv").write_text("channel x_pos y_pos z_pos\n" + sites)
    (folder / "wave.csv").write_text("time amplitude\n0 0\n2 1.5\n5 -1\n8 0.25\n")
    (folder / "wave.json").write_text(WAVE)


def test_same_potentials_as_bmtk(tmp_path: Path) -> None:
    write_files(tmp_path)
    theirs = peer_python("bmtk.simulator.bionet")
    run(theirs, SCRIPTS / "electrodes.py", tmp_path, tmp_path / "theirs.npz", cwd=tmp_path)
    script = tmp_path / "ours.py"
    text = (SCRIPTS / "electrodes.py").read_text()
    script.write_text(text.replace("from bmtk.simulator.bionet", "from neurodamus_like.bionet"))
    run(sys.executable, script, tmp_path, tmp_path / "ours.npz", cwd=tmp_path)
    ours, expected = np.load(tmp_path / "ours.npz"), np.load(tmp_path / "theirs.npz")
    assert sorted(ours.files) == sorted(expected.files)
    for name in expected.files:
        scale = np.abs(expected[name]).max()
        assert scale > 0
        np.testing.assert_allclose(ours[name], expected[name], rtol=0, atol=1e-11 * scale, err_msg=name)
