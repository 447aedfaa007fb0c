"""Reports as simulation modules: the classes that scripts of BMTK give to ``sim.add_mod``.

They record with the same compiled code as the reports of a configuration: no Python runs during the time steps.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from neurodamus_like.bionet.module_targets import targets_of
from neurodamus_like.config.allen_context import AllenContext
from neurodamus_like.config.allen_document import AllenDocument
from neurodamus_like.config.allen_node_sets import NodeSetBook
from neurodamus_like.config.allen_reports import read_reports
from neurodamus_like.config.models import Report, Simulation
from neurodamus_like.exceptions import ReportError
from neurodamus_like.simulation.modules import SimulatorMod
from neurodamus_like.targets.manager import NodesetTarget, TargetManager

logger = logging.getLogger(__name__)


class ReportModule(SimulatorMod):
    """Adds reports to a simulation when it begins.

    Parameters
    ----------
    block
        The keys that the report would have in a configuration; None means that a key is absent.
    tmp_dir
        Folder of the file; None: that of the results.
    gids
        Global ids of the cells, instead of a node set.
    """

    module: ClassVar[str] = ""

    def __init__(
        self, block: Mapping[str, Any], tmp_dir: str | None = None, gids: Sequence[int] | None = None
    ) -> None:
        self._block = {key: value for key, value in block.items() if value is not None}
        self._block["module"] = self.module
        if tmp_dir is not None and "file_name" in self._block:
            self._block["file_name"] = os.path.abspath(os.path.join(tmp_dir, self._block["file_name"]))
        self._gids = None if gids is None else [int(gid) for gid in gids]

    def initialize(self, sim: Any) -> None:
        """Set up the recording.

        Raises
        ------
        ConfigurationError, ProblemsError
            Something is wrong with the parameters.
        """
        reports, rules = _read(self._block, sim.simulation)
        targets = targets_of(sim, rules)
        if self._gids is not None:
            reports = [replace(report, cells=_register(self._gids, sim, targets)) for report in reports]
        sim.reports.add(reports, targets)


class MembraneReport(ReportModule):
    """Variables of all segments of some sections; parameters as in BMTK, `transform` must be empty."""

    module = "membrane_report"

    def __init__(
        self,
        tmp_dir: str | None,
        file_name: str,
        variable_name: str | Sequence[str],
        cells: Any = None,
        gids: Sequence[int] | None = None,
        sections: str | Sequence[str] = "all",
        buffer_data: bool = True,
        transform: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        block = {
            "file_name": file_name,
            "variable_name": _listed(variable_name),
            "cells": cells,
            "sections": sections if isinstance(sections, str) else list(sections),
            "transform": transform or None,
        }
        super().__init__({**block, **kwargs}, tmp_dir, gids)


class SomaReport(MembraneReport):
    """Variables at the middle of the soma."""

    def __init__(
        self,
        tmp_dir: str | None,
        file_name: str,
        variable_name: str | Sequence[str],
        cells: Any = None,
        sections: str = "soma",
        buffer_data: bool = True,
        transform: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            tmp_dir,
            file_name,
            variable_name,
            cells,
            sections=sections,
            buffer_data=buffer_data,
            transform=transform,
            **kwargs,
        )


class NetconReport(ReportModule):
    """Variables of the synapses behind the NetCons of cells."""

    module = "netcon_report"

    def __init__(
        self,
        tmp_dir: str | None,
        file_name: str,
        variable_name: str | Sequence[str],
        cells: Any,
        sections: str | Sequence[str] = "all",
        syn_type: str | None = "Exp2Syn",
        buffer_data: bool = True,
        transform: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        block = {"file_name": file_name, "variable_name": _listed(variable_name), "cells": cells}
        super().__init__({**block, "syn_type": syn_type or "", **kwargs}, tmp_dir)


class ClampReport(ReportModule):
    """Currents of clamps: `variable_name` is ``ic``, ``f_ic`` or ``se``."""

    module = "clamp_report"

    def __init__(
        self,
        tmp_dir: str | None,
        file_name: str,
        variable_name: str,
        buffer_data: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__({"file_name": file_name, "variable_name": variable_name, **kwargs}, tmp_dir)


class EcpMod(ReportModule):
    """Extracellular potentials; `variable_name` and `electrode_channels` have no effect, as in BMTK."""

    module = "extracellular"

    def __init__(
        self,
        tmp_dir: str | None,
        file_name: str,
        electrode_positions: str | os.PathLike[str],
        contributions_dir: str | None = None,
        cells: Any = None,
        variable_name: str = "v",
        electrode_channels: Any = None,
        cell_bounds: Sequence[int] | None = None,
        minimum_distance: float | str | None = None,
        **kwargs: Any,
    ) -> None:
        if contributions_dir is not None and tmp_dir is not None:
            contributions_dir = os.path.abspath(os.path.join(tmp_dir, contributions_dir))
        block = {
            "file_name": file_name,
            "electrode_positions": os.path.abspath(electrode_positions),
            "contributions_dir": contributions_dir,
            "cells": cells,
            "cell_bounds": None if cell_bounds is None else list(cell_bounds),
            "minimum_distance": minimum_distance,
        }
        super().__init__({**block, **kwargs}, tmp_dir)


class SaveSynapses(ReportModule):
    """The synapses as edges files in `network_dir`."""

    module = "save_synapses"

    def __init__(self, network_dir: str, single_file: bool = False, **params: Any) -> None:
        super().__init__({"network_dir": os.path.abspath(network_dir), **params})


class SpikesMod(SimulatorMod):
    """Writes spikes to further files; the simulation writes those of its configuration in any case."""

    def __init__(
        self,
        tmp_dir: str,
        spikes_file_csv: str | None = None,
        spikes_file: str | None = None,
        spikes_file_nwb: str | None = None,
        cache_to_disk: bool = True,
        spikes_sort_order: str | None = None,
        mode: str = "a",
        compression: str = "gzip",
    ) -> None:
        if spikes_file_nwb is not None:
            raise ReportError("spikes are not written as NWB", expected="spikes_file or spikes_file_csv")
        orders = {"time": "by_time", "id": "by_id", "node_id": "by_id", "gid": "by_id"}
        self._order = orders.get(spikes_sort_order or "none", spikes_sort_order or "none")
        self._file, self._table = (
            None if name is None else Path(tmp_dir, name).absolute()
            for name in (spikes_file, spikes_file_csv)
        )

    def finalize(self, sim: Any) -> None:
        """Write the files."""
        file = self._file or (self._table and self._table.with_suffix(".h5"))
        if file is not None:
            sim.spikes.write(file, sim.comm, self._order, style="text", table=self._table)


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _read(block: Mapping[str, Any], simulation: Simulation) -> tuple[list[Report], Mapping[str, Any]]:
    """Return the reports of a block, and the rules of all node sets."""
    document = AllenDocument(simulation.path)
    book = NodeSetBook(document, simulation.circuit)
    context = AllenContext(document, simulation.circuit, simulation.run, simulation.output, book)
    reports = read_reports({str(block["module"]): block}, context)
    document.raise_errors()
    for notice in document.notices:
        if notice.pointer and notice.pointer.startswith("/reports"):
            logger.warning("%s", notice.message)
    return list(reports), book.rules()


def _register(gids: Sequence[int], sim: Any, targets: TargetManager) -> str:
    """Make the cells with some global ids known as a node set; return its name."""
    names = targets.offsets.population_of(np.array(gids, dtype=np.int64))
    ids = {
        str(name): np.array([g for g, n in zip(gids, names, strict=True) if n == name], dtype=np.int64)
        - targets.offsets.offset(str(name))
        for name in dict.fromkeys(names.tolist())
    }
    target = NodesetTarget("cells given by gid", ids, targets.offsets, sim.circuits.local_gids())
    targets.register_target(target)
    return target.name
