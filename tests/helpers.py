"""Things that tests of several rooms need."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_LAUNCHER_PREFIXES = ("PMI", "PMIX", "OMPI_", "MPI_LOCAL", "HYDI_", "SLURM_", "PALS_", "MV2_")


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without the marks of an MPI launcher, and with `extra`."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_LAUNCHER_PREFIXES)}
    return {**environment, **(extra or {})}


def mpiexec() -> str | None:
    """Return the mpiexec beside this Python (the one that belongs to mpi4py's MPI), or None."""
    path = Path(sys.executable).parent / "mpiexec"
    return str(path) if path.exists() else None


def run_mpi(
    n: int,
    code_or_args: str | Sequence[str],
    timeout: float = 300,
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run Python on `n` MPI ranks and return exit code, stdout and stderr as text.

    Every rank prints into a file of its own, and these are put one behind the other: the launcher merges the ranks'
    streams wherever a write ends, so that lines of two ranks can end up in one.

    Parameters
    ----------
    n
        Number of ranks.
    code_or_args
        Python code, or the arguments for the interpreter (``["-m", "neurodamus_like.cli.main", ...]``).
    timeout
        Seconds after which the ranks are killed and ``subprocess.TimeoutExpired`` is raised: nothing hangs.
    cwd
        Working folder.
    env
        Environment variables besides the present ones.
    """
    launcher = mpiexec()
    if launcher is None:
        import pytest

        pytest.skip("no mpiexec beside the interpreter")
    args = ["-c", code_or_args] if isinstance(code_or_args, str) else list(code_or_args)
    with tempfile.TemporaryDirectory() as folder:
        files = ["-outfile-pattern", f"{folder}/out.%r", "-errfile-pattern", f"{folder}/err.%r"]
        done = _run([launcher, *files, "-n", str(n), sys.executable, *args], timeout, cwd, env)
        done.stdout += _of_all_ranks(Path(folder), "out", n)
        done.stderr += _of_all_ranks(Path(folder), "err", n)
    return done


def _of_all_ranks(folder: Path, stream: str, ranks: int) -> str:
    files = [folder / f"{stream}.{rank}" for rank in range(ranks)]
    return "".join(file.read_text() for file in files if file.exists())


def run_python(
    code_or_args: str | Sequence[str],
    timeout: float = 300,
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, without a launcher; parameters as in :func:`run_mpi`."""
    args = ["-c", code_or_args] if isinstance(code_or_args, str) else list(code_or_args)
    return _run([sys.executable, *args], timeout, cwd, env)


def _run(
    command: list[str], timeout: float, cwd: str | Path | None, env: Mapping[str, str] | None
) -> subprocess.CompletedProcess[str]:
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=clean_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
