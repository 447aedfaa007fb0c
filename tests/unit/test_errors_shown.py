"""What is shown of errors that are not our own."""

from __future__ import annotations

from neurodamus_like.parallel.errors import describe
from tests.helpers import run_python


def test_a_path_the_system_refuses_is_named_in_one_line() -> None:
    error = PermissionError(13, "Permission denied", "/somewhere/results")
    assert describe(error) == "error: Permission denied: /somewhere/results"
    assert "PermissionError" in describe(error, debug=True)


def test_demo_into_a_folder_that_cannot_be_made() -> None:
    done = run_python(["-m", "neurodamus_like.cli.main", "demo", "--output-dir=/proc/nowhere"])
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "/proc/nowhere" in done.stderr
