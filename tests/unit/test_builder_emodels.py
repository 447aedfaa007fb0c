"""E-model descriptions: reading, errors that point at the place, and the text of the templates."""

import json

import pytest

from neurodamus_like.builder.emodels import EModelError, load_emodel, render_hoc_template, write_hoc_template
from neurodamus_like.cli import templates

GOOD = {
    "template": "Small",
    "section_lists": {
        "all": {"mechanisms": ["pas"], "parameters": {"Ra": 100, "e_pas": -65.5}},
        "apical": {"mechanisms": ["Ih"], "parameters": {}},
    },
    "distance_dependent": [
        {
            "section_list": "apical",
            "parameter": "gIhbar_Ih",
            "formula_of_distance_um": "(1 + exp(%g*0.003)) * 1e-5",
        }
    ],
    "axon": "replace_axon(AIS_scaler)",
    "distance_origin": "soma(0)",
    "needed_attributes": ["AIS_scaler"],
}


def changed(pointer, value):
    """Return GOOD with one value replaced."""
    data = json.loads(json.dumps(GOOD))
    *path, last = pointer.strip("/").split("/")
    place = data
    for key in path:
        place = place[int(key) if isinstance(place, list) else key]
    place[int(last) if isinstance(place, list) else last] = value
    return data


@pytest.fixture
def load(tmp_path):
    def write_and_load(data):
        path = tmp_path / "emodel.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return load_emodel(path)

    return write_and_load


def test_values_arrive(load):
    emodel = load(GOOD)
    assert emodel.template == "Small"
    assert emodel.mechanisms == {"pas", "Ih"}
    assert emodel.section_lists[0].parameters == (("Ra", 100.0), ("e_pas", -65.5))
    assert emodel.distance_origin_x == 0.0
    assert emodel.distance_rules[0].is_rounded
    assert emodel.distance_rules[0].expression("um") == "(1 + exp(um*0.003)) * 1e-5"
    assert emodel.needed_attributes == ("AIS_scaler",)
    assert not emodel.has_myelin


def test_nseg_note_and_key_say_the_same(load):
    note = {**GOOD, "nseg_note": "after the rule, every apical, basal and axonal section gets nseg 2 (later)"}
    key = {**GOOD, "nseg_fixed": {"apical": 2, "basal": 2, "axonal": 2}}
    assert load(note).nseg_fixed == load(key).nseg_fixed == (("apical", 2), ("basal", 2), ("axonal", 2))
    assert "forsec basal nseg = 2" in render_hoc_template(load(key))


@pytest.mark.parametrize(
    ("pointer", "value", "at", "says"),
    [
        ("/template", "no-dash", "/template", "HOC has no dashes"),
        ("/section_lists", [], "/section_lists", "a JSON object"),
        ("/section_lists/apicall", {}, "/section_lists/apicall", "did you mean 'apical'"),
        ("/section_lists/all/mechanisms", "pas", "/section_lists/all/mechanisms", "a list"),
        ("/section_lists/all/parameters/Ra", "100", "/section_lists/all/parameters/Ra", "a number"),
        ("/section_lists/all/parameters/Ra", True, "/section_lists/all/parameters/Ra", "a number"),
        ("/distance_dependent/0/formula_of_distance_um", "system(%g)", "/distance_dependent/0", "%.17g"),
        ("/distance_dependent/0/formula_of_distance_um", "1 + 2", "/distance_dependent/0", "%.17g"),
        ("/distance_dependent/0", {"parameter": "g"}, "/distance_dependent/0", "section_list"),
        ("/axon", "replaced", "/axon", "did you mean 'replace_axon'"),
        ("/axon_taper", {"strength": 1}, "/axon_taper", "did you mean 'strength_um'"),
        ("/axon_myelin", 1, "/axon_myelin", "true or false"),
        ("/distance_origin", "soma(1)", "/distance_origin", "soma(0.5)"),
        ("/nseg_chunk_um", 0, "/nseg_chunk_um", "above zero"),
        ("/nseg_note", "as you like", "/nseg_note", "nseg_fixed"),
        ("/needed_attributes", ["a b"], "/needed_attributes/0", "letters"),
    ],
)
def test_errors_point_at_the_place_and_say_what_was_expected(load, tmp_path, pointer, value, at, says):
    with pytest.raises(EModelError) as caught:
        load(changed(pointer, value))
    assert caught.value.pointer.startswith(at)
    assert caught.value.file == tmp_path / "emodel.json"
    assert says in str(caught.value)


def test_files_that_are_absent_or_no_json(load, tmp_path):
    with pytest.raises(EModelError, match="cannot read"):
        load_emodel(tmp_path / "absent.json")
    with pytest.raises(EModelError, match="not JSON"):
        load("{")


def test_names_and_order_that_the_calling_convention_asks_for(load):
    text = render_hoc_template(load(GOOD))
    assert 'Small_NeededAttributes = "AIS_scaler"' in text
    calls = ["load_morphology($s2, $s3)", "geom_nseg()", "indexSections()", "replace_axon(AIS_scaler)"]
    calls += ["insertChannel()", "biophys()", "re_init_rng()"]
    init = text[text.index("proc init()") :]
    positions = [init.index(call) for call in calls]
    assert positions == sorted(positions)
    assert text.count("begintemplate Small") == text.count("endtemplate Small") == 1
    assert "e_pas = -65.5\n" in text


def test_command_writes_a_file_per_description(load, tmp_path, capsys):
    load(GOOD)
    assert templates.run([str(tmp_path), f"--output-dir={tmp_path / 'hoc'}"]) == 0
    path = tmp_path / "hoc" / "Small.hoc"
    assert capsys.readouterr().out.strip() == str(path)
    assert path.read_text() == render_hoc_template(load_emodel(tmp_path / "emodel.json"))
    with pytest.raises(EModelError, match="holds no"):
        templates.run([str(tmp_path / "hoc")])
    with pytest.raises(EModelError, match="cannot write"):
        write_hoc_template(load(GOOD), path)
