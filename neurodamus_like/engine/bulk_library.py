"""The compiled factory, loaded with ctypes: arrays of addresses in, arrays of addresses out.

``NEURODAMUS_LIKE_FACTORY`` chooses: ``compiled`` insists on it, ``python`` does without, and by default it is used
where it can be built.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine.bulk_build import build_bulk_factory
from neurodamus_like.engine.nrn import h
from neurodamus_like.exceptions import ConfigurationError, MechanismError, SimulationError
from neurodamus_like.logs import get_logger

logger = get_logger(__name__)

CHOICE = "NEURODAMUS_LIKE_FACTORY"
Pointers = npt.NDArray[np.uint64]

_ERROR_SIZE = 512
_BOX = "nl_box_"
_array = ctypes.c_void_p
_number = ctypes.c_int64
_text = ctypes.c_char_p
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "nl_create": (_text, _number, _array, _array, _array, _array),
    "nl_set_values": (_number, _array, _text, _array),
    "nl_call_numbers": (_number, _array, _text, _number, _array),
    "nl_call_objects": (_number, _array, _text, _array, _array),
    "nl_vectors": (_number, _array, _array, _array),
    "nl_connect_gids": (_array, _number, _array, _array, _array, _array, _array),
    "nl_connect_objects": (_number, _array, _array, _array, ctypes.c_double, _array, _array, _array),
    "nl_set_weights": (_number, _array, _number, _array),
    "nl_take_items": (_array, _number, _array),
    "nl_append": (_array, _number, _array),
}


@cache
def library() -> ctypes.CDLL | None:
    """Return the compiled factory, or None when Python does its work.

    Raises
    ------
    ConfigurationError
        The environment variable has another value.
    MechanismError
        It is insisted on, but cannot be built.
    """
    choice = os.environ.get(CHOICE, "")
    if choice not in ("", "compiled", "python"):
        raise ConfigurationError(f"${CHOICE} is {choice!r}", expected="compiled, python or nothing")
    if choice == "python":
        return None
    try:
        return _load()
    except MechanismError as error:
        if choice == "compiled":
            raise
        logger.info("Synapses are made by Python, which is slower: %s", error)
        return None


def is_active() -> bool:
    """Say whether the compiled factory makes the objects."""
    return library() is not None


def _load() -> ctypes.CDLL:
    path = build_bulk_factory()
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise MechanismError(f"the compiled factory cannot be loaded: {error}", file=path) from error
    for name, arguments in _SIGNATURES.items():
        function = getattr(loaded, name)
        function.argtypes, function.restype = (*arguments, _text), _number
    for name in ("nl_ref", "nl_unref"):
        getattr(loaded, name).argtypes, getattr(loaded, name).restype = (_number, _array), None
    loaded.nl_accessed_section.argtypes, loaded.nl_accessed_section.restype = (), _array
    for name in ("nl_from_function", "nl_new"):
        getattr(loaded, name).argtypes, getattr(loaded, name).restype = (_text, _text), _array
    return loaded


def run(name: str, count: int, *arguments: Any) -> None:
    """Call a function of the factory; arrays are passed by address.

    Raises
    ------
    SimulationError
        It has done fewer than `count` rows; NEURON's message is part of the text.
    """
    loaded = _loaded()
    error = ctypes.create_string_buffer(_ERROR_SIZE)
    plain = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments]
    done = getattr(loaded, name)(*plain, error)
    if done != count:
        message = error.value.decode(errors="replace").strip() or "NEURON's own message is above"
        raise SimulationError(f"{name} failed on row {done} of {count}: {message}")


def section_pointers(sections: Sequence[Any]) -> Pointers:
    """Return the addresses of sections."""
    accessed = _loaded().nl_accessed_section
    found = np.empty(len(sections), dtype=np.uint64)
    for row, section in enumerate(sections):
        section.push()
        found[row] = accessed()
        h.pop_section()
    return found


@cache
def parallel_context() -> int:
    """Return the address of a ParallelContext of our own."""
    return _object("nl_new", b"ParallelContext")


def shared(pointers: Pointers) -> Pointers:
    """Return a copy that has a reference of its own to each object."""
    copy = np.array(pointers, dtype=np.uint64)
    if copy.size:
        _loaded().nl_ref(copy.size, copy.ctypes.data)
    return copy


def release(pointers: Pointers) -> None:
    """Give back one reference to each object and forget it; those without another one die."""
    if pointers.size:
        _loaded().nl_unref(pointers.size, pointers.ctypes.data)


def wrapped(pointers: Pointers) -> list[Any]:
    """Return Python's view of objects; None for 0."""
    there = np.ascontiguousarray(pointers[pointers != 0])
    box, address = _box()
    run("nl_append", there.size, address, there.size, there)
    objects = iter([box.o(i) for i in range(there.size)])
    box.remove_all()
    return [next(objects) if pointer else None for pointer in pointers.tolist()]


def pointers_to(objects: Sequence[Any]) -> Pointers:
    """Return the addresses of objects, each with a reference of its own; 0 for None."""
    pointers = np.zeros(len(objects), dtype=np.uint64)
    rows = [row for row, item in enumerate(objects) if item is not None]
    box, address = _box()
    for row in rows:
        box.append(objects[row])
    found = np.empty(len(rows), dtype=np.uint64)
    run("nl_take_items", found.size, address, found.size, found)
    box.remove_all()
    pointers[rows] = found
    return pointers


@cache
def _box() -> tuple[Any, int]:
    """Return the List through which objects go from Python to C and back, and its address."""
    h(f"objref {_BOX}\n{_BOX} = new List()")
    h(f"obfunc {_BOX}of() {{ return {_BOX} }}")
    return getattr(h, _BOX), _object("nl_from_function", f"{_BOX}of".encode())


def _object(maker: str, name: bytes) -> int:
    error = ctypes.create_string_buffer(_ERROR_SIZE)
    found = getattr(_loaded(), maker)(name, error)
    if not found:
        raise SimulationError(f"{maker}({name.decode()}) failed: {error.value.decode(errors='replace')}")
    return int(found)


def _loaded() -> ctypes.CDLL:
    loaded = library()
    if loaded is None:
        raise MechanismError("there is no compiled factory", hint=f"unset ${CHOICE}")
    return loaded
