"""Electrodes files: how much the membrane current of each compartment adds to the potential at each contact."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import IntArray, open_h5, replace_when_whole

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """Contacts of an electrode.

    Attributes
    ----------
    names
        One per contact.
    positions_um
        Shape (contacts, 3), global coordinates.
    """

    names: tuple[str, ...]
    positions_um: FloatArray

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class ElectrodeFactors:
    """Factors of the nodes of one population.

    Attributes
    ----------
    node_ids
        int64[n], ids inside the population.
    offsets
        int64[n + 1]: rows ``offsets[i]:offsets[i + 1]`` belong to ``node_ids[i]``.
    factors
        mV/nA, shape (compartments, contacts); compartments by ascending report section id, 0 to 1.
    """

    node_ids: IntArray
    offsets: IntArray
    factors: FloatArray


def read_probe(path: Path) -> Probe:
    """Read contact positions from a table with a header.

    Columns are separated by commas, semicolons, tabs or blanks; the positions (µm) are called x, y, z or
    x_pos, y_pos, z_pos; names, if any, are called name or channel.

    Raises
    ------
    CircuitError
        The file cannot be read, a column is missing, or a value is not a number.
    """
    rows = _read_table(Path(path))
    columns = {name.strip().lower(): number for number, name in enumerate(rows[0])}
    axes = [next((columns[n] for n in (a, f"{a}_pos", f"pos_{a}") if n in columns), None) for a in "xyz"]
    if None in axes or len(rows) < 2:
        raise CircuitError(
            "the probe has no contact positions",
            file=path,
            expected="a header with x, y, z (or x_pos, y_pos, z_pos) and a row for each contact",
        )
    name_column = columns.get("name", columns.get("channel"))
    try:
        positions = [[float(row[axis]) for axis in axes if axis is not None] for row in rows[1:]]
        names = [str(n) if name_column is None else row[name_column] for n, row in enumerate(rows[1:])]
    except (ValueError, IndexError) as error:
        raise CircuitError(
            f"the probe has a row that cannot be read: {error}",
            file=path,
            expected="three numbers (µm) per contact",
        ) from error
    return Probe(tuple(names), np.array(positions, dtype=np.float64))


def _read_table(path: Path) -> list[list[str]]:
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise CircuitError(f"cannot read the probe: {error}", file=path) from error
    separator = next((s for s in ",;\t" if lines and s in lines[0]), None)
    if separator is None:
        return [line.split() for line in lines] or [[]]
    return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]


def write_electrodes(path: Path, probe: Probe, populations: Mapping[str, ElectrodeFactors]) -> None:
    """Write an electrodes file; it appears under its name only when it is whole.

    Parameters
    ----------
    path
        The file.
    probe
        The contacts, in the order of the columns of the factors.
    populations
        Population -> factors of its nodes.
    """
    with replace_when_whole(Path(path)) as temporary, h5py.File(temporary, "w") as h5:
        electrodes = h5.create_group("electrodes")
        for number, (name, position) in enumerate(zip(probe.names, probe.positions_um, strict=True)):
            contact = electrodes.create_group(f"electrode_{number}" if name in populations else name)
            contact.create_dataset("position", data=position, track_times=False)
        for name, table in populations.items():
            group = electrodes.create_group(name)
            group.create_dataset("scaling_factors", data=table.factors, track_times=False)
            nodes = h5.create_group(name)
            nodes.create_dataset("node_ids", data=table.node_ids, dtype=np.int64, track_times=False)
            nodes.create_dataset("offsets", data=table.offsets, dtype=np.int64, track_times=False)


def read_electrode_factors(path: Path, population: str, node_ids: Sequence[int]) -> dict[int, FloatArray]:
    """Read the factors of some nodes.

    Parameters
    ----------
    path
        Electrodes file.
    population
        Node population.
    node_ids
        Wanted; those that the file does not have are left out.

    Returns
    -------
    dict
        Node id -> mV/nA, shape (compartments, contacts).

    Raises
    ------
    CircuitError
        The file cannot be read, or lacks the population, or its parts do not fit together.
    """
    with open_h5(Path(path)) as h5:
        known, offsets, factors = _datasets(h5, population)
        rows = {int(node): number for number, node in enumerate(known)}
        found = {}
        for node in node_ids:
            number = rows.get(int(node))
            if number is not None:
                begin, end = int(offsets[number]), int(offsets[number + 1])
                found[int(node)] = np.asarray(factors[begin:end], dtype=np.float64)
        return found


def _datasets(h5: Any, population: str) -> tuple[IntArray, IntArray, Any]:
    paths = [f"electrodes/{population}/scaling_factors", f"{population}/node_ids", f"{population}/offsets"]
    missing = [name for name in paths if name not in h5]
    if missing:
        raise CircuitError(
            "the electrodes file lacks " + ", ".join("/" + name for name in missing),
            file=h5.filename,
            population=population,
            expected="factors of every reported population",
            hint="write one with `neurodamus-like electrodes`",
        )
    factors, node_ids, offsets = (h5[name] for name in paths)
    ids, ends = np.asarray(node_ids[()], dtype=np.int64), np.asarray(offsets[()], dtype=np.int64)
    if factors.ndim != 2 or ends.size != ids.size + 1 or (ends.size and ends[-1] != len(factors)):
        raise CircuitError(
            "the parts of the electrodes file do not fit together",
            file=h5.filename,
            population=population,
            expected="scaling_factors[compartments, contacts], offsets[nodes + 1] up to compartments",
        )
    return ids, ends, factors
