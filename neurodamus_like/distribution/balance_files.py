"""Where balances are kept between runs, and whether what is kept still describes the circuit.

``sim_conf/_loadbal_<10 hex digits>.<population>/`` in the working folder holds ``cx_<population>_<nodeset>#.dat``, what
cells cost, and ``cx_<population>_<nodeset>#.<ranks>.dat``, where they go. Beside each, a ``.source`` file holds a
hash of everything it was computed from; files without one (from neurodamus) are trusted.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurodamus_like.config.models import EdgePopulation, NodePopulation, Simulation
from neurodamus_like.distribution.complexity import IntArray
from neurodamus_like.distribution.pieces import Placement, placement_from
from neurodamus_like.exceptions import ConfigurationError
from neurodamus_like.io.cx_files import (
    CellComplexities,
    read_balance,
    read_complexities,
    write_balance,
    write_complexities,
)

logger = logging.getLogger(__name__)

SIM_CONF = Path("sim_conf")
"""Folder of load balance files, in the working folder."""

_HASHED_BYTES = 2**24
"""Larger files are known by size and time instead of their content."""

_MODEL_SUFFIXES = (".hoc", ".json", ".nml")

_HASHED_FILES = 1000
"""In folders with more files, these are known by size and time, too."""


@dataclass(frozen=True)
class BalanceFiles:
    """The files of one population and node set.

    Attributes
    ----------
    directory
        The population's folder.
    population
        Name.
    nodeset
        Name of the node set, as it is in file names.
    fingerprint
        Hash of what a balance depends on now.
    mode
        What else a balance of split cells depends on; empty when cells stay whole.
    """

    directory: Path
    population: str
    nodeset: str
    fingerprint: str
    mode: str = ""

    @classmethod
    def of(
        cls,
        population: NodePopulation,
        nodeset: str,
        fingerprint: str,
        root: Path | None = None,
        mode: str = "",
    ) -> BalanceFiles:
        """Return the files of a population, in `root` or the working folder's ``sim_conf``."""
        digest = hashlib.md5(str(population.file).encode(), usedforsecurity=False).hexdigest()[:10]
        folder = (SIM_CONF if root is None else root) / f"_loadbal_{digest}.{population.name}"
        return cls(folder, population.name, re.sub(r"[^\w.+-]", "_", nodeset), fingerprint, mode)

    @property
    def complexities(self) -> Path:
        """What cells cost."""
        return self.directory / f"cx_{self.population}_{self.nodeset}#.dat"

    def balance(self, ranks: int) -> Path:
        """Where cells go."""
        return self.directory / f"cx_{self.population}_{self.nodeset}#.{ranks}.dat"

    def load_complexities(self, node_ids: IntArray) -> CellComplexities | None:
        """Return what cells cost, from the file of this node set or of a larger one of the same population.

        None when no file is there, or all are stale or lack some of the cells.

        Raises
        ------
        ConfigurationError
            The file of this node set cannot be read.
        """
        for path in [self.complexities, *self._others()]:
            if not path.is_file() or not self._is_fresh(path):
                continue
            found = self._read(path, required=path == self.complexities)
            selected = found.select(node_ids) if found is not None else None
            if selected is not None:
                if path != self.complexities:
                    logger.info("load balance of %s: derived from %s", self.nodeset, path.name)
                return selected
        return None

    def load_placement(self, node_ids: IntArray, ranks: int) -> Placement | None:
        """Return where cells go; None when there is no fresh file that has exactly these cells.

        Raises
        ------
        ConfigurationError
            A file cannot be read.
        """
        path = self.balance(ranks)
        if not path.is_file() or not self._is_fresh(path, self.mode):
            return None
        items = read_balance(path)
        found = None
        if len(items) == ranks:
            found = placement_from(node_ids, items, self.load_complexities(node_ids))
        if found is None or (found.splits and not self.mode):
            logger.info("%s is for other cells, pieces or ranks; the balance is computed again", path)
            return None
        return found

    def save_complexities(self, cells: CellComplexities) -> None:
        """Write what cells cost."""
        self._prepare()
        write_complexities(self.complexities, cells)
        self._sign(self.complexities)

    def save_balance(self, ranks: Sequence[IntArray]) -> None:
        """Write where cells go: per rank int64[n, 2] of (node id, piece)."""
        self._prepare()
        write_balance(self.balance(len(ranks)), ranks)
        self._sign(self.balance(len(ranks)), self.mode)

    def _others(self) -> list[Path]:
        found = self.directory.glob(f"cx_{self.population}_*#.dat") if self.directory.is_dir() else []
        return sorted(path for path in found if path != self.complexities)

    def _read(self, path: Path, *, required: bool) -> CellComplexities | None:
        try:
            return read_complexities(path)
        except ConfigurationError as error:
            if required:
                raise
            logger.warning("%s is passed over: %s", path, error.message)
            return None

    def _is_fresh(self, path: Path, mode: str = "") -> bool:
        source = _source(path)
        if not source.is_file():
            logger.info("%s has no %s beside it; it is taken as it is", path, source.name)
            return True
        if source.read_text(encoding="utf-8").strip() == self.fingerprint + mode:
            return True
        logger.info("%s is stale: the circuit or its mechanisms have changed; it is computed again", path)
        return False

    def _prepare(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"cannot make the folder of load balance files: {error.strerror}",
                file=self.directory,
                hint="start the simulation in a folder that can be written to",
            ) from error

    def _sign(self, path: Path, mode: str = "") -> None:
        _source(path).write_text(self.fingerprint + mode + "\n", encoding="utf-8")


