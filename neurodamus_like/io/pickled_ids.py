"""Pickles of node ids, read without running code that somebody put into them."""

from __future__ import annotations

import gzip
import pickle
import zlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.exceptions import ConfigurationError


class _Ids(array):  # type: ignore[type-arg]
    """Stands for the vectors of ids in files of neurodamus."""


def _new_part(*_: Any) -> defaultdict[Any, Any]:
    return defaultdict(lambda: _Ids("q"))


def _function_of(item: Any) -> Callable[..., Any]:
    """Return the function that a pickle of `item` calls."""
    function: Callable[..., Any] = item.__reduce_ex__(3)[0]
    return function


class _Unpickler(pickle.Unpickler):
    """Reads containers and arrays of numbers, and nothing that could run code."""

    _ALLOWED: Mapping[str, Callable[..., Any]] = {
        "collections.defaultdict": defaultdict,
        "array.array": array,
        "array._array_reconstructor": _function_of(array("q")),
        "numpy.ndarray": np.ndarray,
        "numpy.dtype": np.dtype,
        "numpy.core.multiarray._reconstruct": _function_of(np.empty(0)),
        "numpy._core.multiarray._reconstruct": _function_of(np.empty(0)),
        "neurodamus.utils.compat.Vector": _Ids,
    }

    def find_class(self, module: str, name: str) -> Any:
        if module == "neurodamus.utils.memory":  # makes the parts of a defaultdict
            return _new_part
        try:
            return self._ALLOWED[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} does not belong into an allocation") from None


def load_pickled_ids(path: Path) -> Any:
    """Return what a compressed pickle holds, which must be containers and arrays of numbers.

    Raises
    ------
    ConfigurationError
        The file is damaged, or holds something else.
    """
    try:
        with gzip.open(path) as file:
            return _Unpickler(file).load()
    except (
        OSError,
        EOFError,
        zlib.error,
        pickle.UnpicklingError,
        AttributeError,
        TypeError,
        ValueError,
    ) as error:
        raise ConfigurationError(
            f"the allocation cannot be read: {error}",
            file=path,
            expected="a compressed pickle of {population: {(rank, cycle): node ids}}",
            hint="remove it, and make it again with --dry-run",
        ) from error
