"""Which cells of this rank a report is about."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodamus_like.config.models import Report
from neurodamus_like.reports.base import ReportModel


def cells_of(report: Report, model: ReportModel, cell_manager: Any) -> list[Any]:
    """Return the local cells of a population in the report's node set, by ascending id; virtual nodes have none."""
    target = model.target_manager.get_target(report.cells)
    local = np.fromiter(cell_manager.gid2cell, dtype=np.int64)
    wanted = np.intersect1d(target.get_local_gids(cell_manager.population_name), local)
    return [cell_manager.get_cell(gid) for gid in wanted.tolist()]


def detailed_cells_of(report: Report, model: ReportModel, cell_manager: Any) -> list[Any]:
    """Return those of them that have sections."""
    return [cell for cell in cells_of(report, model, cell_manager) if cell.sections]
