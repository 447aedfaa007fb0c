from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neurodamus_like.logs import (
    ALL_RANKS,
    VERBOSE,
    add_log_file,
    close_logging,
    default_log_name,
    get_logger,
    level_of,
    log_level,
    set_console_guard,
    setup_logging,
)


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    close_logging()
    set_console_guard(None)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_rank_0_speaks_and_names_levels_other_than_info() -> None:
    console = io.StringIO()
    setup_logging(stream=console)
    logger = get_logger("neurodamus_like.io.nodes")
    logger.info("reading")
    logger.warning("odd")
    logger.log(VERBOSE, "detail")
    first, second = console.getvalue().splitlines()
    assert first.endswith(" reading")
    assert second.endswith(" warning: odd")


def test_other_ranks_are_silent_unless_the_record_is_for_all() -> None:
    console = io.StringIO()
    setup_logging(rank=3, stream=console)
    get_logger("plugin").error("not shown")
    get_logger("plugin").warning("cell 7 is odd", extra=ALL_RANKS)
    assert console.getvalue().count("\n") == 1
    assert "[rank 3] warning: cell 7 is odd" in console.getvalue()


@pytest.mark.parametrize(
    ("options", "level"),
    [
        ({}, logging.INFO),
        ({"verbose": True}, VERBOSE),
        ({"debug": True, "verbose": True}, logging.DEBUG),
        ({"quiet": True}, logging.WARNING),
    ],
)
def test_levels(options: dict[str, bool], level: int) -> None:
    assert log_level(**options) == level


@pytest.mark.parametrize(("use_color", "colored"), [(None, True), (False, False), (True, True)])
def test_colors_on_a_terminal(use_color: bool | None, colored: bool) -> None:
    console = Terminal()
    setup_logging(stream=console, use_color=use_color)
    get_logger("x").error("bad")
    assert ("\033[31m" in console.getvalue()) == colored


def test_log_file_is_written_by_rank_0_only(tmp_path: Path) -> None:
    setup_logging(stream=io.StringIO())
    assert add_log_file(tmp_path / "a" / "run.log", rank=1) is None
    assert not (tmp_path / "a").exists()
    path = add_log_file(tmp_path / "a" / "run.log")
    get_logger("x").info("written")
    close_logging()
    assert path is not None
    assert path.read_text().rstrip().endswith(" written")
    assert default_log_name().startswith("pydamus_")


def test_a_quiet_run_leaves_no_empty_log_file(tmp_path: Path) -> None:
    setup_logging(log_level(quiet=True), stream=io.StringIO())
    path = add_log_file(tmp_path / "run.log")
    assert path is not None
    get_logger("x").info("hidden")
    assert not path.exists()
    get_logger("x").warning("shown")
    assert path.read_text().count("shown") == 1


def test_setting_up_twice_does_not_double_messages() -> None:
    console = io.StringIO()
    setup_logging(stream=console)
    setup_logging(stream=console)
    get_logger("x").info("once")
    assert console.getvalue().count("once") == 1


def test_console_guard_is_entered_around_each_record() -> None:
    console = io.StringIO()

    @contextmanager
    def guard() -> Iterator[None]:
        console.write("<")
        yield
        console.write(">")

    setup_logging(stream=console)
    set_console_guard(guard)
    get_logger("x").info("inside")
    assert console.getvalue().startswith("<")
    assert console.getvalue().endswith("inside\n>")


def test_level_of_the_log_file(tmp_path: Path) -> None:
    console = io.StringIO()
    setup_logging(logging.WARNING, stream=console)
    path = add_log_file(tmp_path / "run.log", level=level_of("debug"))
    assert path is not None
    logger = get_logger("neurodamus_like.test")
    logger.debug("a detail")
    logger.warning("a danger")
    close_logging()
    assert "a detail" in path.read_text()
    assert "a danger" in path.read_text()
    assert "a detail" not in console.getvalue()
    assert "a danger" in console.getvalue()
    assert level_of("") == logging.INFO