def _source(path: Path) -> Path:
    return path.with_name(path.name + ".source")


def compute_fingerprint(
    simulation: Simulation, targets: Mapping[str, IntArray], costs_key: str
) -> dict[str, str]:
    """Return, for each population, a hash of all that its balance depends on besides the choice of cells.

    Parameters
    ----------
    simulation
        The configuration.
    targets
        Population -> simulated node ids.
    costs_key
        What the costs of mechanisms come from.
    """
    common = [costs_key, repr(simulation.connection_overrides), repr(simulation.run.segment_length_um)]
    if simulation.connection_overrides:
        sets = (simulation.node_sets_file, simulation.circuit.node_sets_file)
        common += [_signature(file) for file in sets if file is not None]
    found = {}
    for name in targets:
        edges = [e for e in simulation.circuit.edges.values() if e.target == name]
        parts = [*common, *_population_parts(simulation.circuit.nodes[name])]
        for population in edges:
            parts += [
                f"{population.name} {population.kind} {_signature(population.file)}",
                _types(population),
            ]
        found[name] = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    return found


def _population_parts(population: NodePopulation) -> Iterable[str]:
    """Return signatures of nodes, types, models and morphologies, whatever cells are chosen."""
    yield _signature(population.file)
    yield _types(population)
    components = population.components
    morphologies, extension = components.morphology_source or (None, "")
    for place, suffixes in (
        (components.biophysical_neuron_models_dir, _MODEL_SUFFIXES),
        (morphologies, (f".{extension}",)),
    ):
        files = _files_in(place, suffixes)
        for file in files:
            yield f"{file.name} {_signature(file, by_content=len(files) <= _HASHED_FILES)}"


def _files_in(place: Path | None, suffixes: tuple[str, ...]) -> list[Path]:
    if place is None or place.is_file():
        return [] if place is None else [place]
    return sorted(file for file in place.rglob("*") if file.suffix in suffixes and file.is_file())


def _types(population: NodePopulation | EdgePopulation) -> str:
    return "" if population.types_file is None else _signature(population.types_file)


def _signature(file: Path, *, by_content: bool = True) -> str:
    try:
        stat = file.stat()
        if by_content and file.is_file() and stat.st_size <= _HASHED_BYTES:
            return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return "absent"
    return f"{stat.st_size} {stat.st_mtime_ns}"
