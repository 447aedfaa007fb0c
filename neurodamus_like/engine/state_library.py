"""The compiled access to the whole state of NEURON's model (``core/cpp/model_state.cpp``), loaded with ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.engine.bulk_build import build_helper
from neurodamus_like.engine.nrn import h
from neurodamus_like.exceptions import MechanismError, SimulationError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Pointers = npt.NDArray[np.uint64]

_ERROR_SIZE = 512
_array = ctypes.c_void_p
_number = ctypes.c_int64
_real = ctypes.c_double
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "ms_type_count": (_number, ()),
    "ms_type_name": (ctypes.c_char_p, (_number,)),
    "ms_type_info": (None, (_number, _array)),
    "ms_nodes": (None, (_number, _array)),
    "ms_points": (None, (_number, _array, _array)),
    "ms_values": (None, (_number, _array, _number)),
    "ms_parameters": (None, (_number, _array)),
    "ms_random": (None, (_number, _array, _number)),
    "ms_hidden_sizes": (None, (_number, _array)),
    "ms_hidden": (None, (_number, _array, _array, _number)),
    "ms_node_count": (_number, ()),
    "ms_section_nodes": (_number, (_array, _array)),
    "ms_section_size": (_number, (_array,)),
    "ms_accessed_section": (_array, ()),
    "ms_voltages": (None, (_array, _number)),
    "ms_membrane_currents": (_number, (_array, _number)),
    "ms_layers": (_number, ()),
    "ms_extracellular": (None, (_array, _number)),
    "ms_netcon_count": (_number, ()),
    "ms_netcons": (_number, (_number, _array, _array, _array, _array, _array, _array)),
    "ms_weights": (None, (_number, _array, _array, _array, _number)),
    "ms_set_time": (None, (_real,)),
    "ms_settle": (_number, (_array,)),
    "ms_event_count": (_number, (_array,)),
    "ms_events": (_number, (_number, _array, _array, _array, _array, _array, _array)),
    "ms_watch_count": (_number, (_array,)),
    "ms_watches": (None, (_array,)),
    "ms_clear_watches": (None, ()),
    "ms_set_watches": (None, (_number, _number, _array)),
    "ms_begin": (_number, (_real, _array)),
    "ms_forward": (_number, (_real, _number, _array, _array)),
    "ms_prune": (None, (_number, _array)),
    "ms_send": (_number, (_number, _array, _array, _array, _array, _array, _array, _array)),
}


@dataclass(frozen=True)
class MechanismType:
    """What NEURON knows of the instances of one mechanism on this rank."""

    number: int
    name: str
    n: int
    width: int
    n_random: int
    has_hidden: bool
    is_point: bool
    is_artificial: bool
    has_watch: bool


@cache
def library() -> ctypes.CDLL:
    """Return the compiled access.

    Raises
    ------
    MechanismError
        It cannot be built (there is no compiler, or another NEURON) or loaded.
    """
    path = build_helper("model_state")
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise MechanismError(
            f"the access to the state of the model cannot be loaded: {error}", file=path
        ) from error
    for name, (result, arguments) in _SIGNATURES.items():
        getattr(loaded, name).argtypes, getattr(loaded, name).restype = arguments, result
    return loaded


def call(name: str, *arguments: Any) -> Any:
    """Call a function; arrays are passed by address."""
    plain = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments]
    return getattr(library(), name)(*plain)


def call_rows(name: str, count: int, *arguments: Any) -> int:
    """Call a function that reports how many rows it has done.

    Raises
    ------
    SimulationError
        It has done fewer than `count`.
    """
    error = ctypes.create_string_buffer(_ERROR_SIZE)
    done = int(call(name, *arguments, error))
    message = error.value.decode(errors="replace").strip()
    if message or done < count:
        raise SimulationError(f"{name} failed on row {done}: {message or 'NEURON said nothing'}")
    return done


def mechanism_types() -> list[MechanismType]:
    """Return the mechanisms that have instances on this rank."""
    found = []
    info = np.zeros(7, dtype=np.int64)
    for number in range(call("ms_type_count")):
        call("ms_type_info", number, info)
        if info[0]:
            n, width, n_random, *flags = info.tolist()
            name = call("ms_type_name", number).decode()
            found.append(MechanismType(number, name, n, width, n_random, *map(bool, flags)))
    return found


def mechanism_numbers() -> dict[str, int]:
    """Return the number of each mechanism that NEURON knows."""
    names = {number: call("ms_type_name", number).decode() for number in range(call("ms_type_count"))}
    return {name: number for number, name in names.items() if name}


def section_nodes(sections: Sequence[Any]) -> list[IntArray]:
    """Return the rows of the nodes of each section; the first is the node that the section begins at."""
    found = []
    for section in sections:
        section.push()
        pointer = call("ms_accessed_section")
        h.pop_section()
        nodes = np.empty(call("ms_section_size", pointer), dtype=np.int64)
        call("ms_section_nodes", pointer, nodes)
        found.append(nodes)
    return found


def points(kind: MechanismType) -> tuple[Pointers, IntArray]:
    """Return the addresses of point processes, and the numbers in their HOC names."""
    addresses, numbers = np.empty(kind.n, dtype=np.uint64), np.empty(kind.n, dtype=np.int64)
    call("ms_points", kind.number, addresses, numbers)
    return addresses, numbers


def hoc_number(item: Any) -> tuple[str, int]:
    """Return class and number of a HOC object."""
    name, _, number = str(item.hname()).partition("[")
    return name, int(number.rstrip("]"))
