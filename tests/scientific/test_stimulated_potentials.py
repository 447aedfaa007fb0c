"""Electrodes that stimulate and electrodes that record, on the same cells: what is measured is what the fields made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.bent_cells import SCRIPT, write_model
from tests.helpers import run_mpi, run_python

pytestmark = [pytest.mark.neuron, pytest.mark.mpi]

SITES = np.array([[60.0, 40.0, 30.0], [-150.0, 90.0, 60.0], [20.0, -120.0, -90.0], [400.0, 0.0, 0.0]])
CONDUCTIVITY = 0.25

CURRENTS = """
from neurodamus_like.parallel.mpi import world

class Watch(SimulatorMod):
    '''Membrane currents (nA) as what flows along the axes: independent of how NEURON sums up channels.'''
    def __init__(self):
        self.currents = {}
    def step(self, sim, tstep):
        for gid in sim.local_gids:
            cell = sim.net.get_cell_gid(gid).hobj
            self.currents.setdefault(gid, []).append(axial(cell))

def axial(cell):
    first, total = {}, np.zeros(sum(sec.nseg for sec in cell.all))
    for sec in cell.all:
        begin = first[sec] = sum(s.nseg for s in first)
        potentials = [inside(seg) for seg in sec]
        for k, seg in enumerate(sec):
            if k:
                before, node = begin + k - 1, potentials[k - 1]
            elif sec.parentseg() is None:
                continue
            else:
                # the end of the soma, a node without a membrane: what leaves it comes from the soma's one segment
                site = sec.parentseg()
                assert site.x in (0, 1) and site.sec.nseg == 1
                before, node = first[site.sec], inside(site)
            flow = (node - potentials[k]) / seg.ri()
            total[begin + k] += flow
            total[before] -= flow
    return total

def inside(seg):
    return seg.v + (seg.vext[0] if seg.sec.has_membrane("extracellular") else 0.0)

def ends(cell):
    '''Begin and end of the segments in the network, each (segments, 3).'''
    def points(sec):
        return np.array([[sec.x3d(i), sec.y3d(i), sec.z3d(i)] for i in range(int(sec.n3d()))])
    centre = np.concatenate([points(sec) for sec in cell.hobj.soma]).mean(axis=0)
    found = ([], [])
    for sec in cell.hobj.all:
        arc = np.array([sec.arc3d(i) for i in range(int(sec.n3d()))]) / sec.L
        for seg in sec:
            for side, list_ in zip((-0.5, 0.5), found):
                x = seg.x + side / sec.nseg
                list_.append([np.interp(x, arc, column) for column in (points(sec) - centre).T])
    c, s = np.cos, np.sin
    a, b, g = (cell.node[f"rotation_angle_{axis}axis"] for axis in "xyz")
    rotation = (
        np.array([[1, 0, 0], [0, c(a), -s(a)], [0, s(a), c(a)]])
        @ np.array([[c(b), 0, s(b)], [0, 1, 0], [-s(b), 0, c(b)]])
        @ np.array([[c(g), -s(g), 0], [s(g), c(g), 0], [0, 0, 1]])
    )
    return [np.array(f) @ rotation.T + np.array([cell.node[axis] for axis in "xyz"]) for f in found]

class Place(SimulatorMod):
    def __init__(self):
        self.ends = {}
    def initialize(self, sim):
        for gid in sim.local_gids:
            self.ends[gid] = [side.tolist() for side in ends(sim.net.get_cell_gid(gid))]

def run(config):
    watch, place = Watch(), Place()
    v, e = simulate(config, watch, place)
    return {gid: {"v": v[gid].tolist(), "e": e[gid].tolist(), "ends": place.ends[gid],
                  "i": np.array(watch.currents[gid]).tolist()} for gid in v}
"""

END = """
Path(sys.argv[1]).with_name(f"seen{world().rank}of{world().size}.json").write_text(
    json.dumps([run(config) for config in sys.argv[1:]]))
