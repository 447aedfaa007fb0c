"""Detailed cells from HOC templates with the OBI calling convention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurodamus_like.circuit.cells.base_cell import REPORT_ORDER, BaseCell, CellLayout
from neurodamus_like.distribution.splitting import SPLIT_IDS_PER_CELL, SplitCell
from neurodamus_like.engine import multisplit, nrn
from neurodamus_like.engine.morphology_damage import find_damage
from neurodamus_like.engine.morphology_import import install_import3d_front, take_morphology_damage
from neurodamus_like.exceptions import MorphologyError, TemplateError
from neurodamus_like.io.hoc_template import find_hoc_template

_COUNTERS = {
    "soma": "nSecSoma",
    "axon": "nSecAxonalOrig",
    "dend": "nSecBasal",
    "apic": "nSecApical",
    "ais": "nSecLastAIS",
    "node": "nSecNodal",
    "myelin": "nSecMyelinated",
}
_REQUIRED = ("all", "nSecAll", "nSecSoma", "nSecBasal", "nSecApical", "nSecAxonal")


@dataclass(frozen=True)
class MEInfo:
    """What the nodes file says about one cell: morphology, template and currents in nA."""

    node_id: int
    template: str
    morphology: str
    threshold_current: float = 0.0
    holding_current: float = 0.0
    input_resistance: float | None = None
    attributes: Mapping[str, float] = field(default_factory=dict)


class METype(BaseCell):
    """A detailed cell made by a HOC template.

    Parameters
    ----------
    gid
        Global id.
    population
        Node population.
    info
        What the nodes file says.
    template
        HOC template constructor.
    arguments
        Morphology folder, file name, and the additional attributes the template asked for.
    layouts
        Section layouts seen so far; copies of one (template, morphology) share theirs.
    """

    __slots__ = ("hoc", "info")

    def __init__(
        self,
        gid: int,
        population: str,
        info: MEInfo,
        template: Any,
        arguments: tuple[Any, ...],
        layouts: dict[tuple[Any, ...], CellLayout],
    ) -> None:
        self.gid = gid
        self.node_id = info.node_id
        self.population = population
        self.info = info
        self.threshold_current = info.threshold_current
        self.holding_current = info.holding_current
        self.input_resistance = info.input_resistance
        self.hoc = self._make(template, arguments)
        self.sections = list(self.hoc.all)
        key = (info.template, *arguments[:2])
        if key not in layouts:
            layouts[key] = self._read_layout()
        self.layout = layouts[key]

    def _make(self, template: Any, arguments: tuple[Any, ...]) -> Any:
        """Call the template; a cell made from a damaged morphology is refused."""
        morphology = Path(*arguments[:2])
        take_morphology_damage()
        try:
            cell = template(self.info.node_id, *arguments)
        except RuntimeError as error:
            damage = take_morphology_damage() or find_damage(morphology)
            if damage:
                raise self._morphology_error(morphology, damage) from error
            raise TemplateError(
                f"the template {self.info.template} failed: {error}",
                population=self.population,
                ids=[self.info.node_id],
                hint=f"its arguments were {(self.info.node_id, *arguments)}; NEURON's own lines are above",
            ) from error
        damage = take_morphology_damage()
        if damage is None and hasattr(cell, "all") and not any(True for _ in cell.all or ()):
            damage = find_damage(morphology) or "the cell has no sections"
        if damage:
            raise self._morphology_error(morphology, damage)
        return cell

    def _morphology_error(self, file: Path, damage: str) -> MorphologyError:
        return MorphologyError(
            f"the template {self.info.template} cannot make a cell from the morphology: {damage}",
            file=file,
            population=self.population,
            ids=[self.info.node_id],
            hint="copy the file again; NEURON's own lines, if any, are above",
        )

    def _read_layout(self) -> CellLayout:
        missing = [name for name in _REQUIRED if not hasattr(self.hoc, name)]
        if missing:
            raise TemplateError(
                f"the template {self.info.template} lacks {', '.join(missing)}",
                population=self.population,
                expected="the OBI calling convention (see docs, concepts/cell)",
            )
        counts = {
            kind: int(getattr(self.hoc, name, 0)) for kind, name in _COUNTERS.items() if kind in REPORT_ORDER
        }
        if not hasattr(self.hoc, "nSecAxonalOrig"):
            counts["axon"] = int(self.hoc.nSecAxonal)
        return CellLayout.of(self.sections, counts, int(self.hoc.nSecAll))

    @property
    def CellRef(self) -> Any:
        """The HOC object."""
        return self.hoc

    def re_init_rng(self, ionchannel_seed: int) -> None:
        """Seed the stochastic ion channels, then give the template its global id (in this order)."""
        if hasattr(self.hoc, "re_init_rng"):
            self.hoc.re_init_rng(ionchannel_seed)
        if hasattr(self.hoc, "gid"):
            self.hoc.gid = self.gid

    def spike_source(self, location: str) -> tuple[Any, float]:
        """Return the section and position whose threshold crossing is the spike: ``soma`` or ``AIS``.

        Raises
        ------
        TemplateError
            Spikes are to be detected in the AIS, the second axonal section, and the cell has none.
        """
        if location == "AIS":
            # by name: NEURON ends the process when asked for a deleted section of an array
            section = next(
                (s for s in self.sections if s is not None and s.name().rpartition(".")[2] == "axon[1]"), None
            )
            if section is None:
                raise TemplateError(
                    f"cells of the template {self.info.template} have no axon[1] to detect spikes in",
                    pointer="/conditions/spike_location",
                    population=self.population,
                    ids=[self.node_id],
                    expected="a template that makes an axon of at least two sections",
                    hint='use "spike_location": "soma"',
                )
            return section, 0.5
        return self.hoc.soma[0], 1.0

    def keep_piece(self, split: SplitCell, rank: int) -> None:
        """Leave the part of a split cell that belongs to a rank; other places of `sections` hold None.

        Raises
        ------
        TemplateError
            The cell does not have a section where it is to be cut.
        """
        table = self.layout.edge_table
        bad = [root for root in split.roots if root >= table.size or table[root] < 0]
        if bad or len(self.sections) > SPLIT_IDS_PER_CELL:
            raise TemplateError(
                f"cell {self.node_id} cannot be cut at its sections {bad}",
                population=self.population,
                ids=[self.node_id],
                hint="delete the load balance files, or use --lb-mode=WholeCell",
            )
        owners = {int(table[root]): owner for root, owner in zip(split.roots, split.ranks, strict=True)}
        self.sections = multisplit.split_cell(self.sections, owners, split.home, rank, split.first_id)

    def clear(self) -> None:
        """Release the sections of the cell."""
        if hasattr(self.hoc, "clear"):
            self.hoc.clear()
        self.sections = []


class TemplateLibrary:
    """Loads the templates of a population once, and knows the extra attributes each asks for."""

    def __init__(self, directory: Path, morphologies: tuple[Path, str]) -> None:
        install_import3d_front()
        self._directory = directory
        self._morphologies, self._extension = morphologies
        self._loaded: dict[str, tuple[Any, tuple[str, ...]]] = {}
        self._layouts: dict[tuple[Any, ...], CellLayout] = {}

    def create(self, gid: int, population: str, info: MEInfo) -> METype:
        """Make the cell `info` describes."""
        constructor, needed = self._template(info.template)
        arguments = (str(self._morphologies), f"{info.morphology}.{self._extension}")
        absent = [name for name in needed if name not in info.attributes]
        if absent:
            raise TemplateError(
                f"the template {info.template} needs the node attributes {', '.join(absent)}",
                population=population,
                ids=[info.node_id],
                expected="dynamics_params/<attribute> in the nodes file",
            )
        extra = tuple(info.attributes[name] for name in needed)
        return METype(gid, population, info, constructor, (*arguments, *extra), self._layouts)

    def _template(self, name: str) -> tuple[Any, tuple[str, ...]]:
        if name not in self._loaded:
            header = find_hoc_template(name, self._directory)
            self._loaded[name] = (nrn.load_template(name, header.path), header.needed_attributes)
        return self._loaded[name]


def morphology_path(folder: Path, name: str, extension: str) -> Path:
    """Return the file of a morphology; a container file stands for its folder.

    Raises
    ------
    MorphologyError
        There is no such file.
    """
    if folder.is_file():
        return folder
    path = folder / f"{name}.{extension}"
    if not path.is_file():
        raise MorphologyError(
            f"the morphology {name} is absent",
            file=path,
            hint="check morphologies_dir and alternate_morphologies",
        )
    return path
