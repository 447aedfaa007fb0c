"""Reader of the inputs of the Allen dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.allen_spike_inputs import SPIKE_READERS
from neurodamus_like.config.allen_stimuli import OTHERS, read_current, read_other
from neurodamus_like.config.models import UNITS, Input
from neurodamus_like.exceptions import did_you_mean

Reader = Callable[[str, Mapping[str, Any], AllenContext], list[Input]]

READERS: Mapping[str, Reader] = MappingProxyType(
    {"iclamp": read_current, **dict.fromkeys(OTHERS, read_other), **SPIKE_READERS}
)
"""Module of a block, in small letters -> its reader."""


def read_inputs(blocks: Mapping[str, Any], context: AllenContext) -> tuple[Input, ...]:
    """Return the inputs of a configuration; what is wrong with one is collected in the document.

    They are in file order, but for those of recorded units, which come last: so their synapses take their places on the
    cells behind all others, as in BMTK.
    """
    found: list[Input] = []
    for name, block in context.enabled_blocks("inputs", blocks):
        with context.collecting():
            found += _read(name, block, context)
    return tuple(sorted(found, key=lambda block: block.parameters.get("format") == UNITS))


def _read(name: str, block: Mapping[str, Any], context: AllenContext) -> list[Input]:
    module = _module_of(block)
    if module not in READERS:
        raise context.error(
            f"the input {name!r} has an unknown module {block.get('module')!r}",
            *("inputs", name, "module"),
            expected="one of IClamp, SEClamp, " + ", ".join(sorted(set(READERS) - {"iclamp", "seclamp"})),
            hint=did_you_mean(str(block.get("module")), READERS) or None,
        )
    return READERS[module](name, block, context)


def _module_of(block: Mapping[str, Any]) -> str:
    """Return the module in small letters; ``syn_activity`` may stand in ``input_type`` alone."""
    if block.get("input_type") == "syn_activity":
        return "syn_activity"
    return str(block.get("module")).lower()
