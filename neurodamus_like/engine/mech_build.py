"""Mechanism libraries: compiled once for each set of sources, NEURON, compiler and flags, and kept in a cache."""

from __future__ import annotations

import hashlib
import platform
import shutil
import tempfile
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurodamus_like.cache import default_cache_dir
from neurodamus_like.engine.core_build import CORENRNMECH, VECTOR_FLAGS, build_core, core_folder, is_built
from neurodamus_like.engine.mech_errors import explain_failure
from neurodamus_like.engine.mech_sources import ModSources, collect_sources
from neurodamus_like.engine.nrnivmodl import (
    compiler_version,
    copy_sources,
    cpu_identity,
    locked,
    neuron_version,
    run_tool,
)
from neurodamus_like.exceptions import MechanismError
from neurodamus_like.logs import get_logger

logger = get_logger(__name__)

NRNMECH = "libnrnmech.so"


@dataclass(frozen=True)
class MechanismLibrary:
    """A compiled library.

    Attributes
    ----------
    directory
        Folder of the cache that holds it.
    nrnmech
        Library for NEURON.
    corenrnmech
        Library for CoreNEURON, if it was asked for.
    names
        Mechanisms inside.
    built
        True if it was compiled by this call, False if it was in the cache.
    """

    directory: Path
    nrnmech: Path
    corenrnmech: Path | None
    names: frozenset[str]
    built: bool


def build_mechanisms(
    directories: Sequence[Path],
    *,
    with_core: bool = True,
    without: Container[str] = (),
    coreneuron: bool = False,
    flags: str = "",
    core_flags: str = VECTOR_FLAGS,
    cache_dir: Path | None = None,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> MechanismLibrary:
    """Compile the MOD files of some folders and of the core into one library, unless the cache has it.

    Several processes may call this at the same time: one compiles, the others wait for it. Where there is no
    compiler, a library of the same sources, NEURON and flags that any compiler made is used, with a warning.

    Parameters
    ----------
    directories
        Folders with MOD files; they win over the core's mechanisms of the same name.
    with_core
        Add the package's own mechanisms.
    without
        Mechanisms to leave out.
    coreneuron
        Compile for CoreNEURON too: a part of its own, added to a library that was compiled without it.
    flags
        Further compiler flags, for both parts.
    core_flags
        Compiler flags for CoreNEURON; its numbers may differ with them in the last digits.
    cache_dir
        Folder of caches, :func:`default_cache_dir` by default.
    force
        Compile even if the cache has it.
    progress
        Called with one line when compiling starts.

    Raises
    ------
    MechanismError
        There is nothing to compile, no compiler and no library in the cache, or the compiler refused a file; the
        message shows its own lines.
    """
    sources = collect_sources(directories, with_core=with_core, without=without)
    if not sources.headers:
        raise MechanismError("there are no mechanisms to compile", hint="name a folder with MOD files")
    cache = (default_cache_dir() if cache_dir is None else Path(cache_dir)).absolute() / "mech"
    core = f"{core_flags} {flags}".strip() if coreneuron else None
    target = _target(cache, sources.content_hash(*_circumstances(flags)), core, force)
    if not force and _is_complete(target, core):
        return _library(target, sources, core, built=False)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(target.with_suffix(".lock")):
            if not force and _is_complete(target, core):
                return _library(target, sources, core, built=False)
            _build_parts(target, sources, flags, core, force, progress or (lambda line: None))
    except OSError as error:
        raise MechanismError(
            f"cannot write the library: {error.strerror or error}",
            file=target,
            hint="choose another folder with $NEURODAMUS_LIKE_CACHE or --cache-dir",
        ) from error
    return _library(target, sources, core, built=True)


def find_mechanisms(
    directories: Sequence[Path], *, flags: str = "", cache_dir: Path | None = None
) -> Path | None:
    """Return the library (``libnrnmech.so``) that :func:`build_mechanisms` has made before; None if it has not."""
    cache = (default_cache_dir() if cache_dir is None else Path(cache_dir)).absolute() / "mech"
    try:
        sources = collect_sources(directories)
        target = _target(cache, sources.content_hash(*_circumstances(flags)), None, force=False)
    except MechanismError:
        return None
    return target / NRNMECH if _is_complete(target, None) else None


def _build_parts(
    target: Path,
    sources: ModSources,
    flags: str,
    core: str | None,
    force: bool,
    progress: Callable[[str], None],
) -> None:
    count = len(sources.headers)
    what = f"compiling {count} mechanism{'s' if count > 1 else ''}"
    if force or not _is_complete(target, None):
        progress(f"{what}, once, into {target}")
        _build(target, sources, flags)
    if core is not None:
        folder = core_folder(target, core)
        progress(f"{what} for CoreNEURON, once, into {folder}")
        build_core(folder, sources, core)


def _target(cache: Path, key: str, core: str | None, force: bool) -> Path:
    """Return the folder for this compiler; without a compiler, that of the newest library another one made."""
    try:
        compiler = compiler_version()
    except MechanismError:
        made = [folder for folder in cache.glob(f"{key}-*") if _is_complete(folder, core)]
        if force or not made:
            raise
        newest = max(made, key=lambda folder: folder.stat().st_mtime)
        logger.warning("there is no compiler here; the library compiled before is used: %s", newest)
        return newest
    return cache / f"{key}-{hashlib.sha256(compiler.encode()).hexdigest()[:8]}"


def _library(target: Path, sources: ModSources, core: str | None, *, built: bool) -> MechanismLibrary:
    corenrnmech = None if core is None else core_folder(target, core) / CORENRNMECH
    return MechanismLibrary(target, target / NRNMECH, corenrnmech, sources.names, built)


def _is_complete(target: Path, core: str | None) -> bool:
    return (target / NRNMECH).is_file() and (core is None or is_built(core_folder(target, core)))


def _circumstances(flags: str) -> tuple[str, ...]:
    return (neuron_version(), flags, platform.machine(), cpu_identity(flags))


def _build(target: Path, sources: ModSources, flags: str) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="neurodamus_like_mech_") as work,
        tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as staging,
    ):
        folder = Path(work)
        copy_sources(folder / "mod", sources)
        code, log = run_tool("nrnivmodl", folder, [*(["-incflags", flags] if flags else []), "mod"])
        made = folder / platform.machine()
        if code or not _is_complete(made, None):
            log_file = target.with_suffix(".log")
            log_file.write_text(log, encoding="utf-8")
            raise explain_failure(log, sources, log_file)
        finished = Path(staging) / "library"
        finished.mkdir()
        shutil.copy2(made / NRNMECH, finished / NRNMECH)
        (finished / "build.log").write_text(log, encoding="utf-8")
        if target.exists():
            target.rename(Path(staging) / "replaced")
        finished.rename(target)
