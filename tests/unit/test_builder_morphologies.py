"""Generated shapes: deterministic, readable, numbered as edges expect."""

from __future__ import annotations

import morphio
import numpy as np
import pytest

from neurodamus_like.builder.morphologies import (
    SectionType,
    create_interneuron,
    create_morphology,
    create_pyramidal,
    write_asc,
    write_swc,
)
from neurodamus_like.exceptions import MorphologyError

WRITERS = {"asc": write_asc, "swc": write_swc}
SHAPES = {
    "pyramidal": lambda seed: create_pyramidal("cell", seed),
    "tall": lambda seed: create_pyramidal("cell", seed, trunk_um=450.0),
    "interneuron": lambda seed: create_interneuron("cell", seed),
}


@pytest.fixture(params=SHAPES)
def morphology(request):
    return SHAPES[request.param](7)


def test_same_arguments_give_the_same_bytes_and_another_seed_does_not(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_asc(tmp_path / name, create_pyramidal("cell", seed))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("extension", WRITERS)
def test_morphio_reads_it_with_the_same_numbering_and_no_warning(tmp_path, morphology, extension, capfd):
    path = tmp_path / f"cell.{extension}"
    WRITERS[extension](path, morphology)
    read = morphio.Morphology(str(path))
    types = [int(s.type) for s in read.sections]
    lengths = [np.linalg.norm(np.diff(s.points, axis=0), axis=1).sum() for s in read.sections]
    parents = [0 if s.is_root else s.parent.id + 1 for s in read.sections]
    assert types == morphology.section_types[1:].tolist()
    assert parents == [s.parent for s in morphology.sections]
    np.testing.assert_allclose(lengths, morphology.lengths_um[1:], rtol=1e-3)
    assert capfd.readouterr().err == ""


def test_shape_is_plausible(morphology):
    types, lengths = morphology.section_types, morphology.lengths_um
    assert 15 <= len(types) <= 40
    assert np.count_nonzero(types == SectionType.AXON) >= 3, "replace_axon needs three axonal sections"
    assert 800 < lengths[types == SectionType.BASAL].sum() < 2500
    assert all((s.points[:, 3] >= 0.4).all() for s in morphology.sections)
    order = [SectionType.SOMA, SectionType.AXON, SectionType.BASAL, SectionType.APICAL]
    assert types.tolist() == sorted(types.tolist(), key=order.index)


def test_only_pyramids_have_an_apical_tree_and_it_points_up():
    pyramid, interneuron = create_pyramidal("p", 1), create_interneuron("i", 1)
    apical = [s.points for s in pyramid.sections if s.section_type == SectionType.APICAL]
    assert np.concatenate(apical)[:, 1].max() > 250.0
    assert SectionType.APICAL not in interneuron.section_types


def test_path_distances_follow_the_parents(morphology):
    distances, lengths = morphology.path_distances_um, morphology.lengths_um
    for index, section in enumerate(morphology.sections, start=1):
        expected = 0.0 if section.parent == 0 else distances[section.parent] + lengths[section.parent]
        assert distances[index] == pytest.approx(expected)
    assert distances.max() > 100.0


def test_children_begin_where_the_parent_ends(morphology):
    for section in morphology.sections:
        if section.parent:
            parent = morphology.sections[section.parent - 1]
            np.testing.assert_allclose(section.points[0, :3], parent.points[-1, :3], atol=2e-3)


def test_unknown_class_is_named():
    with pytest.raises(MorphologyError, match="octopus"):
        create_morphology("octopus", "x", 1)
