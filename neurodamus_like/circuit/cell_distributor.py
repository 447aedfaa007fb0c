"""Cell managers: the cells of one population on this rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.circuit.cells.metype import MEInfo, METype, TemplateLibrary, morphology_path
from neurodamus_like.circuit.engines import NODE_ENGINES
from neurodamus_like.circuit.geometry import Placement, read_placements
from neurodamus_like.config.models import NodePopulation, Simulation
from neurodamus_like.distribution.splitting import SplitCell
from neurodamus_like.engine import nrn
from neurodamus_like.exceptions import CircuitError, ConfigurationError
from neurodamus_like.io.hoc_template import find_hoc_template
from neurodamus_like.io.nodes import NodeTable, node_attribute_names, read_nodes
from neurodamus_like.parallel.mpi import world
from neurodamus_like.progress import Progress


class CellManagerBase:
    """The nodes of one population that live on this rank.

    Parameters
    ----------
    population
        The node population.
    simulation
        The whole configuration.
    offset
        What is added to a node id to get the global id.
    """

    Precedence = 0
    """Populations of a lower precedence are built first."""
    TYPICAL_BYTES: ClassVar[int] = 500_000
    """Memory of a cell, in order of magnitude."""

    def __init__(self, population: NodePopulation, simulation: Simulation, offset: int) -> None:
        self.population = population
        self.simulation = simulation
        self.offset = offset
        self.all_node_ids: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.local_node_ids: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.splits: Mapping[int, SplitCell] = {}
        self._cells: dict[int, Any] = {}
        self._pieces: dict[int, Any] = {}

    @property
    def population_name(self) -> str:
        """Name of the node population."""
        return self.population.name

    @property
    def is_virtual(self) -> bool:
        """True when the nodes have no cells."""
        return self.population.is_virtual

    @property
    def has_virtual_nodes(self) -> bool:
        """True when any node has no cell, so that its spikes come from inputs."""
        return self.is_virtual

    def is_virtual_node(self, node_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which nodes have no cell."""
        return np.full(node_ids.size, self.is_virtual)

    @property
    def total_cells(self) -> int:
        """Number of simulated nodes on all ranks."""
        return len(self.all_node_ids)

    @property
    def local_gids(self) -> NDArray[np.int64]:
        """Global ids on this rank, ascending."""
        return self.local_node_ids + self.offset

    @property
    def local_nodes(self) -> NDArray[np.int64]:
        """Node ids on this rank, ascending."""
        return self.local_node_ids

    @property
    def synapse_node_ids(self) -> NDArray[np.int64]:
        """Node ids that have sections on this rank, ascending: those of `local_nodes`, and pieces of split cells."""
        rank = world().rank
        pieces = [node_id for node_id, cell in self.splits.items() if rank in cell.ranks]
        return np.union1d(self.local_node_ids, np.array(pieces, dtype=np.int64))

    @property
    def synapse_gids(self) -> NDArray[np.int64]:
        """Global ids that have sections on this rank, ascending."""
        return self.synapse_node_ids + self.offset

    def holds_sections(self, gids: NDArray[np.int64], section_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which sections (edge numbering) of cells with sections on this rank are here, and not in other pieces."""
        here = np.ones(gids.size, dtype=bool)
        for node_id in self.splits:
            rows = np.flatnonzero(gids == node_id + self.offset)
            if rows.size:
                here[rows] = self.get_cell(node_id + self.offset).holds_sections(section_ids[rows])
        return here

    @property
    def cells(self) -> list[Any]:
        """The cells on this rank, by ascending gid; of split cells, those whose soma is here."""
        return list(self._cells.values())

    @property
    def gid2cell(self) -> Mapping[int, Any]:
        """Global id -> cell."""
        return self._cells

    def get_cell(self, gid: int) -> Any:
        """Return the cell with this global id, or the piece of it that is on this rank.

        Raises
        ------
        CircuitError
            It is not on this rank.
        """
        cell = self._cells.get(int(gid)) or self._pieces.get(int(gid))
        if cell is None:
            raise CircuitError(
                f"cell {gid} is not on rank {world().rank}", population=self.population_name, ids=[int(gid)]
            )
        return cell

    get_cellref = get_cell

    def get_final_gids(self) -> NDArray[np.int64]:
        """Global ids on this rank (same as `local_gids`)."""
        return self.local_gids

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cells.values())

    def __len__(self) -> int:
        return len(self._cells)

    @classmethod
    def needed_mechanisms(
        cls, population: NodePopulation, node_ids: NDArray[np.int64], circuit_file: Path
    ) -> frozenset[str]:
        """Return the mechanisms that nodes of a population need; nothing is instantiated."""
        return frozenset()

    def load_nodes(
        self,
        all_node_ids: NDArray[np.int64],
        local_node_ids: NDArray[np.int64],
        splits: Mapping[int, SplitCell] | None = None,
    ) -> None:
        """Say which nodes are simulated at all, which of them on this rank, and which cells are split.

        A split cell is local on the rank that has its soma.
        """
        self.splits = splits or {}
        self.all_node_ids = np.sort(np.asarray(all_node_ids, dtype=np.int64))
        self.local_node_ids = np.sort(np.asarray(local_node_ids, dtype=np.int64))

    def placements(self, cells: Sequence[Any]) -> list[Placement]:
        """Return how some cells of this population lie in the circuit."""
        ids = np.array([cell.node_id for cell in cells], dtype=np.int64)
        return read_placements(self.population, ids)

    def create_cells(self) -> None:
        """Instantiate the local cells (nothing to do for nodes without cells)."""

    def finalize(self) -> None:
        """Register gids and spike sources, seed stochastic channels."""

    def clear(self) -> None:
        """Drop the cells."""
        self._cells.clear()


@NODE_ENGINES.register("virtual")
class VirtualCellManager(CellManagerBase):
    """Nodes that only send spikes."""

    TYPICAL_BYTES = 0


@NODE_ENGINES.register("biophysical")
class CellDistributor(CellManagerBase):
    """Detailed cells from HOC templates."""

    @classmethod
    def needed_mechanisms(
        cls, population: NodePopulation, node_ids: NDArray[np.int64], circuit_file: Path
    ) -> frozenset[str]:
        """Return the mechanisms that the templates of the nodes insert.

        Raises
        ------
        TemplateError
            A template is absent.
        """
        directory = models_dir(population, circuit_file)
        table = read_nodes(population.file, population.name, ["model_template"], node_ids)
        names = np.unique(table.columns["model_template"].astype(str)).tolist()
        headers = [find_hoc_template(name.removeprefix("hoc:"), directory) for name in names]
        return frozenset[str]().union(*(header.mechanisms for header in headers))

    def create_cells(self) -> None:
        """Instantiate the local cells, with a progress bar on rank 0."""
        infos = self._read_infos()
        library = TemplateLibrary(
            models_dir(self.population, self.simulation.circuit.path), self._morphologies()
        )
        with Progress(f"cells of {self.population_name}", len(infos)) as progress:
            for info in infos:
                gid = info.node_id + self.offset
                cell = library.create(gid, self.population_name, info)
                home = info.node_id not in self.splits or self._split(cell)
                (self._cells if home else self._pieces)[gid] = cell
                progress.update(1)

    def _split(self, cell: METype) -> bool:
        """Leave of a cell what belongs to this rank; say whether the soma does."""
        split = self.splits[cell.node_id]
        cell.keep_piece(split, world().rank)
        return split.home == world().rank

    def finalize(self) -> None:
        """Seed stochastic channels, register gids and spike sources."""
        run, conditions = self.simulation.run, self.simulation.conditions
        for piece in self._pieces.values():
            piece.re_init_rng(run.ionchannel_seed)
        for gid, cell in self._cells.items():
            cell.re_init_rng(run.ionchannel_seed)
            section, x = cell.spike_source(conditions.spike_location)
            nrn.register_spike_source(gid, section, x, run.spike_threshold_mV)

    def clear(self) -> None:
        """Release sections and drop the cells."""
        for cell in (*self._cells.values(), *self._pieces.values()):
            cell.clear()
        self._cells.clear()
        self._pieces.clear()

    def _morphologies(self) -> Any:
        source = self.population.components.morphology_source
        if source is None:
            raise ConfigurationError(
                "the population has no morphologies",
                file=self.simulation.circuit.path,
                population=self.population_name,
                expected="morphologies_dir or alternate_morphologies",
            )
        return source

    def _read_infos(self) -> list[MEInfo]:
        ids = self.synapse_node_ids
        if not len(ids):
            return []
        file, name = self.population.file, self.population_name
        dynamics = [a for a in node_attribute_names(file, name) if a.startswith("dynamics_params/")]
        table = read_nodes(file, name, ["morphology", "model_template", *dynamics], ids)
        folder, extension = self._morphologies()
        for morphology in dict.fromkeys(table.columns["morphology"].tolist()):
            morphology_path(folder, str(morphology), extension)
        return _cell_infos(table)


def models_dir(population: NodePopulation, circuit_file: Path) -> Path:
    """Return the folder of the HOC templates of a population.

    Raises
    ------
    ConfigurationError
        The circuit does not name one.
    """
    directory = population.components.biophysical_neuron_models_dir
    if directory is None:
        raise ConfigurationError(
            "the population has no biophysical_neuron_models_dir",
            file=circuit_file,
            population=population.name,
        )
    return directory


def _cell_infos(table: NodeTable) -> list[MEInfo]:
    dynamics = {
        name.split("/", 1)[1]: values
        for name, values in table.columns.items()
        if name.startswith("dynamics_params/") and values.dtype.kind in "fiu"
    }
    has_currents = "threshold_current" in dynamics and "holding_current" in dynamics
    infos = []
    for row, node_id in enumerate(table.node_ids.tolist()):
        attributes = {name: float(values[row]) for name, values in dynamics.items()}
        infos.append(
            MEInfo(
                node_id=node_id,
                template=str(table.columns["model_template"][row]).removeprefix("hoc:"),
                morphology=str(table.columns["morphology"][row]),
                threshold_current=attributes["threshold_current"] if has_currents else 0.0,
                holding_current=attributes["holding_current"] if has_currents else 0.0,
                input_resistance=attributes.get("input_resistance"),
                attributes=attributes,
            )
        )
    return infos
