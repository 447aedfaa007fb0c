"""The small language of ``section_configure``: assignments to attributes of sections, read without running anything.

Statements are separated by ``;``. What stands on the left depends on the type of modification:

* ``configure_all_sections``: ``%s.attribute``; the right side may be arithmetic with ``%s.attribute`` in it;
* ``section_list``: ``list.attribute`` (all, somatic, axonal, basal, apical, AIS, nodal, myelinated);
* ``section``: ``type[index].attribute`` (soma, axon, dend, apic, ais, node, myelin);
* ``compartment_set``: ``attribute``.

In the last three the right side is a number, and all statements of a modification name the same list or section.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from neurodamus_like.exceptions import ConfigurationError, did_you_mean

SECTION_LISTS = ("all", "somatic", "axonal", "basal", "apical", "AIS", "nodal", "myelinated")
SECTION_TYPES = ("soma", "axon", "dend", "apic", "ais", "node", "myelin")

CONFIGURED_TYPES = ("configure_all_sections", "section_list", "section", "compartment_set")
"""Types of modifications that have a text."""

_SECTION = "_section_"
_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[float], float]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_ASSIGNING = (ast.Add, ast.Sub, ast.Mult, ast.Div)

Place = tuple[str, int | None]
"""Section list or section type; in the latter case with an index."""


@dataclass(frozen=True)
class Statement:
    """One assignment.

    Attributes
    ----------
    attribute
        What is assigned.
    operation
        How the old and the right value give the new one; None for plain assignment.
    expression
        The right side.
    """

    attribute: str
    operation: Callable[[float, float], float] | None
    expression: ast.expr

    @property
    def attributes(self) -> frozenset[str]:
        """All attributes of the section that the statement mentions."""
        read = {node.attr for node in ast.walk(self.expression) if isinstance(node, ast.Attribute)}
        return frozenset({self.attribute, *read})

    def value(self, get: Callable[[str], float]) -> float:
        """Return the new value of the attribute, where `get` returns the present value of one."""
        right = _evaluate(self.expression, get)
        return right if self.operation is None else self.operation(get(self.attribute), right)


@dataclass(frozen=True)
class SectionConfigure:
    """What a modification assigns: its statements, and the list or section they name (None for every one)."""

    statements: tuple[Statement, ...]
    place: Place | None = None

    @property
    def attributes(self) -> frozenset[str]:
        """All attributes mentioned."""
        return frozenset().union(*(statement.attributes for statement in self.statements))


def parse_section_configure(kind: str, text: str) -> SectionConfigure:
    """Return what the text of a modification of type `kind` means.

    Raises
    ------
    ConfigurationError
        The text is not a list of assignments of the form that this type takes.
    """
    try:
        tree = ast.parse(text.replace("%s", _SECTION).replace("\n", " ").strip().strip(";"), mode="exec")
    except SyntaxError as error:
        raise _refused(text, f"it cannot be read ({error.msg})", kind) from None
    if not tree.body:
        raise _refused(text, "it is empty", kind)
    places: list[Place | None] = []
    statements = []
    for node in tree.body:
        place, statement = _statement(node, kind, text)
        places.append(place)
        statements.append(statement)
    if len(set(places)) > 1:
        raise _refused(text, "its statements name different sections", kind)
    return SectionConfigure(tuple(statements), places[0])


def _statement(node: ast.stmt, kind: str, text: str) -> tuple[Place | None, Statement]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, operation, value = node.targets[0], None, node.value
    elif isinstance(node, ast.AugAssign) and isinstance(node.op, _ASSIGNING):
        target, operation, value = node.target, _BINARY[type(node.op)], node.value
    else:
        raise _refused(text, f"{ast.unparse(node)!r} is not an assignment", kind)
    place, attribute = _TARGETS[kind](target, kind, text)
    _check_expression(value, kind, text)
    return place, Statement(attribute, operation, value)


def _any_section(target: ast.expr, kind: str, text: str) -> tuple[None, str]:
    if isinstance(target, ast.Attribute) and _is_section(target.value):
        return None, target.attr
    raise _refused(text, f"it assigns to {_written(target)!r}", kind)


def _list(target: ast.expr, kind: str, text: str) -> tuple[Place, str]:
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        name = target.value.id
        if name in SECTION_LISTS:
            return (name, None), target.attr
        raise _refused(text, f"there is no section list {name!r}", kind, _proposal(name, SECTION_LISTS))
    raise _refused(text, f"it assigns to {_written(target)!r}", kind)


def _section(target: ast.expr, kind: str, text: str) -> tuple[Place, str]:
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Subscript):
        array, index = target.value.value, target.value.slice
        if isinstance(array, ast.Name) and isinstance(index, ast.Constant) and type(index.value) is int:
            if array.id in SECTION_TYPES:
                return (array.id, index.value), target.attr
            proposal = _proposal(array.id, SECTION_TYPES)
            raise _refused(text, f"there is no section type {array.id!r}", kind, proposal)
    raise _refused(text, f"it assigns to {_written(target)!r}", kind)


def _bare(target: ast.expr, kind: str, text: str) -> tuple[None, str]:
    if isinstance(target, ast.Name) and target.id != _SECTION:
        return None, target.id
    raise _refused(text, f"it assigns to {_written(target)!r}", kind)


_TARGETS: Mapping[str, Callable[[ast.expr, str, str], tuple[Place | None, str]]] = {
    "configure_all_sections": _any_section,
    "section_list": _list,
    "section": _section,
    "compartment_set": _bare,
}
_FORMS = {
    "configure_all_sections": "assignments such as '%s.gbar_hh = 0; %s.cm *= 2', with arithmetic on the right",
    "section_list": "assignments of numbers such as 'apical.gbar_hh = 0', all to one list",
    "section": "assignments of numbers such as 'dend[3].gbar_hh *= 2', all to one section",
    "compartment_set": "assignments of numbers such as 'gbar_hh = 0'",
}


def _check_expression(node: ast.expr, kind: str, text: str) -> None:
    arithmetic = kind == "configure_all_sections"
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return _check_expression(node.operand, kind, text)
    if arithmetic and isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        _check_expression(node.left, kind, text)
        return _check_expression(node.right, kind, text)
    if arithmetic and isinstance(node, ast.Attribute) and _is_section(node.value):
        return None
    raise _refused(text, f"{_written(node)!r} cannot stand on the right", kind)


def _evaluate(node: ast.expr, get: Callable[[str], float]) -> float:
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_evaluate(node.left, get), _evaluate(node.right, get))
    if isinstance(node, ast.UnaryOp):
        return _UNARY[type(node.op)](_evaluate(node.operand, get))
    if isinstance(node, ast.Attribute):
        return get(node.attr)
    assert isinstance(node, ast.Constant)
    return float(node.value)  # type: ignore[arg-type]


def _is_section(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == _SECTION


def _written(node: ast.AST) -> str:
    return ast.unparse(node).replace(_SECTION, "%s")


def _proposal(name: str, known: tuple[str, ...]) -> str:
    return did_you_mean(name, known) or "known: " + ", ".join(known)


def _refused(text: str, why: str, kind: str, hint: str | None = None) -> ConfigurationError:
    why = why.replace(_SECTION, "%s")
    return ConfigurationError(f"section_configure {text!r}: {why}", expected=_FORMS[kind], hint=hint)
