"""What the simulation modules have in common that are reports.

They record with the same compiled code as the reports of a configuration: no Python runs during the time steps.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from neurodamus_like.bionet.module_targets import context_of, targets_of
from neurodamus_like.config.allen_reports import read_reports
from neurodamus_like.config.models import Report
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
        reports, rules = _read(self._block, sim)
        targets = targets_of(sim, rules)
        if self._gids is not None:
            reports = [replace(report, cells=_register(self._gids, sim, targets)) for report in reports]
        sim.reports.add(reports, targets, sim.stim_manager.stimuli)


def listed(names: str | Sequence[str]) -> list[str]:
    """Return one or several names as a list."""
    return [names] if isinstance(names, str) else list(names)


def _read(block: Mapping[str, Any], sim: Any) -> tuple[list[Report], Mapping[str, Any]]:
    """Return the reports of a block, and the rules of all node sets."""
    applied = tuple(s.stim_info for s in sim.stim_manager.stimuli if hasattr(s, "stim_info"))
    context = replace(context_of(sim), applied=applied)
    reports = read_reports({str(block["module"]): block}, context)
    context.document.raise_errors()
    for notice in context.document.notices:
        logger.warning("%s", notice.message)
    return list(reports), context.node_sets.rules()


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
