"""What the commands that draw have in common: reading numbers and names, saving figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.exceptions import ConfigurationError, did_you_mean
from neurodamus_like.plotting.backend import STYLE, create_figure, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")


def number_option(name: str, text: str | None, default: float | None = None) -> float | None:
    """Return the value of an option, `default` if it was not given.

    Raises
    ------
    ConfigurationError
        It is not a number.
    """
    try:
        return default if text is None else float(text)
    except ValueError:
        raise ConfigurationError(f"{name}={text} is not valid", expected="a number") from None


def count_option(name: str, text: str) -> int:
    """Return the value of an option that is a whole number from 1.

    Raises
    ------
    ConfigurationError
        It is not.
    """
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(f"{name}={text} is not valid", expected="a whole number, 1 or more")
    return int(text)


def ids_option(name: str, text: str | None) -> list[int] | None:
    """Return node ids given as ``1,4,7-9``, None if the option was not given.

    Raises
    ------
    ConfigurationError
        It is something else.
    """
    if text is None:
        return None
    ids: list[int] = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()):
            raise ConfigurationError(f"{name}={text} is not valid", expected="node ids such as 1,4,7-9")
        ids += range(int(low), int(high if dash else low) + 1)
    return ids


def choose_population(populations: Mapping[str, T], wanted: str | None, file: Path) -> tuple[str, T]:
    """Return name and data of the wanted population, the first if none was named.

    Raises
    ------
    ConfigurationError
        The file does not have it, or nothing at all.
    """
    name = wanted if wanted is not None else next(iter(populations), "")
    if name not in populations:
        raise ConfigurationError(
            f"there is no population {name!r}" if name else "there is no population",
            file=file,
            expected="one of " + ", ".join(populations) if populations else "at least one population",
            hint=did_you_mean(name, populations) or None,
        )
    return name, populations[name]


def draw(
    paint: Callable[[Figure], None],
    output: str | None,
    source: Path,
    *,
    width: float = 10.0,
    height: float = 6.0,
) -> Path:
    """Draw a figure into a PNG file and return its path.

    Parameters
    ----------
    paint
        Puts axes on the figure.
    output
        The file; None: beside `source`, with its name and the ending ``.png``.
    source
        The file that is drawn.
    width, height
        Inches.
    """
    matplotlib = require_matplotlib()
    path = Path(output) if output else source.with_suffix(".png")
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        figure = create_figure(width, height)
        paint(figure)
        figure.savefig(path, dpi=150)
    return path


def frames_between(times_ms: NDArray[np.float64], start_ms: float | None, end_ms: float | None) -> slice:
    """Return the frames from `start_ms` up to but without `end_ms`; None stands for the end of the data.

    Raises
    ------
    ConfigurationError
        There is no such frame.
    """
    low = 0 if start_ms is None else int(np.searchsorted(times_ms, start_ms - 1e-9))
    high = len(times_ms) if end_ms is None else int(np.searchsorted(times_ms, end_ms - 1e-9))
    if low >= high:
        last = f"{times_ms[0]:g} to {times_ms[-1]:g} ms" if len(times_ms) else "none"
        raise ConfigurationError("there is nothing between --start and --end", expected=f"frames: {last}")
    return slice(low, high)
