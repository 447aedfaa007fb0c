"""Mechanisms of a model: find, compile, load once, and say what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from neurodamus_like.cache import default_cache_dir
from neurodamus_like.engine import coreneuron, nrn
from neurodamus_like.engine.core_build import CORENRNMECH
from neurodamus_like.engine.mech_build import NRNMECH, MechanismLibrary, build_mechanisms
from neurodamus_like.engine.mech_sources import collect_sources, core_dir
from neurodamus_like.exceptions import MechanismError, did_you_mean
from neurodamus_like.io.nmodl import ModHeader, read_nmodl_header

_SERVICE_FOLDERS = ("stimuli", "cells")

__all__ = [
    "MechanismLibrary",
    "ModHeader",
    "build_mechanisms",
    "build_missing_core",
    "core_dir",
    "default_cache_dir",
    "load_library",
    "missing_mechanisms",
    "read_nmodl_header",
    "require_mechanisms",
]


def load_library(library: MechanismLibrary | Path) -> bool:
    """Load a library into NEURON once, and tell CoreNEURON about its part if there is one.

    Parameters
    ----------
    library
        What :func:`build_mechanisms` returned, a ``libnrnmech.so``, or a folder that holds one.

    Returns
    -------
    bool
        False if it was loaded before.

    Raises
    ------
    MechanismError
        NEURON refuses it.
    """
    if isinstance(library, MechanismLibrary):
        nrnmech, core = library.nrnmech, library.corenrnmech
    else:
        nrnmech = Path(library) / NRNMECH if Path(library).is_dir() else Path(library)
        core = nrnmech.with_name(CORENRNMECH)
    loaded = nrn.load_mechanism_library(nrnmech)
    if core is not None and core.is_file():
        coreneuron.use_library(core)
    return loaded


def build_missing_core(progress: Callable[[str], None] | None = None) -> MechanismLibrary | None:
    """Compile those of the package's mechanisms for stimuli and recording that NEURON does not have yet.

    For models that bring a compiled library and no MOD files. None if nothing is missing.
    """
    folders = [core_dir() / "mod" / name for name in _SERVICE_FOLDERS]
    known = nrn.mechanism_names()
    if not collect_sources(folders, with_core=False, without=known).headers:
        return None
    return build_mechanisms(folders, with_core=False, without=known, progress=progress)


def missing_mechanisms(
    required: Iterable[str], library: MechanismLibrary | Iterable[str] | None = None
) -> list[str]:
    """Return the required mechanisms that a library does not have, sorted.

    Parameters
    ----------
    required
        Names.
    library
        A library, or the names that are there; by default those NEURON has loaded.
    """
    return sorted(set(required) - _names(library))


def require_mechanisms(
    required: Iterable[str],
    library: MechanismLibrary | Iterable[str] | None = None,
    *,
    searched: Iterable[Path] = (),
) -> None:
    """Make sure that mechanisms are there.

    Parameters
    ----------
    required, library
        As in :func:`missing_mechanisms`.
    searched
        Folders whose MOD files were compiled, for the message.

    Raises
    ------
    MechanismError
        Some are missing; the message lists all of them, where they were looked for, and names that come near.
    """
    there = _names(library)
    missing = missing_mechanisms(required, there)
    if not missing:
        return
    places = [str(path) for path in (*searched, *nrn.loaded_libraries())]
    near = [(name, did_you_mean(name, there, n=1)) for name in missing]
    hints = [f"{name}: {proposal}" for name, proposal in near if proposal]
    raise MechanismError(
        "mechanisms that the model needs are missing: " + ", ".join(missing),
        expected="in " + (", ".join(places) if places else "NEURON's own mechanisms, the only ones loaded"),
        hint="; ".join([*hints, "add the folder of their MOD files with --mechanisms DIR"]),
    )


def _names(library: MechanismLibrary | Iterable[str] | None) -> frozenset[str]:
    if library is None:
        return nrn.mechanism_names()
    if isinstance(library, MechanismLibrary):
        return library.names | nrn.mechanism_names()
    return frozenset(library)
