"""Counting compartments from the text of templates and from morphologies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodamus_like.distribution.prototypes import (
    Prototype,
    PrototypeStore,
    count_compartments,
    load_geometries,
)
from neurodamus_like.exceptions import TemplateError
from neurodamus_like.io.hoc_membrane import parse_template_membrane, read_template_membrane
from neurodamus_like.io.morphology import read_morphology
from neurodamus_like.parallel.mpi import Communicator

SWC = """\
1 1 0 0 0 8 -1
2 3 8 0 0 1 1
3 3 98 0 0 1 2
4 3 108 0 0 1 3
5 3 98 50 0 1 3
6 2 0 -8 0 1 1
7 2 0 -308 0 1 6
"""

TEMPLATE = """
begintemplate T // forsec all { insert nothing }
proc geom_nseg() { forsec all nseg = 1 + 2*int(L/40) }
proc biophys() {
    forsec this.all { insert pas }
    forsec $o1.somatic {
        insert hh  insert Ca
    }
    forsec apical insert Ih
}
/* insert comment */
"""

STUB = """
proc replace_axon() {
    forsec axonal { nseg = 1 + 2*int(L/6/2) }
    forsec axonal delete_section()
    execute("create axon[2]", this)
    for i = 0, 1 axon[i] {
        L = 30
        nseg = 5
    }
}
"""


@pytest.fixture
def swc(tmp_path: Path) -> Path:
    path = tmp_path / "m.swc"
    path.write_text(SWC)
    return path


def test_mechanisms_by_section_list() -> None:
    membrane = parse_template_membrane(TEMPLATE)
    assert membrane.mechanisms_of("somatic") == {"pas", "hh", "Ca"}
    assert membrane.mechanisms_of("apical") == {"pas", "Ih"}
    assert membrane.mechanisms_of("basal") == {"pas"}
    assert membrane.chunk_um == 40.0
    assert membrane.stub is None


def test_what_is_inserted_outside_of_loops_counts_everywhere() -> None:
    assert parse_template_membrane("proc f() { soma insert hh }").mechanisms_of("basal") == {"hh"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", {"axonal": (2, 10)}),
        ('execute("create myelin[1]")\nmyelin nseg = 7\n', {"axonal": (2, 10), "myelinated": (1, 7)}),
    ],
)
def test_stub_axon(more: str, expected: dict[str, tuple[int, int]]) -> None:
    text = STUB.rstrip().removesuffix("}") + more + "}\n"
    assert parse_template_membrane(TEMPLATE + text).stub == expected


def test_an_axon_procedure_that_does_nothing_keeps_the_axon() -> None:
    assert parse_template_membrane("proc replace_axon() {}").stub is None


def test_compartments_of_a_kept_axon(swc: Path) -> None:
    counts = count_compartments(read_morphology(swc), parse_template_membrane(TEMPLATE))
    # the dendrite has sections of 90, 10 and 50 um, the axon one of 300 um
    assert counts == {"somatic": (1, 1), "basal": (3, 5 + 1 + 3), "axonal": (1, 15)}


def test_compartments_with_fixed_numbers_and_a_stub(swc: Path) -> None:
    text = TEMPLATE + STUB + "proc geom() { forsec basal nseg = 2\n }"
    counts = count_compartments(read_morphology(swc), parse_template_membrane(text))
    assert counts == {"somatic": (1, 1), "basal": (3, 6), "axonal": (2, 10)}


def test_unreadable_template(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="cannot read"):
        read_template_membrane(tmp_path / "absent.hoc")


def test_geometries_are_kept_and_follow_the_content(
    swc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tmp_path / "T.hoc"
    template.write_text(TEMPLATE)
    prototype = Prototype(swc, None, template)
    cache = tmp_path / "cache"
    first = load_geometries([prototype, prototype], Communicator(), cache)[prototype]
    stored = PrototypeStore(cache)
    assert stored.read() == {prototype.key(): first}
    with stored.file.open("a") as file:
        file.write("not json\n[1]\n")
    monkeypatch.setattr("neurodamus_like.distribution.prototypes.read_morphology", None)
    assert load_geometries([prototype], Communicator(), cache)[prototype] == first
    other = tmp_path / "U.hoc"
    other.write_text(TEMPLATE + STUB)
    assert Prototype(swc, None, other).key() != prototype.key()


@pytest.mark.parametrize(
    ("template", "morphology", "expected"),
    [
        (
            "cADpyr229",
            "dend-C280199C-P3_axon-C220797A-P1_-_Clone_4",
            {"somatic": 1, "axonal": 2, "basal": 50, "apical": 105},
        ),
        ("cACint209", "C040600B3_-_Clone_7", {"somatic": 1, "axonal": 2, "basal": 216}),
    ],
)
def test_real_cells_have_the_segments_neuron_makes(
    obi: Path, template: str, morphology: str, expected: dict[str, int]
) -> None:
    folder = obi / "v5_sonata/sub_mini5"
    membrane = read_template_membrane(folder / f"biophysical_model_templates/{template}.hoc")
    counts = count_compartments(read_morphology(folder / f"morphologies/{morphology}.asc"), membrane)
    assert {name: segments for name, (_, segments) in counts.items()} == expected
    assert "NaTs2_t" in membrane.mechanisms_of("somatic")
    assert np.sum([s for s, _ in counts.values()]) > 40
