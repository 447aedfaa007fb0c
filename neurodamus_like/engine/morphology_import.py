"""Import3d with a memory: a morphology file is read once, further cells are made from what was recorded.

Cell templates ask for NEURON's classes ``Import3d_Neurolucida3``, ``Import3d_SWC_read`` and ``Import3d_GUI`` by
name. `core/hoc/import3d.hoc` defines classes of these names, found before NEURON's; they read a file with NEURON's
own code the first time, and replay the same sections, bit by bit, for every further cell.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurodamus_like.engine.morphio_sections import container_of, read_morphology
from neurodamus_like.engine.morphology_damage import find_damage
from neurodamus_like.engine.morphology_record import MorphologyRecord, note_contours, parse_commands
from neurodamus_like.engine.nrn import h, load_hoc
from neurodamus_like.exceptions import MorphologyError, SimulationError

CACHE_LIMIT_BYTES = 512 * 2**20
"""Records beyond this estimate are dropped, the least recently used first."""

_FRONTED = ("Import3d_Neurolucida3", "Import3d_SWC_read", "Import3d_GUI")
_SOURCES = (
    "import3d_sec.hoc",
    "read_swc.hoc",
    "read_nlcda.hoc",
    "read_nlcda3.hoc",
    "read_nts.hoc",
    "read_morphml.hoc",
    "import3d_gui.hoc",
)

FileKey = tuple[str, int, int]
"""Real path, modification time in ns, size."""


@dataclass(frozen=True)
class MorphologyCacheInfo:
    """How the memory of morphologies was used."""

    files: int
    nbytes: int
    recorded: int
    replayed: int


class MorphologyCache:
    """Records of the files read so far. Its methods are called from HOC.

    Parameters
    ----------
    limit_bytes
        Estimated size above which records are dropped.
    """

    def __init__(self, limit_bytes: int = CACHE_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._records: OrderedDict[FileKey, MorphologyRecord] = OrderedDict()
        self._nbytes = 0
        self._recorded = 0
        self._replayed = 0
        self._damage: str | None = None

    def is_front(self, reader: Any) -> int:
        """Tell HOC whether `reader` is one of our classes."""
        return int(str(reader).split("[")[0] in _FRONTED)

    def has(self, path: str) -> int:
        """Tell HOC whether the file can be replayed."""
        return int(file_key(path) in self._records)

    def replay(self, cell: Any, path: str) -> int:
        """Make the sections of the file in `cell`; return 0 if that is not possible."""
        key = file_key(path)
        record = self._records.get(key) if key is not None else None
        if record is None or key is None or not is_hoc_object(cell):
            return 0
        record.replay(cell)
        self._records.move_to_end(key)
        self._replayed += 1
        return 1

    def record(self, cell: Any, path: str, commands: Any) -> None:
        """Keep what Import3d has just executed for `cell`."""
        key = file_key(path)
        if key is None or not is_hoc_object(cell):
            return
        record = parse_commands(commands.o(i).s for i in range(int(commands.count())))
        if record is not None:
            with suppress(MorphologyError):  # a cell that hides its sections is read anew each time
                note_contours(record, cell)
                self.keep(key, record)

    def note_damage(self, path: str) -> None:
        """Remember what is wrong with a file about which NEURON's reader complained (called from HOC)."""
        self._damage = find_damage(path)

    def take_damage(self) -> str | None:
        """Return what was wrong with the file read last, once."""
        damage, self._damage = self._damage, None
        return damage

    def read_with_morphio(self, cell: Any, path: str) -> int:
        """Make the sections of a file that MorphIO reads in `cell` (called from HOC); return 0 if it cannot."""
        try:
            self._read_with_morphio(cell, path)
        except MorphologyError as error:
            self._damage = error.message
            return 0
        return 1

    def _read_with_morphio(self, cell: Any, path: str) -> None:
        found = file_key(str(container_of(path)))
        key = None if found is None else (os.path.join(found[0], path), *found[1:])
        record = self._records.get(key) if key is not None else None
        if record is None:
            record = read_morphology(path)
            if key is not None:
                self.keep(key, record)
        else:
            self._replayed += 1
        record.replay(cell)

    def keep(self, key: FileKey, record: MorphologyRecord) -> None:
        """Add a record; drop old ones when there is no room."""
        replaced = self._records.pop(key, None)
        self._nbytes += record.nbytes - (replaced.nbytes if replaced else 0)
        self._records[key] = record
        self._recorded += 1
        while self._nbytes > self._limit_bytes and len(self._records) > 1:
            _, dropped = self._records.popitem(last=False)
            self._nbytes -= dropped.nbytes

    def clear(self) -> None:
        """Forget all records."""
        self._records.clear()
        self._nbytes = 0

    def info(self) -> MorphologyCacheInfo:
        """Return how the memory was used."""
        return MorphologyCacheInfo(len(self._records), self._nbytes, self._recorded, self._replayed)


