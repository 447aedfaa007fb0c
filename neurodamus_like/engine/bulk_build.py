"""Compiled helpers of the engine (``core/cpp``): built on first use, kept in the cache of mechanisms."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from neurodamus_like.cache import default_cache_dir
from neurodamus_like.engine.mech_sources import core_dir
from neurodamus_like.engine.nrn import h, version
from neurodamus_like.engine.nrnivmodl import compiler_version, locked
from neurodamus_like.exceptions import MechanismError

_FLAGS = ("-O2", "-std=c++17", "-shared", "-fPIC")


def build_bulk_factory(*, cache_dir: Path | None = None) -> Path:
    """Return the compiled factory of simulator objects, see :func:`build_helper`."""
    return build_helper("bulk_factory", cache_dir=cache_dir)


def build_helper(name: str, *, linked: Sequence[Path] = (), cache_dir: Path | None = None) -> Path:
    """Return a compiled helper; compile it unless the cache has it.

    Several processes may call this at the same time: one compiles, the others wait for it.

    Parameters
    ----------
    name
        Of the source in ``core/cpp``, without ``.cpp``.
    linked
        Libraries besides NEURON's own that it needs.
    cache_dir
        Folder of caches, by default that of mechanisms.

    Raises
    ------
    MechanismError
        There is no compiler, NEURON's headers or library are not where they should be, or the folder is not writable.
    """
    source = core_dir() / "cpp" / f"{name}.cpp"
    prefix = Path(str(h.neuronhome())).parents[1]
    for needed in (source, prefix / "include" / "neuronapi.h", prefix / "lib" / "libnrniv.so", *linked):
        if not needed.is_file():
            raise MechanismError("a file that a compiled helper needs is missing", file=needed)
    target = _target(source, prefix, linked, default_cache_dir() if cache_dir is None else Path(cache_dir))
    if target.is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent.with_suffix(".lock")):
            if not target.is_file():
                _compile(source, prefix, linked, target)
    except OSError as error:
        raise MechanismError(
            f"cannot write a compiled helper: {error.strerror or error}",
            file=target,
            hint="choose another folder with $NEURODAMUS_LIKE_CACHE",
        ) from error
    return target


def _target(source: Path, prefix: Path, linked: Sequence[Path], cache: Path) -> Path:
    digest = hashlib.sha256(source.read_bytes())
    for text in (
        *(version(), str(prefix), compiler_version(), platform.machine()),
        *_FLAGS,
        *map(str, linked),
    ):
        digest.update(b"\0" + text.encode())
    return cache.absolute() / "bulk" / digest.hexdigest()[:24] / f"lib{source.stem}.so"


def _compile(source: Path, prefix: Path, linked: Sequence[Path], target: Path) -> None:
    compiler = os.environ.get("CXX", "g++").split() or ["g++"]
    libraries = prefix / "lib"
    with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as folder:
        made = Path(folder) / target.name
        where = [f"-I{prefix / 'include'}", f"-L{libraries}", "-lnrniv", f"-Wl,-rpath,{libraries}"]
        where += ["-Wl,--no-as-needed", *map(str, linked)]
        done = subprocess.run(
            [*compiler, *_FLAGS, str(source), "-o", str(made), *where],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error" in line]
            raise MechanismError(
                f"{source.name} could not be compiled: " + "; ".join(lines[:3]),
                file=source,
                hint="NEURODAMUS_LIKE_FACTORY=python makes synapses without compiled code",
            )
        made.rename(target)
