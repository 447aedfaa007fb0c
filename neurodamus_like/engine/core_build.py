"""The CoreNEURON part of a mechanism library: compiled on first use, for this CPU's vector units."""

from __future__ import annotations

import hashlib
import platform
import shutil
import tempfile
from functools import cache
from pathlib import Path

from neurodamus_like.engine import core_translation
from neurodamus_like.engine.mech_errors import explain_failure
from neurodamus_like.engine.mech_sources import ModSources, core_dir
from neurodamus_like.engine.nrnivmodl import copy_sources, cpu_identity, run_tool
from neurodamus_like.exceptions import MechanismError
from neurodamus_like.io.nmodl import ModHeader, read_nmodl_header

CORENRNMECH = "libcorenrnmech.so"
SPECIAL_CORE = "special-core"

VECTOR_FLAGS = "-O3 -march=native -fno-math-errno -fno-trapping-math -D__FAST_MATH__=1"
"""What lets GCC vectorise the loops of mechanisms.

glibc declares its vector functions (``exp`` for four values at once, within 4 units in the last place) only where
``__FAST_MATH__`` is defined; defining it alone keeps the order of operations and the rules for infinities, which
``-ffast-math`` would give up.
"""


def core_folder(library: Path, flags: str) -> Path:
    """Return where in the folder of a library its part for CoreNEURON lies, compiled with `flags` for this CPU."""
    digest = hashlib.sha256(f"{flags}\0{cpu_identity(flags)}".encode() + _own_part())
    return library / f"coreneuron-{digest.hexdigest()[:12]}"


@cache
def _own_part() -> bytes:
    """Return what the package itself adds to each library, read once: the name of a library must not change."""
    paths = (Path(core_translation.__file__), *(header.path for header in built_in_neuron()))
    return b"".join(path.read_bytes() for path in paths)


def built_in_neuron() -> list[ModHeader]:
    """Return the mechanisms that NEURON has built in and CoreNEURON lacks, written anew for CoreNEURON alone."""
    return [read_nmodl_header(path) for path in sorted((core_dir() / "coreneuron").glob("*.mod"))]


def is_built(folder: Path) -> bool:
    """Say whether a folder holds a whole library."""
    return (folder / CORENRNMECH).is_file()


def build_core(folder: Path, sources: ModSources, flags: str) -> None:
    """Compile MOD files for CoreNEURON into `folder`.

    Raises
    ------
    MechanismError
        CoreNEURON's translator or the compiler refused a file; the message shows their own lines.
    """
    with (
        tempfile.TemporaryDirectory(prefix="neurodamus_like_core_") as work,
        tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as staging,
    ):
        made, log = _compile(Path(work), sources, flags)
        if not is_built(made):
            log_file = folder.parent.parent / f"{folder.parent.name}-coreneuron.log"
            log_file.write_text(log, encoding="utf-8")
            raise _explained(explain_failure(log, sources, log_file))
        finished = Path(staging) / "library"
        finished.mkdir()
        for name in (CORENRNMECH, SPECIAL_CORE):
            shutil.copy2(made / name, finished / name)
        (finished / "build.log").write_text(log, encoding="utf-8")
        if folder.exists():
            folder.rename(Path(staging) / "replaced")
        finished.rename(folder)


def _compile(work: Path, sources: ModSources, flags: str) -> tuple[Path, str]:
    made = work / platform.machine()
    made.mkdir()
    # the wrapper of the wheel wants to wrap NEURON's `special` too, which nrnivmodl-core does not make
    (made / "special").touch()
    copy_sources(work / "mod", sources)
    for header in built_in_neuron():
        shutil.copyfile(header.path, work / "mod" / f"core_{header.path.name}")
    options = ["-m", str(core_translation.write_translator(work)), *(["-i", flags] if flags else [])]
    _, log = run_tool("nrnivmodl-core", work, [*options, "mod"])
    return made, log


def _explained(error: MechanismError) -> MechanismError:
    return MechanismError(
        f"CoreNEURON cannot use these mechanisms. {error.message}",
        file=error.file,
        hint=f'simulate with NEURON ("target_simulator": "NEURON"), or mend the files; {error.hint}',
    )