_cache = MorphologyCache()
_installed = False


def file_key(path: str) -> FileKey | None:
    """Return what identifies the contents of a file; None if it cannot be found."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return os.path.realpath(path), status.st_mtime_ns, status.st_size


def is_hoc_object(cell: Any) -> bool:
    """Tell whether `cell` is an object of a HOC template (and neither nothing nor a Python object)."""
    return hasattr(cell, "hname") and "[" in str(cell.hname())


def install_import3d_front() -> None:
    """Put the classes with a memory in the place of NEURON's (once; before any template is loaded).

    Raises
    ------
    SimulationError
        NEURON's own Import3d has been loaded before.
    """
    global _installed
    if _installed:
        return
    if hasattr(h, "Import3d_GUI"):
        raise SimulationError(
            "NEURON's own import3d.hoc is already loaded",
            hint="call install_import3d_front() before any cell template is loaded",
        )
    h("objref import3d_front_")
    h.import3d_front_ = _cache
    _load_text("\n".join(_renamed_sources()))
    with _working_directory(core_hoc_directory()):
        for name in ("import3d.hoc", "MorphIO.hoc"):
            load_hoc(name)
    _add_to_hoc_path(core_hoc_directory())
    _installed = True


def take_morphology_damage() -> str | None:
    """Return what was wrong with the file the last cell was made from, once; None if all was well."""
    return _cache.take_damage()


def clear_morphology_cache() -> None:
    """Forget all morphologies."""
    _cache.clear()


def morphology_cache_info() -> MorphologyCacheInfo:
    """Return how many files are known, what they take, and how often they were recorded and replayed."""
    return _cache.info()


def core_hoc_directory() -> Path:
    """Return the folder of the HOC files that come with the package."""
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "_core" / "hoc", here.parents[2] / "core" / "hoc"):
        if folder.is_dir():
            return folder
    raise SimulationError("the folder core/hoc is missing", hint="reinstall the package")


def _renamed_sources() -> Iterator[str]:
    folder = Path(str(h.neuronhome())) / "lib" / "hoc" / "import3d"
    for name in _SOURCES:
        text = (folder / name).read_text()
        yield re.sub(rf"\b({'|'.join(_FRONTED)})\b", r"Nrn\1", text)


def _load_text(text: str) -> None:
    """Have HOC read `text` from a file (texts of this size and shape cannot be given as a string)."""
    with tempfile.NamedTemporaryFile("w", suffix=".hoc") as file:
        file.write(text)
        file.flush()
        if not h.xopen(file.name):
            raise SimulationError("NEURON could not read its own import3d.hoc")


def _add_to_hoc_path(folder: Path) -> None:
    """Let ``load_file("Cell.hoc")`` and the like find our files, behind those of the user."""
    before = os.environ.get("HOC_LIBRARY_PATH", "")
    if str(folder) not in before.split(os.pathsep):
        os.environ["HOC_LIBRARY_PATH"] = os.pathsep.join(filter(None, (before, str(folder))))


@contextmanager
def _working_directory(folder: Path) -> Iterator[None]:
    """Work in `folder`: HOC remembers a file by the name it was loaded with, which must be the bare one."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
