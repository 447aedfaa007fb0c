"""A model on disk is simulated only if it is whole and the one that is meant: every guard, without a simulator."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.config.models import Circuit, Output, Run, Simulation
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.core_data import GroupList, group_files, write_group_list
from neurodamus_like.io.core_manifest import (
    ModelManifest,
    ModelPopulation,
    hash_ingredients,
    read_manifest,
    write_manifest,
)
from neurodamus_like.validation.core_model_checks import check_core_model, compare_ingredients


def write_group(folder: Path, gids: list[int], version: str = "1.8") -> int:
    header = f"{version}\n{len(gids)} npresyn\n0 nnetcon\nchkpnt 0\n".encode()
    (folder / f"{gids[0]}_1.dat").write_bytes(header + np.array(gids, dtype=np.int32).tobytes())
    (folder / f"{gids[0]}_2.dat").write_bytes(b"the model")
    return gids[0]


def describe(folder: Path, groups: list[int]) -> ModelManifest:
    files = [file for group in groups for file in group_files(folder, group, has_gaps=True)]
    return ModelManifest(
        ingredients={"run": "1", "circuit": "2"},
        mechanisms="library",
        tstop_ms=100.0,
        dt_ms=0.025,
        ranks=1,
        cycles=len(groups),
        groups=tuple(groups),
        file_sizes={file.name: file.stat().st_size for file in files},
        populations={"exc": ModelPopulation(0, 4, 10), "inh": ModelPopulation(1000, 1)},
        first_placeholder=3000,
    )


@pytest.fixture
def model(tmp_path: Path) -> tuple[Path, ModelManifest]:
    groups = [
        write_group(tmp_path, [0, 2, 1000]),
        write_group(tmp_path, [1, 5]),
        write_group(tmp_path, [3000]),
    ]
    for name in ("bbcore_mech.dat", "globals.dat"):
        (tmp_path / name).write_text("1.8\n")
    write_group_list(tmp_path, GroupList("1.8", tuple(groups)))
    return tmp_path, describe(tmp_path, groups)


def test_a_good_model_has_no_problems(model: tuple[Path, ModelManifest]) -> None:
    assert check_core_model(*model) == []


def _cut(folder: Path) -> None:
    (folder / "1_2.dat").write_bytes(b"the")


def _remove(folder: Path) -> None:
    (folder / "1_2.dat").unlink()


def _remove_shared(folder: Path) -> None:
    (folder / "globals.dat").unlink()


def _shorten_list(folder: Path) -> None:
    write_group_list(folder, GroupList("1.8", (0, 1)))


def _announce_gaps(folder: Path) -> None:
    write_group_list(folder, GroupList("1.8", (0, 1, 3000), has_gaps=True))


def _other_format(folder: Path) -> None:
    write_group(folder, [1, 5], version="1.7")


def _wrong_count(folder: Path) -> None:
    (folder / "files.dat").write_text("1.8\n 4\n0\n1\n3000\n")


def _cell_twice(folder: Path) -> None:
    write_group(folder, [1, 2])


def _cell_lost(folder: Path) -> None:
    write_group(folder, [1, 1001])


def _other_group(folder: Path) -> None:
    write_group(folder, [5, 6])
    (folder / "5_1.dat").replace(folder / "1_1.dat")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut, "1_2.dat has 3 bytes, it was written with 9"),
        (_remove, "1_2.dat of the model is missing"),
        (_remove_shared, "globals.dat of the model is missing"),
        (_shorten_list, "does not list the groups"),
        (_announce_gaps, "announces gap junctions"),
        (_other_format, "in format 1.7, not 1.8"),
        (_wrong_count, "announces 4 groups and names 3"),
        (_cell_twice, "1 cells are in two groups, such as gid 2"),
        (_cell_lost, "hold 3 cells of 'exc', not 4"),
        (_other_group, "group 1 has no cell of that number"),
    ],
)
def test_every_damage_is_named(
    model: tuple[Path, ModelManifest], damage: Callable[[Path], None], message: str
) -> None:
    folder, manifest = model
    damage(folder)
    found = "\n".join(str(problem) for problem in check_core_model(folder, manifest))
    assert message in found


def test_manifests_are_read_as_written(model: tuple[Path, ModelManifest]) -> None:
    folder, manifest = model
    assert read_manifest(folder) is None
    write_manifest(folder, manifest)
    assert read_manifest(folder) == manifest
    (folder / "model.json").write_text('{"groups": [1]}')
    with pytest.raises(CircuitError, match="cannot be read"):
        read_manifest(folder)


def test_other_models_are_told_by_what_differs(model: tuple[Path, ModelManifest]) -> None:
    manifest = model[1]
    same = dict(manifest.ingredients)
    assert compare_ingredients(manifest, same, 0.025, 100.0) == []
    assert compare_ingredients(manifest, same, 0.025, 50.0) == [], "a shorter run of the same model"
    assert compare_ingredients(manifest, {**same, "circuit": "3"}, 0.025, 100.0) == ["/circuit"]
    assert compare_ingredients(manifest, {**same, "inputs": "3"}, 0.025, 100.0) == ["/inputs"]
    assert compare_ingredients(manifest, same, 0.1, 100.0) == ["/run/dt"]
    (longer,) = compare_ingredients(manifest, same, 0.025, 101.0)
    assert longer.startswith("/run/tstop")


def test_ingredients_follow_the_configuration_and_its_files(tmp_path: Path) -> None:
    data = tmp_path / "nodes.h5"
    data.write_text("1")
    circuit = Circuit(data, {}, {})
    simulation = Simulation(tmp_path / "a.json", circuit, Run(10.0, 0.025, 1), Output(tmp_path))
    first = hash_ingredients(simulation, {})
    elsewhere = dataclasses.replace(
        simulation, path=tmp_path / "b.json", output=Output(tmp_path / "x"), run=Run(5.0, 0.025, 1)
    )
    assert hash_ingredients(elsewhere, {}) == first
    seeded = hash_ingredients(dataclasses.replace(simulation, run=Run(10.0, 0.025, 2)), {})
    assert [name for name in first if first[name] != seeded[name]] == ["run"]
    data.write_text("22")
    changed = hash_ingredients(simulation, {})
    assert [name for name in first if first[name] != changed[name]] == ["circuit"]
