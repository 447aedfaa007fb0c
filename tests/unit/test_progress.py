from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from neurodamus_like import progress as module
from neurodamus_like.logs import close_logging, get_logger, setup_logging
from neurodamus_like.progress import Progress, configure_progress, format_duration


class Clock:
    """Stands in for time.monotonic."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock)
    return clock


@pytest.fixture
def console() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    setup_logging(logging.INFO, stream=stream)
    configure_progress(stream=stream)
    yield stream
    close_logging()
    configure_progress()


def test_lines_in_a_log_with_percentage_and_time_left(console: io.StringIO, clock: Clock) -> None:
    with Progress("cells", 100) as progress:
        for _ in range(10):
            clock.now += 2
            progress.update(10)
    lines = [line.split(" ", 1)[1] for line in console.getvalue().splitlines()]
    assert lines[0] == "cells: 10 % (10/100), 18.0 s left"
    assert lines[4] == "cells: 50 % (50/100), 10.0 s left"
    assert lines[-1] == "cells: 100/100 in 20.0 s"
    assert len(lines) == 10


def test_a_fast_phase_gives_one_line(console: io.StringIO, clock: Clock) -> None:
    with Progress("cells", 1000) as progress:
        for _ in range(1000):
            clock.now += 1e-4
            progress.update()
    assert console.getvalue().count("\n") == 1


def test_a_slow_phase_gives_a_line_every_few_seconds(console: io.StringIO, clock: Clock) -> None:
    with Progress("run", 1000.0, "ms") as progress:
        for _ in range(30):
            clock.now += 1
            progress.update(0.5)
    lines = console.getvalue().splitlines()
    assert len(lines) == 7
    assert "run: 0 % (2.5/1000 ms)" in lines[0]


def test_bar_on_a_terminal_makes_room_for_messages() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    setup_logging(stream=terminal, use_color=False)
    configure_progress(stream=terminal)
    try:
        with Progress("cells", 4) as progress:
            progress.update(2)
            get_logger("x").info("in between")
            progress.update(2)
    finally:
        configure_progress()
        close_logging()
    text = terminal.getvalue()
    assert "100%" in text
    assert "4/4" in text
    assert any(line.endswith("in between") for line in text.replace("\r", "\n").splitlines())


@pytest.mark.parametrize("silence", ["rank", "disabled"])
def test_silence(console: io.StringIO, clock: Clock, silence: str) -> None:
    if silence == "rank":
        configure_progress(rank=1, stream=console)
    else:
        configure_progress(enabled=False, stream=console)
    with Progress("cells", 10) as progress:
        clock.now += 60
        progress.update(10)
    assert console.getvalue() == ""
    assert progress.done == 10


def test_an_error_inside_ends_without_a_closing_line(console: io.StringIO) -> None:
    with pytest.raises(KeyError), Progress("cells", 10):
        raise KeyError("x")
    assert console.getvalue() == ""


def test_no_work_is_complete_work() -> None:
    with Progress("cells", 0) as progress:
        assert progress.fraction == 1.0
    assert Progress("cells", 10).eta_s is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 s"), (12.5, "12.5 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (3599.7, "1 h 00 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
