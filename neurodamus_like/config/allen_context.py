"""What the readers of inputs and reports of the Allen dialect need to know of the rest of the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.config.allen_node_sets import NodeSetBook
from neurodamus_like.config.allen_values import read_switch
from neurodamus_like.config.models import Circuit, Input, Output, Run
from neurodamus_like.exceptions import ConfigurationError


@dataclass(frozen=True)
class AllenContext:
    """The configuration around a block of inputs or reports.

    Attributes
    ----------
    document
        The configuration, for paths, errors and notices; variables are replaced already.
    circuit, run, output
        What was read before.
    node_sets
        ``node_sets.name_of(value, *where)`` turns any form of a node set into a name that targets/ knows.
    applied
        Inputs that act besides those of the document.
    """

    document: AllenDocument
    circuit: Circuit
    run: Run
    output: Output
    node_sets: NodeSetBook
    applied: tuple[Input, ...] = ()

    def enabled_blocks(
        self, section: str, blocks: Mapping[str, Any]
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield name and block of those that are not switched off; others than objects are noted as errors."""
        for name, block in blocks.items():
            if not isinstance(block, Mapping):
                self.document.errors.append(self.error(f"{name!r} is not an object", section, name))
                continue
            enabled = False
            with self.document.collecting():
                enabled = read_switch(self.document, block, "enabled", True, section, name)
            if enabled:
                yield name, block

    def resolve(self, text: Any, *where: str | int) -> Path:
        """Return the absolute path of `text`, written at the place `where`."""
        return self.document.resolve(text, *where)

    def existing(self, text: Any, *where: str | int) -> Path:
        """Return the absolute path of a file that must be there; the error says where it would be."""
        return self.document.existing(text, *where)

    def node_set(self, value: Any, *where: str | int) -> str:
        """Return the name of the node set that `value` means, in any form BMTK allows."""
        return self.node_sets.name_of(value, *where)

    def error(
        self, message: str, *where: str | int, expected: str | None = None, hint: str | None = None
    ) -> ConfigurationError:
        """Return the error about the place `where`: ``context.error("...", "inputs", name, "amp")``."""
        return self.document.error(message, *where, expected=expected, hint=hint)

    def notice(self, message: str, *where: str | int, hint: str | None = None) -> None:
        """Note something that is allowed, but perhaps not meant."""
        self.document.notice(message, *where, hint=hint)

    def collecting(self) -> AbstractContextManager[None]:
        """Keep an error raised inside the block and go on, so that all are shown together."""
        return self.document.collecting()

    def number(
        self, block: Mapping[str, Any], key: str, *where: str | int, default: float | None = None
    ) -> float:
        """Return a number of a block that stands at the place `where`.

        Raises
        ------
        ConfigurationError
            It is missing and has no default, or is no number.
        """
        value = block.get(key, default)
        if value is None:
            raise self.error(f"{key!r} is missing", *where)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"{key!r} is not a number: {value!r}", *where, key)
        return float(value)
