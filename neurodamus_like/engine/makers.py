"""Two ways to make many simulator objects: with the compiled factory, or one by one from Python; same results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.engine import bulk_library
from neurodamus_like.engine.nrn import h, pc
from neurodamus_like.engine.object_columns import HocColumn, ObjectColumn, column_of

FloatColumn = NDArray[np.float64]
IntColumn = NDArray[np.int64]


class Maker(Protocol):
    """What both can do; arrays have one row per object."""

    def point_processes(
        self, mechanism: str, sections: Sequence[Any], section_index: IntColumn, x: FloatColumn
    ) -> ObjectColumn:
        """Make point processes at `x` of ``sections[section_index]``."""

    def artificial_cells(self, mechanism: str, count: int) -> ObjectColumn:
        """Make artificial cells."""

    def vectors(self, values: Sequence[FloatColumn]) -> ObjectColumn:
        """Make one Vector of each array."""

    def set_values(self, objects: ObjectColumn, name: str, values: FloatColumn) -> None:
        """Set a RANGE variable."""

    def call_numbers(self, objects: ObjectColumn, method: str, numbers: IntColumn) -> None:
        """Call a procedure with the numbers of each row, shape (n, n_arguments)."""

    def call_objects(
        self, objects: ObjectColumn, method: str, arguments: ObjectColumn, index: IntColumn
    ) -> None:
        """Call a procedure with ``arguments[index]``."""

    def netcons_from_gids(
        self, gids: IntColumn, targets: ObjectColumn, weights: FloatColumn, delays_ms: FloatColumn
    ) -> ObjectColumn:
        """Make NetCons from global ids, on whatever rank."""

    def netcons_from_objects(
        self,
        sources: ObjectColumn,
        index: IntColumn,
        targets: ObjectColumn,
        threshold: float,
        weights: FloatColumn,
        delays_ms: FloatColumn,
    ) -> ObjectColumn:
        """Make NetCons from ``sources[index]``."""

    def set_weights(self, netcons: ObjectColumn, position: int, values: FloatColumn) -> None:
        """Set one element of the weight vectors."""


class PythonMaker:
    """One Python object per simulator object."""

    def point_processes(
        self, mechanism: str, sections: Sequence[Any], section_index: IntColumn, x: FloatColumn
    ) -> ObjectColumn:
        """Make them one by one."""
        constructor = getattr(h, mechanism)
        made = []
        current: int = -1
        section: Any = None
        for index, position in zip(section_index.tolist(), x.tolist(), strict=True):
            if index != current:
                current, section = index, sections[index]
            made.append(constructor(section(position)))
        return column_of(made)

    def artificial_cells(self, mechanism: str, count: int) -> ObjectColumn:
        """Make them one by one."""
        constructor = getattr(h, mechanism)
        return column_of([constructor() for _ in range(count)])

    def vectors(self, values: Sequence[FloatColumn]) -> ObjectColumn:
        """Make them one by one."""
        return column_of([h.Vector(row) for row in values])

    def set_values(self, objects: ObjectColumn, name: str, values: FloatColumn) -> None:
        """Set them one by one."""
        for item, value in zip(objects, values.tolist(), strict=True):
            setattr(item, name, value)

    def call_numbers(self, objects: ObjectColumn, method: str, numbers: IntColumn) -> None:
        """Call them one by one."""
        for item, row in zip(objects, numbers.tolist(), strict=True):
            getattr(item, method)(*row)

    def call_objects(
        self, objects: ObjectColumn, method: str, arguments: ObjectColumn, index: IntColumn
    ) -> None:
        """Call them one by one."""
        for item, number in zip(objects, index.tolist(), strict=True):
            getattr(item, method)(arguments[number])

    def netcons_from_gids(
        self, gids: IntColumn, targets: ObjectColumn, weights: FloatColumn, delays_ms: FloatColumn
    ) -> ObjectColumn:
        """Make them one by one."""
        connect = pc.gid_connect
        netcons = []
        rows = zip(gids.tolist(), targets, weights.tolist(), delays_ms.tolist(), strict=True)
        for gid, target, weight, delay in rows:
            netcon = connect(gid, target)
            netcon.delay = delay
            netcon.weight[0] = weight
            netcons.append(netcon)
        return column_of(netcons)

    def netcons_from_objects(
        self,
        sources: ObjectColumn,
        index: IntColumn,
        targets: ObjectColumn,
        threshold: float,
        weights: FloatColumn,
        delays_ms: FloatColumn,
    ) -> ObjectColumn:
        """Make them one by one."""
        netcon_class = h.NetCon
        rows = zip(index.tolist(), targets, weights.tolist(), delays_ms.tolist(), strict=True)
        return column_of(
            [netcon_class(sources[i], target, threshold, delay, weight) for i, target, weight, delay in rows]
        )

    def set_weights(self, netcons: ObjectColumn, position: int, values: FloatColumn) -> None:
        """Set them one by one."""
        for netcon, value in zip(netcons, values.tolist(), strict=True):
            netcon.weight[position] = value


class CompiledMaker:
    """Addresses only: no Python object per simulator object."""

    def point_processes(
        self, mechanism: str, sections: Sequence[Any], section_index: IntColumn, x: FloatColumn
    ) -> ObjectColumn:
        """Make them in one call."""
        made = _room(x.size)
        begin, end = (int(section_index.min()), int(section_index.max()) + 1) if x.size else (0, 0)
        pointers = bulk_library.section_pointers(sections[begin:end])
        where = (pointers, _integers(section_index - begin), _floats(x))
        bulk_library.run("nl_create", x.size, mechanism.encode(), x.size, *where, made)
        return HocColumn(made)

    def artificial_cells(self, mechanism: str, count: int) -> ObjectColumn:
        """Make them in one call."""
        made = _room(count)
        bulk_library.run("nl_create", count, mechanism.encode(), count, None, None, None, made)
        return HocColumn(made)

    def vectors(self, values: Sequence[FloatColumn]) -> ObjectColumn:
        """Make them in one call."""
        begin = np.zeros(len(values) + 1, dtype=np.int64)
        np.cumsum([row.size for row in values], out=begin[1:])
        flat = _floats(np.concatenate([np.empty(0), *values]))
        made = _room(len(values))
        bulk_library.run("nl_vectors", made.size, made.size, begin, flat, made)
        return HocColumn(made)

    def set_values(self, objects: ObjectColumn, name: str, values: FloatColumn) -> None:
        """Write the column at once where NEURON has it in one piece."""
        held = _pointers(objects)
        bulk_library.run("nl_set_values", held.size, held.size, held, name.encode(), _floats(values))

    def call_numbers(self, objects: ObjectColumn, method: str, numbers: IntColumn) -> None:
        """Call all of them in one call."""
        held = _pointers(objects)
        arguments = (held.size, held, method.encode(), numbers.shape[1], _integers(numbers))
        bulk_library.run("nl_call_numbers", held.size, *arguments)

    def call_objects(
        self, objects: ObjectColumn, method: str, arguments: ObjectColumn, index: IntColumn
    ) -> None:
        """Call all of them in one call."""
        held, given = _pointers(objects), _pointers(arguments)
        bulk_library.run(
            "nl_call_objects", held.size, held.size, held, method.encode(), given, _integers(index)
        )

    def netcons_from_gids(
        self, gids: IntColumn, targets: ObjectColumn, weights: FloatColumn, delays_ms: FloatColumn
    ) -> ObjectColumn:
        """Make them in one call."""
        made = _room(gids.size)
        rows = (_integers(gids), _pointers(targets), _floats(weights), _floats(delays_ms), made)
        bulk_library.run("nl_connect_gids", made.size, bulk_library.parallel_context(), made.size, *rows)
        return HocColumn(made)

    def netcons_from_objects(
        self,
        sources: ObjectColumn,
        index: IntColumn,
        targets: ObjectColumn,
        threshold: float,
        weights: FloatColumn,
        delays_ms: FloatColumn,
    ) -> ObjectColumn:
        """Make them in one call."""
        made = _room(index.size)
        ends = (_pointers(sources), _integers(index), _pointers(targets))
        values = (_floats(delays_ms), _floats(weights))
        bulk_library.run("nl_connect_objects", made.size, made.size, *ends, threshold, *values, made)
        return HocColumn(made)

    def set_weights(self, netcons: ObjectColumn, position: int, values: FloatColumn) -> None:
        """Set all in one call."""
        held = _pointers(netcons)
        bulk_library.run("nl_set_weights", held.size, held.size, held, position, _floats(values))


_PYTHON, _COMPILED = PythonMaker(), CompiledMaker()


def maker() -> Maker:
    """Return the compiled factory's maker where there is one, else Python's."""
    return _COMPILED if bulk_library.is_active() else _PYTHON


def _room(count: int) -> NDArray[np.uint64]:
    return np.zeros(count, dtype=np.uint64)


def _integers(values: IntColumn) -> IntColumn:
    return np.ascontiguousarray(values, dtype=np.int64)


def _floats(values: FloatColumn) -> FloatColumn:
    return np.ascontiguousarray(values, dtype=np.float64)


def _pointers(objects: ObjectColumn) -> NDArray[np.uint64]:
    column = column_of(objects)
    assert isinstance(column, HocColumn)
    return column.pointers
