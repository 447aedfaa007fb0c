"""Reports of runs that were cut short: what is written of them, and how to make whole files of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.compression import copy_report
from neurodamus_like.io.hdf5 import open_h5, replace_when_whole
from neurodamus_like.io.report_files import find_tables

PART_SUFFIX = ".part"


@dataclass(frozen=True)
class Recovery:
    """What was recovered.

    Attributes
    ----------
    path
        The whole file.
    n_frames, n_expected
        Frames in it, and what the run would have written.
    end_ms
        Up to which time, without it.
    """

    path: Path
    n_frames: int
    n_expected: int
    end_ms: float


def part_of(path: Path) -> Path:
    """Return the name a report has while it is written."""
    return path.with_name(f".{path.name}{PART_SUFFIX}")


def find_unfinished(path: Path) -> list[Path]:
    """Return the unfinished reports that a path means; none if what it means is whole.

    Parameters
    ----------
    path
        An unfinished report, the name it would have got, or a folder of results.

    Raises
    ------
    CircuitError
        There are no results.
    """
    path = Path(path)
    if path.is_dir():
        found = sorted(path.glob(f".*.h5{PART_SUFFIX}"))
    else:
        found = [p for p in (path, part_of(path)) if p.is_file() and p.name.endswith(PART_SUFFIX)]
    is_whole = any(path.glob("*.h5")) if path.is_dir() else path.is_file() and path.suffix == ".h5"
    if not found and not is_whole:
        raise CircuitError(
            "there is no report, neither whole nor unfinished",
            file=path,
            expected=f"a file .<name>.h5{PART_SUFFIX}, or a folder with such files",
            hint="check the output folder",
        )
    return found


def recover_report(part: Path) -> Recovery:
    """Give an unfinished report its name, with the frames that were written, and remove the unfinished file.

    Parameters
    ----------
    part
        ``.<name>.h5.part``; its header says up to which time it was written.

    Raises
    ------
    CircuitError
        The file cannot be read, or holds no frame.
    """
    part = Path(part)
    path = part.with_name(part.name.removesuffix(PART_SUFFIX).removeprefix("."))
    with open_h5(part) as h5:
        tables = find_tables(h5)
        if not tables:
            raise CircuitError("the file has no report", file=part, pointer="/report")
        data, times = tables[0]
        start, end, step = (float(t) for t in h5[times][:3])
        expected = len(h5[data])
    n_frames = min(expected, max(0, round((end - start) / step)))
    if not n_frames:
        raise CircuitError(
            "no frame of the report was written",
            file=part,
            hint="delete the file and run the simulation again",
        )
    with replace_when_whole(path) as temporary:
        copy_report(part, temporary, n_frames=n_frames)
    part.unlink()
    return Recovery(path, n_frames, expected, start + n_frames * step)
