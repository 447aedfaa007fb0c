"""NEURON's compilers of MOD files as processes: what they need around them, and what their results depend on."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from neurodamus_like.engine.mech_sources import ModSources
from neurodamus_like.exceptions import MechanismError


def neuron_version() -> str:
    """Return the version of the installed NEURON; raise MechanismError if there is none."""
    for distribution in ("neuron", "neuron-nightly"):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    raise MechanismError("NEURON is not installed", hint="pip install neuron")


def compiler_version() -> str:
    """Return the first line of ``g++ --version``; raise MechanismError where there is no compiler."""
    compiler = os.environ.get("CXX", "g++").split() or ["g++"]
    for tool, package in ((compiler[0], "g++"), ("make", "make")):
        if shutil.which(tool) is None:
            raise MechanismError(
                f"{tool} was not found: mechanisms cannot be compiled",
                hint=f"install it (Debian, Ubuntu: apt install {package}), or use a compiled library (--nrnmech)",
            )
    answer = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=False)
    return answer.stdout.partition("\n")[0]


def cpu_identity(flags: str) -> str:
    """Return what code compiled with `flags` depends on: model and features of this CPU, or "" if it runs on any."""
    return _cpu() if "native" in flags else ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    kinds = ("model name", "flags", "Features")
    found = [next((line for line in lines if line.startswith(kind)), "") for kind in kinds]
    return "\n".join(found).strip() or platform.processor()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file: other processes wait."""
    with path.open("w") as handle:
        # the system drops the lock with the process that holds it
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def copy_sources(folder: Path, sources: ModSources) -> None:
    """Make `folder` with all files of `sources`, under names that the compilers accept."""
    folder.mkdir()
    for stem, header in sources.stems().items():
        shutil.copyfile(header.path, folder / f"{stem}.mod")
    for path in sources.included:
        shutil.copyfile(path, folder / path.name)


def run_tool(name: str, folder: Path, options: list[str]) -> tuple[int, str]:
    """Run ``nrnivmodl`` or ``nrnivmodl-core`` in `folder`; return the exit code and all that it said."""
    bin_dir = Path(sys.executable).parent
    script = bin_dir / name
    found = str(script) if script.is_file() else shutil.which(name)
    if found is None:
        raise MechanismError(f"{name} was not found", hint="pip install neuron in this Python environment")
    environment = {**os.environ, "PATH": os.pathsep.join([str(bin_dir), os.environ.get("PATH", os.defpath)])}
    if shutil.which("perl", path=environment["PATH"]) is None:
        environment["PATH"] += os.pathsep + str(_stand_in_for_perl(folder))
    done = subprocess.run(
        [found, *options],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def _stand_in_for_perl(folder: Path) -> Path:
    # nrnivmodl insists on a perl in PATH and never calls it
    bin_dir = folder / "bin"
    bin_dir.mkdir()
    perl = bin_dir / "perl"
    perl.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    perl.chmod(0o755)
    return bin_dir
