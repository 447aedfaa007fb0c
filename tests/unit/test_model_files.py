"""What cells are made of is known by the contents of the files that the simulated nodes use, wherever they lie."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurodamus_like.config.models import Circuit, Components, EdgePopulation, NodePopulation
from neurodamus_like.io import model_files
from neurodamus_like.io.model_files import MODEL_PARTS, hash_contents, hash_model_files

CELLS = {"obi": np.array([0, 1]), "allen": np.array([0])}
UNUSED = ("hoc/Third.hoc", "morph/third.asc", "fits/unused.json", "swc/unused.swc")
USED = {
    "cell models": (
        "hoc/First.hoc",
        "hoc/biophysics.hoc",
        "hoc/Point.hoc",
        "fits/fit.json",
        "templates/own.hoc",
    ),
    "morphologies": ("morph/first.asc", "swc/cell.swc"),
    "synapse models": ("synapses/ampa.json", "synapses/OwnHelper.hoc"),
}


def write_files(folder: Path) -> None:
    for name in (*UNUSED, *(file for files in USED.values() for file in files)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "hoc" / "First.hoc").write_text('{load_file("biophysics.hoc")}\nbegintemplate First')
    with h5py.File(folder / "nodes.h5", "w") as file:
        group = file.create_group("nodes/obi/0")
        group["morphology"] = ["first", "first", "third"]
        group["model_template"] = ["hoc:First", "hoc:Point", "hoc:Third"]
        file["nodes/obi/node_type_id"] = [-1, -1, -1]
        file["nodes/allen/node_type_id"] = [7, 8]
        file.create_group("nodes/allen/0")
    columns = "node_type_id model_type model_template morphology dynamics_params"
    rows = ("7 biophysical ctdb:Biophys1.hoc cell.swc fit.json", "8 biophysical nml:x unused unused.json")
    (folder / "node_types.csv").write_text("\n".join((columns, *rows)) + "\n")
    (folder / "edge_types.csv").write_text("edge_type_id dynamics_params\n1 ampa.json\n2 NULL\n")


def circuit_in(folder: Path) -> Circuit:
    obi = Components(
        morphologies_asc=folder / "morph",
        biophysical_neuron_models_dir=folder / "hoc",
        point_neuron_models_dir=folder / "hoc",
    )
    allen = Components(
        morphologies_swc=folder / "swc",
        biophysical_neuron_models_dir=folder / "fits",
        template_paths=(folder / "templates",),
    )
    nodes = {
        "obi": NodePopulation("obi", folder / "nodes.h5", components=obi, size=3),
        "allen": NodePopulation(
            "allen", folder / "nodes.h5", "node_types", folder / "node_types.csv", allen, size=2
        ),
    }
    synapses = Components(synaptic_models_dir=folder / "synapses")
    edges = EdgePopulation(
        "e", folder / "edges.h5", "obi", "allen", "edge_types", folder / "edge_types.csv", synapses
    )
    return Circuit(folder / "circuit.json", nodes, {"e": edges})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_files(tmp_path / "here")
    return tmp_path / "here"


def changed(folder: Path, name: str, before: Mapping[str, Any]) -> list[str]:
    """Return the parts whose hash is another one after a file was edited; the file is as before afterwards."""
    content = (folder / name).read_text()
    (folder / name).write_text(content.swapcase())
    now = hash_model_files(circuit_in(folder), CELLS)
    (folder / name).write_text(content)
    return [part for part in MODEL_PARTS if now[part] != before[part]]


def test_each_file_that_is_used_counts_in_its_part(folder: Path) -> None:
    before = hash_model_files(circuit_in(folder), CELLS)
    assert tuple(before) == MODEL_PARTS
    for part, names in USED.items():
        for name in names:
            assert changed(folder, name, before) == [part], name
    for name in UNUSED:
        assert changed(folder, name, before) == [], name
    everything = {**CELLS, "obi": np.array([0, 1, 2])}
    assert hash_model_files(circuit_in(folder), everything)["morphologies"] != before["morphologies"]


def test_a_copy_is_the_same(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "there")
    expected = hash_model_files(circuit_in(folder), CELLS)
    assert hash_model_files(circuit_in(tmp_path / "there"), CELLS) == expected


def test_a_container_of_morphologies_is_one_file(folder: Path) -> None:
    circuit = circuit_in(folder)
    container = folder / "merged.h5"
    container.write_bytes(b"\1\2\3")
    components = Components(morphologies_h5=container, biophysical_neuron_models_dir=folder / "hoc")
    nodes = {"obi": NodePopulation("obi", folder / "nodes.h5", components=components, size=3)}
    contained = Circuit(circuit.path, nodes, {})
    before = hash_model_files(contained, {"obi": CELLS["obi"]})
    container.write_bytes(b"\1\2\4")
    after = hash_model_files(contained, {"obi": CELLS["obi"]})
    assert [part for part in MODEL_PARTS if after[part] != before[part]] == ["morphologies"]


def test_large_files_are_known_by_size_and_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "edges.h5"
    content = bytearray(range(256)) * 1024
    file.write_bytes(content)
    whole = hash_contents(file)
    monkeypatch.setattr(model_files, "WHOLE_BYTES", 1000)
    sampled = hash_contents(file)
    assert sampled == hash_contents(file) != whole
    for place in (0, len(content) - 1):
        edited = bytearray(content)
        edited[place] ^= 1
        file.write_bytes(edited)
        assert hash_contents(file) != sampled
    file.write_bytes(content + b"x")
    assert hash_contents(file) != sampled
