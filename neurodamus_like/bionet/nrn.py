"""NEURON as run scripts of BMTK reach for it: ``h``, ``pc``, mechanisms, and leaving the program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurodamus_like.bionet.functions import cell_model, synapse_model, synaptic_weight
from neurodamus_like.bionet.network import reset
from neurodamus_like.circuit.cells.cell_models import load_default_template, load_user_templates
from neurodamus_like.engine import mechanisms
from neurodamus_like.engine.nrn import h, pc

__all__ = [
    "cell_model",
    "h",
    "load_neuron_modules",
    "pc",
    "quit_execution",
    "reset",
    "synapse_model",
    "synaptic_weight",
]


def quit_execution() -> None:
    """Do nothing: a script ends at its end, on all ranks. BMTK's scripts call it last."""


def load_neuron_modules(
    mechanisms_dir: str | Path | Sequence[str | Path] | None,
    templates_dir: str | Path | Sequence[str | Path] | None = None,
    default_templates: bool = True,
) -> None:
    """Compile (unless that was done before) and load mechanisms, and load HOC templates.

    A configuration does this by itself; for scripts that want mechanisms before.

    Parameters
    ----------
    mechanisms_dir
        Folders with MOD files, or with a folder ``modfiles``.
    templates_dir
        HOC files, or folders of them.
    default_templates
        Load the template ``Biophys1``, too.
    """
    if default_templates:
        load_default_template()
    folders = [p / "modfiles" if (p / "modfiles").is_dir() else p for p in _paths(mechanisms_dir)]
    if folders:
        mechanisms.load_library(mechanisms.build_mechanisms(folders))
    for path in _paths(templates_dir):
        for file in sorted(path.glob("*.hoc")) if path.is_dir() else [path]:
            load_user_templates(file)


def _paths(value: str | Path | Sequence[str | Path] | None) -> list[Path]:
    if value is None:
        return []
    return [Path(value)] if isinstance(value, str | Path) else [Path(item) for item in value]
