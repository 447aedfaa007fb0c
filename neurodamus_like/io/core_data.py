"""Files of a CoreNEURON model: the list of groups, the ids of a group, and the spikes a run on them writes.

A group is what one rank built in one cycle; its files carry the number of its first cell (``<group>_1.dat`` with
connections, ``<group>_2.dat`` with the model, ``<group>_gap.dat`` with gap junctions). ``files.dat`` lists the groups,
``bbcore_mech.dat`` and ``globals.dat`` belong to all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodamus_like.exceptions import CircuitError, SimulationError

LIST_NAME = "files.dat"
SHARED_NAMES = (LIST_NAME, "bbcore_mech.dat", "globals.dat")
"""Files that belong to all groups."""
SPIKES_NAME = "out.dat"

_GAPS_MARK = -1
_SPIKE_DIGITS = 8
_THRESHOLD_DELAY_MS = 1e-10
"""A cell that crosses its threshold during a step spikes so much after the beginning of the step."""


@dataclass(frozen=True)
class GroupList:
    """What ``files.dat`` says.

    Attributes
    ----------
    version
        Of the file format.
    groups
        In the order in which ranks take them: the n-th goes to rank ``n % ranks``.
    has_gaps
        Some cells are joined by gap junctions.
    """

    version: str
    groups: tuple[int, ...]
    has_gaps: bool = False


def write_group_list(folder: Path, groups: GroupList) -> None:
    """Write ``files.dat``."""
    marks = [_GAPS_MARK] if groups.has_gaps else []
    lines = [groups.version, *(str(mark) for mark in marks), f"{len(groups.groups):10d}"]
    lines += [str(group) for group in groups.groups]
    (folder / LIST_NAME).write_text("\n".join(lines) + "\n", encoding="ascii")


def read_group_list(folder: Path) -> GroupList:
    """Read ``files.dat``.

    Raises
    ------
    CircuitError
        It is not there, or it is not such a file.
    """
    path = folder / LIST_NAME
    try:
        version, *numbers = path.read_text(encoding="ascii").split()
        values = [int(number) for number in numbers]
        has_gaps = values[0] == _GAPS_MARK
        count, *groups = values[1:] if has_gaps else values
    except FileNotFoundError:
        raise CircuitError("the list of groups is missing", file=path) from None
    except (ValueError, IndexError):
        raise CircuitError(
            "the list of groups is damaged", file=path, expected="version, number of groups, groups"
        ) from None
    if count != len(groups):
        raise CircuitError(
            f"the list announces {count} groups and names {len(groups)}",
            file=path,
            hint="the build was interrupted, or two builds wrote here: build the model again",
        )
    return GroupList(version, tuple(groups), has_gaps)


def group_version(folder: Path, group: int) -> str:
    """Return the version of the file format that a group was written in."""
    with (folder / f"{group}_1.dat").open("rb") as file:
        return file.readline().decode("ascii").strip()


def read_group_gids(folder: Path, group: int) -> npt.NDArray[np.int64]:
    """Return the gids of the spike sources of a group, in the order of its file.

    Raises
    ------
    CircuitError
        The file is missing or cut short.
    """
    path = folder / f"{group}_1.dat"
    try:
        with path.open("rb") as file:
            file.readline()
            n_sources = int(file.readline().split()[0])
            file.readline()
            file.readline()
            ids = np.fromfile(file, dtype=np.int32, count=n_sources).astype(np.int64)
    except FileNotFoundError:
        raise CircuitError(f"group {group} of the model is missing", file=path) from None
    except (ValueError, IndexError):
        raise CircuitError(f"group {group} of the model is damaged", file=path) from None
    if ids.size != n_sources:
        raise CircuitError(f"group {group} of the model is cut short", file=path)
    return ids[ids >= 0]


def group_files(folder: Path, group: int, *, has_gaps: bool = False) -> list[Path]:
    """Return the files of a group that must be there; `has_gaps` adds that of gap junctions if it is there."""
    gaps = folder / f"{group}_gap.dat"
    return [
        folder / f"{group}_1.dat",
        folder / f"{group}_2.dat",
        *([gaps] if has_gaps and gaps.exists() else []),
    ]


def largest_time_ms(dt_ms: float) -> float:
    """Return up to which time the digits of ``out.dat`` tell the time step of a spike."""
    return float(10.0 ** np.floor(_SPIKE_DIGITS + np.log10(dt_ms) - 0.01))


def read_core_spikes(
    folder: Path, dt_ms: float, *, start_ms: float = 0.0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Read the spikes that CoreNEURON wrote: times (ms), with all digits again, and gids.

    The text has 8 digits. Cells spike at time steps, whose times are sums of half steps from the beginning of the run;
    a spike within the rounding of the text of such a time gets it, others (of artificial cells) stay as they are.

    Parameters
    ----------
    folder
        Where ``out.dat`` is.
    dt_ms
        The time step.
    start_ms
        Where the run began.

    Raises
    ------
    SimulationError
        There is no such file, or it is not one.
    """
    path = folder / SPIKES_NAME
    if not path.is_file():
        raise SimulationError("CoreNEURON wrote no spikes file", file=path)
    try:
        values = np.array(path.read_text(encoding="ascii").split(), dtype=np.float64).reshape(-1, 2)
    except ValueError:
        raise SimulationError("the spikes of CoreNEURON cannot be read", file=path) from None
    return restore_step_times(values[:, 0], dt_ms, start_ms), values[:, 1].astype(np.int64)


def restore_step_times(
    times_ms: npt.NDArray[np.float64], dt_ms: float, start_ms: float = 0.0
) -> npt.NDArray[np.float64]:
    """Return times of 8 digits as those of integration steps, where they are such; see `read_core_spikes`."""
    if not times_ms.size:
        return times_ms
    n_steps = int(np.ceil((times_ms.max() - start_ms) / dt_ms)) + 2
    halves = np.full(2 * n_steps + 1, 0.5 * dt_ms)
    halves[0] = start_ms
    steps = np.cumsum(halves)[::2] + _THRESHOLD_DELAY_MS
    nearest = steps[np.clip(np.rint((times_ms - start_ms) / dt_ms).astype(np.int64), 0, n_steps)]
    digits = np.floor(np.log10(np.maximum(np.abs(times_ms), 1e-3)))
    rounding = 0.51 * 10.0 ** (digits - _SPIKE_DIGITS + 1)
    return np.where(np.abs(nearest - times_ms) <= rounding, nearest, times_ms)


def format_ini(values: Sequence[tuple[str, object]]) -> str:
    """Return the lines of ``sim.conf``; strings are quoted, options that are off are left out."""
    lines = []
    for key, value in values:
        if isinstance(value, bool):
            lines += [f"{key}=true"] if value else []
        elif isinstance(value, (str, Path)):
            lines.append(f"{key}='{value}'")
        else:
            lines.append(f"{key}={value!r}")
    return "\n".join(lines) + "\n"