"""

NEAR = {"shape": "sin", "del": 2.0, "amp": 0.05, "dur": 15.0, "freq": 80.0}
FAR = {"shape": "dc", "del": 5.0, "amp": -0.1, "dur": 6.0}


def write_configs(folder: Path) -> dict[str, Path]:
    """Write the model with both fields and recording electrodes, with the fields alone, and with one field each."""
    (folder / "near.csv").write_text(
        "ip pos_x pos_y pos_z rotation_x rotation_y rotation_z\n0 100 50 20 0 0 0\n"
    )
    (folder / "far.csv").write_text(
        "ip pos_x pos_y pos_z rotation_x rotation_y rotation_z\n0 -90 300 0 0 0 0\n"
    )
    rows = [f"{k} {x} {y} {z}" for k, (x, y, z) in enumerate(SITES.tolist())]
    (folder / "sites.csv").write_text("\n".join(["channel x_pos y_pos z_pos", *rows]) + "\n")
    (folder / "spikes.csv").write_text(
        "timestamps population node_ids\n" + "".join(f"{1.5 + 3 * k} ext {k % 4}\n" for k in range(6))
    )
    spikes = {
        "input_type": "spikes",
        "module": "csv",
        "input_file": "${configdir}/spikes.csv",
        "node_set": "ext",
    }
    fields = {
        name: {
            "input_type": "lfp",
            "module": "xstim",
            "positions_file": f"${{configdir}}/{name}.csv",
            "waveform": w,
        }
        for name, w in (("near", NEAR), ("far", FAR))
    }
    edges = {"ext_bent": True, "bent_bent": True}
    found = {}
    for name, used in (
        ("both", fields),
        ("fields", fields),
        ("first", ["near"]),
        ("second", ["far"]),
        ("none", []),
    ):
        inputs: dict[str, Any] = {"spikes": spikes, **{f: fields[f] for f in used}}
        found[name] = write_model(folder, inputs, name, edges=edges)
    for name in ("both", "none"):
        config = json.loads(found[name].read_text())
        config["reports"] = {
            "ecp": {
                "module": "extracellular",
                "electrode_positions": "${configdir}/sites.csv",
                "file_name": "ecp.h5",
                "conductivity": CONDUCTIVITY,
            }
        }
        found[name].write_text(json.dumps(config))
    return found


def potentials(config: Path) -> np.ndarray:
    with h5py.File(config.parent / f"output_{config.stem}" / "ecp.h5") as file:
        return np.asarray(file["ecp/data"][()])


def expected_potentials(cells: dict[int, dict[str, Any]]) -> np.ndarray:
    """Return the sum over all lines (Holt & Koch 1999) of their current times their factor, [steps, sites] in mV."""
    total = np.zeros((len(next(iter(cells.values()))["i"]), len(SITES)))
    for cell in cells.values():
        begin, end = (np.array(side) for side in cell["ends"])
        length = np.linalg.norm(end - begin, axis=1)
        axis = (end - begin) / length[:, None]
        offset = SITES[:, None] - begin[None]
        along = (offset * axis).sum(axis=2)
        across = np.linalg.norm(offset - along[:, :, None] * axis, axis=2)
        logs = np.log((along + np.hypot(along, across)) / (along - length + np.hypot(along - length, across)))
        total += np.array(cell["i"]) @ (logs / (4 * np.pi * CONDUCTIVITY * length)).T
    return total


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_configs(tmp_path_factory.mktemp("stimulated"))


def run_all(configs: list[Path], ranks: int = 1) -> list[dict[int, dict[str, Any]]]:
    """Run the configurations in one process for each rank; return for each what was seen of the cells."""
    folder = configs[0].parent
    args = ["-c", SCRIPT + CURRENTS + END, *map(str, configs)]
    done = run_python(args, 200) if ranks == 1 else run_mpi(ranks, args, 200)
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[int, dict[str, Any]]] = [{} for _ in configs]
    for rank in range(ranks):
        for cells, seen in zip(
            found, json.loads((folder / f"seen{rank}of{ranks}.json").read_text()), strict=True
        ):
            cells |= {int(gid): cell for gid, cell in seen.items()}
    assert all(sorted(cells) == [0, 1, 2] for cells in found)
    return found


@pytest.fixture(scope="module")
def seen(configs: dict[str, Path]) -> dict[str, dict[int, dict[str, Any]]]:
    return dict(zip(configs, run_all(list(configs.values())), strict=True))


def test_recording_changes_nothing_and_two_fields_add_up(seen: dict[str, dict[int, dict[str, Any]]]) -> None:
    for gid in range(3):
        assert seen["both"][gid]["v"] == seen["fields"][gid]["v"]
        both, first, second = (np.array(seen[name][gid]["e"]) for name in ("both", "first", "second"))
        assert min(np.abs(first).max(), np.abs(second).max()) > 1.0
        np.testing.assert_allclose(both, first + second, rtol=0, atol=1e-9)
        moved = np.array(seen["both"][gid]["v"]) - np.array(seen["none"][gid]["v"])
        assert np.abs(moved).max() > 0.5


@pytest.mark.parametrize("name", ["both", "none"])
def test_potentials_are_those_of_the_membrane_currents(
    configs: dict[str, Path], seen: dict[str, dict[int, dict[str, Any]]], name: str
) -> None:
    expected = expected_potentials(seen[name])
    found = potentials(configs[name])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_the_fields_are_seen_in_the_recording(configs: dict[str, Path], seen: Any) -> None:
    with_fields, without = potentials(configs["both"]), potentials(configs["none"])
    assert np.abs(with_fields - without).max() > 0.1 * np.abs(without).max()


def test_two_ranks_give_the_same(
    configs: dict[str, Path], seen: dict[str, dict[int, dict[str, Any]]]
) -> None:
    one = potentials(configs["both"])
    (cells,) = run_all([configs["both"]], 2)
    for gid, cell in cells.items():
        assert cell["e"] == seen["both"][gid]["e"]
        # channels of several cells are computed together, which changes the last digits (without fields, too)
        np.testing.assert_allclose(cell["v"], seen["both"][gid]["v"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(potentials(configs["both"]), one, rtol=0, atol=1e-9 * np.abs(one).max())
