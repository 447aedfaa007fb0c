"""The language of section_configure: what it means, and what it refuses to run."""

import pytest

from neurodamus_like.config.section_configure import parse_section_configure
from neurodamus_like.exceptions import ConfigurationError


def applied(kind, text, **attributes):
    """Return the attributes after the statements, and the place they name."""
    configure = parse_section_configure(kind, text)
    for statement in configure.statements:
        attributes[statement.attribute] = statement.value(attributes.__getitem__)
    return attributes, configure.place


@pytest.mark.parametrize(
    ("kind", "text", "before", "after", "place"),
    [
        ("configure_all_sections", "%s.g = 0", {"g": 3}, {"g": 0}, None),
        (
            "configure_all_sections",
            "%s.g *= 2; %s.cm = %s.g + 1;",
            {"g": 3, "cm": 1},
            {"g": 6, "cm": 7},
            None,
        ),
        (
            "configure_all_sections",
            "%s.g = -(%s.g - 2**3) / 4 % 3",
            {"g": 3},
            {"g": -(3 - 2**3) / 4 % 3},
            None,
        ),
        ("section_list", "apical.g = -1e-3", {"g": 3}, {"g": -1e-3}, ("apical", None)),
        ("section_list", "AIS.g += 1; AIS.cm /= 2", {"g": 3, "cm": 1}, {"g": 4, "cm": 0.5}, ("AIS", None)),
        ("section", "dend[3].g -= 1", {"g": 3}, {"g": 2}, ("dend", 3)),
        ("compartment_set", "g = 1; g *= 4", {"g": 3}, {"g": 4}, None),
    ],
)
def test_statements(kind, text, before, after, place):
    assert applied(kind, text, **before) == (after, place)


def test_all_attributes_mentioned_are_known():
    configure = parse_section_configure("configure_all_sections", "%s.a = %s.b * 2; %s.c += 1")
    assert configure.attributes == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        ("configure_all_sections", "", "empty"),
        ("configure_all_sections", "%s.g = ", "cannot be read"),
        ("configure_all_sections", "print('x')", "not an assignment"),
        ("configure_all_sections", "import os", "not an assignment"),
        ("configure_all_sections", "g = 1", "assigns to 'g'"),
        ("configure_all_sections", "%s.x.y = 1", "assigns to '%s.x.y'"),
        ("configure_all_sections", "%s.g = __import__('os').getcwd()", "cannot stand on the right"),
        ("configure_all_sections", "%s.g = %s.__class__.__bases__", "cannot stand on the right"),
        ("configure_all_sections", "%s.g = [1][0]", "cannot stand on the right"),
        ("configure_all_sections", "%s.g = 'a'", "cannot stand on the right"),
        ("configure_all_sections", "%s.g = True", "cannot stand on the right"),
        ("configure_all_sections", "%s.g **= 2", "not an assignment"),
        ("configure_all_sections", "%s.a = %s.b = 1", "not an assignment"),
        ("section_list", "apicals.g = 1", "did you mean 'apical'"),
        ("section_list", "apical.g = 1; basal.g = 1", "different sections"),
        ("section_list", "apical.g = apical.h", "cannot stand on the right"),
        ("section_list", "apical.g = 1 + 1", "cannot stand on the right"),
        ("section", "dend.g = 1", "assigns to 'dend.g'"),
        ("section", "dend[0].g = 1; dend[1].g = 1", "different sections"),
        ("section", "dent[0].g = 1", "did you mean 'dend'"),
        ("section", "dend[x].g = 1", "assigns to"),
        ("compartment_set", "soma.g = 1", "assigns to"),
    ],
)
def test_refused(kind, text, complaint):
    with pytest.raises(ConfigurationError) as caught:
        parse_section_configure(kind, text)
    assert complaint in str(caught.value)
    assert "expected: assignments" in str(caught.value)
