"""Which NMODL files make up a mechanism library: the model's own and the core's, without doubles."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurodamus_like.exceptions import MechanismError
from neurodamus_like.io.nmodl import ModHeader, read_nmodl_header
from neurodamus_like.logs import get_logger

logger = get_logger(__name__)

_PACKAGE = Path(__file__).resolve().parents[1]
_SPIKE_SOURCE = "VecStim"
_BESIDE = (".inc", ".h", ".hpp", ".c", ".cpp")


def core_dir() -> Path:
    """Return the folder of the package's own NMODL and HOC sources, in a checkout or an installed wheel.

    Raises
    ------
    MechanismError
        It is in neither place: the installation is broken.
    """
    candidates = (_PACKAGE.parent / "core", _PACKAGE / "_core")
    for candidate in candidates:
        if (candidate / "mod").is_dir():
            return candidate
    raise MechanismError(
        "the package's own mechanisms are missing",
        expected=" or ".join(str(candidate) for candidate in candidates),
        hint="reinstall neurodamus-like",
    )


@dataclass(frozen=True)
class ModSources:
    """The files of one library.

    Attributes
    ----------
    headers
        One for each mechanism, sorted by file name.
    included
        Other files that MOD files may include.
    """

    headers: tuple[ModHeader, ...]
    included: tuple[Path, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Names of the mechanisms."""
        return frozenset(header.name for header in self.headers)

    def content_hash(self, *more: str) -> str:
        """Return a hash of the file names and contents, and of `more`."""
        digest = hashlib.sha256()
        for path in sorted((*(h.path for h in self.headers), *self.included), key=lambda p: (p.name, str(p))):
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        for text in more:
            digest.update(text.encode() + b"\0")
        return digest.hexdigest()[:24]

    def stems(self) -> dict[str, ModHeader]:
        """Return a file stem for each mechanism that is unique and a C identifier, as the compiler needs."""
        found: dict[str, ModHeader] = {}
        for header in self.headers:
            stem = re.sub(r"\W", "_", header.path.stem, flags=re.ASCII)
            stem = f"m{stem}" if stem[:1].isdigit() else stem
            while stem in found:
                stem += "_"
            found[stem] = header
        return found


def collect_sources(
    directories: Sequence[Path], *, with_core: bool = True, without: Container[str] = ()
) -> ModSources:
    """Find the MOD files of the given folders and of the core.

    Earlier folders win over later ones, and all win over the core: the whole mechanism of the same name is taken from
    there. Mechanisms in `without` are left out.

    One exception: only the engine makes instances of VecStim, and many models bring an old one that hides the address
    of its spike times in a number. Neither CoreNEURON nor a checkpoint can carry that, so the core's is used instead,
    which sends the same events.

    Raises
    ------
    MechanismError
        A folder does not exist, holds no MOD file, or defines one mechanism twice.
    """
    found: dict[str, ModHeader] = {}
    included: dict[str, Path] = {}
    for directory in map(Path, directories):
        _add(found, _headers_in(directory, _mod_files(directory)))
        for path in sorted(p for p in directory.iterdir() if p.suffix in _BESIDE):
            included.setdefault(path.name, path)
    if with_core:
        core = core_dir() / "mod"
        _drop_old_spike_source(found)
        _add(found, _headers_in(core, sorted(core.rglob("*.mod"))))
    wanted = [header for header in found.values() if header.name not in without]
    headers = sorted(wanted, key=lambda header: (header.path.name, str(header.path)))
    return ModSources(tuple(headers), tuple(included.values()))


def _mod_files(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise MechanismError("the folder of mechanisms does not exist", file=directory)
    files = sorted(directory.glob("*.mod"))
    if not files:
        raise MechanismError("the folder holds no MOD files", file=directory, expected="*.mod")
    return files


def _headers_in(directory: Path, files: Iterable[Path]) -> list[ModHeader]:
    headers = [read_nmodl_header(path) for path in files]
    first: dict[str, ModHeader] = {}
    for header in headers:
        other = first.setdefault(_key(header), header)
        if other is not header:
            raise MechanismError(
                f"two files define the mechanism {header.name}: {other.path.name} and {header.path.name}",
                file=directory,
                hint="remove one of them",
            )
    return headers


def _add(found: dict[str, ModHeader], headers: Iterable[ModHeader]) -> None:
    for header in headers:
        winner = found.setdefault(_key(header), header)
        if winner is not header:
            logger.info("mechanism %s: %s is used instead of %s", header.name, winner.path, header.path)


def _drop_old_spike_source(found: dict[str, ModHeader]) -> None:
    given = found.get(_SPIKE_SOURCE)
    if given is not None and not (given.core_pointers and given.thread_safe):
        logger.info("mechanism %s: the package's own is used instead of %s", _SPIKE_SOURCE, given.path)
        del found[_SPIKE_SOURCE]


def _key(header: ModHeader) -> str:
    # "SUFFIX nothing" is how a file that only defines functions says that it has no mechanism
    return f"nothing {header.path.name}" if header.name == "nothing" else header.name
