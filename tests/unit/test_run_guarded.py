"""Errors of a serial run; tests/mpi/test_errors.py has the parallel ones."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType
from typing import NoReturn

import pytest

from neurodamus_like.config.manifest import read_json
from neurodamus_like.exceptions import CircuitError, ConfigurationError
from neurodamus_like.parallel.errors import collectively, install_excepthook, raise_collectively, run_guarded
from neurodamus_like.parallel.mpi import world


def raising(error: BaseException) -> NoReturn:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (CircuitError("bad", file="n.h5", hint="mend it"), 1, "error: bad\n  where: n.h5\n  hint: mend it\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (SystemExit(0), 0, ""),
        (SystemExit(None), 0, ""),
        (SystemExit(4), 4, ""),
        (SystemExit("enough"), 1, "enough\n"),
    ],
)
def test_ends(error: BaseException, code: int, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_guarded(lambda: raising(error)) == code
    assert capsys.readouterr().err == shown


@pytest.mark.parametrize(("error", "debug"), [(KeyError("x"), False), (CircuitError("bad"), True)])
def test_tracebacks(error: Exception, debug: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_guarded(lambda: raising(error), debug=debug) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert "raise error" in shown


def test_success_returns_the_code_of_main() -> None:
    assert run_guarded(lambda: 0) == 0
    assert run_guarded(lambda: 5) == 5


def test_collective_errors_of_one_rank_are_plain_errors() -> None:
    error = CircuitError("bad")
    with pytest.raises(CircuitError) as caught, collectively(world()):
        raise error
    assert caught.value is error
    raise_collectively(world(), None)


def test_a_hook_of_the_users_own_still_gets_all_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[BaseException, list[str]]] = []

    def own(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        seen.append((error, [frame.name for frame in traceback.extract_tb(trace)]))

    monkeypatch.setattr(sys, "excepthook", own)
    install_excepthook.cache_clear()
    install_excepthook()
    install_excepthook()
    for function in (lambda: {}["x"], lambda: read_json("no_such.json")):
        try:
            function()
        except (KeyError, ConfigurationError) as error:
            sys.excepthook(type(error), error, error.__traceback__)
    here = "test_a_hook_of_the_users_own_still_gets_all_errors"
    assert [(type(error), names) for error, names in seen] == [
        (KeyError, [here, "<lambda>"]),
        (ConfigurationError, [here, "<lambda>"]),
    ]
    install_excepthook.cache_clear()
