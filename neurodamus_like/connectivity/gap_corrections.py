"""Corrections of cells with gap junctions (``beta_features``): leak, channels, holding currents, voltage clamps."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurodamus_like.config.gap_corrections import GapCorrections
from neurodamus_like.engine import transfer
from neurodamus_like.exceptions import CircuitError
from neurodamus_like.io.hdf5 import open_h5

logger = logging.getLogger(__name__)

STOCHASTIC_CHANNELS = ("StochKv", "StochKv2", "StochKv3")
NO_CHANNELS = ("pas", "fastpas", "extracellular", "TTXDynamicsSwitch")
"""Density mechanisms that are never removed."""

CURRENTS_FOLDER = "gap_junction_seclamps"


class CorrectedCells:
    """Cells of one population, corrected when this object is made.

    Parameters
    ----------
    cells
        Global id -> cell, of this rank.
    corrections
        What to do. Holding currents belong to ``validation_sim`` or no procedure, voltage clamps to
        ``find_holding_current``; the other corrections to any.

    Attributes
    ----------
    clamps
        Global id -> voltage clamp in the soma.
    holding
        The current clamps.

    Raises
    ------
    CircuitError
        A file has no values for this conductance, or not the iteration asked for.
    """

    def __init__(self, cells: Mapping[int, Any], corrections: GapCorrections) -> None:
        self.clamps: dict[int, transfer.VoltageClamp] = {}
        self.holding: list[Any] = []
        self._cells = cells
        if corrections.deterministic_stoch:
            self._make_deterministic()
        if corrections.remove_channels is not None:
            self._remove_channels(corrections.remove_channels)
        if corrections.g_pas_file is not None:
            self._load_g_pas(corrections.g_pas_file, corrections.gjc, corrections.iteration)
        finding = corrections.procedure == "find_holding_current"
        if corrections.holding_file is not None and not finding:
            self._inject_holding(corrections.holding_file, corrections.gjc)
        if corrections.clamp_file is not None and finding:
            self._clamp_voltage(corrections.clamp_file)

    def save_currents(self, output_dir: Path, rank: int) -> None:
        """Pickle the currents of the clamps: global id -> float64 array of one value (nA) per time step."""
        folder = output_dir / CURRENTS_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        currents = {gid: clamp.current_nA for gid, clamp in self.clamps.items()}
        with (folder / f"data_for_host_{rank}.p").open("wb") as file:
            pickle.dump(currents, file)

    def _make_deterministic(self) -> None:
        for section in self._sections():
            for name in transfer.density_mechanisms(section):
                if name in STOCHASTIC_CHANNELS:
                    setattr(section, f"deterministic_{name}", 1)

    def _remove_channels(self, which: str) -> None:
        for section in self._sections():
            for name in transfer.density_mechanisms(section):
                stochastic = name in STOCHASTIC_CHANNELS
                asked = which == "all" or stochastic == (which == "only_stoch")
                if asked and name not in NO_CHANNELS:
                    transfer.remove_mechanism(section, name)

    def _load_g_pas(self, path: Path, gjc: str, iteration: int) -> None:
        with open_h5(path) as file:
            group = _group(file, f"g_pas/{gjc}", path)
            for gid, cell in self._cells.items():
                if f"a{gid}" in group:
                    _set_leak(cell, group[f"a{gid}"], iteration, path)

    def _inject_holding(self, path: Path, gjc: str) -> None:
        with open_h5(path) as file:
            group = _group(file, f"holding_per_gid/{gjc}", path)
            for gid, soma in self._somas(group):
                amplitude = float(group[f"a{gid}"][()])
                self.holding.append(transfer.inject_steady(soma, 0.5, amplitude))

    def _clamp_voltage(self, path: Path) -> None:
        with open_h5(path) as file:
            group = _group(file, "v_per_gid", path)
            for gid, soma in self._somas(group):
                self.clamps[gid] = transfer.VoltageClamp(soma, 0.5, float(group[f"a{gid}"][()]))

    def _somas(self, group: Any) -> list[tuple[int, Any]]:
        return [
            (gid, cell.sections_of("soma")[0][1]) for gid, cell in self._cells.items() if f"a{gid}" in group
        ]

    def _sections(self) -> list[Any]:
        return [section for cell in self._cells.values() for section in cell.sections]


def _group(file: Any, name: str, path: Path) -> Any:
    if name not in file:
        parent = name.split("/")[0]
        known = ", ".join(file[parent]) if parent in file else ", ".join(file)
        raise CircuitError(
            f"the file has no {name}", file=path, expected=f"a group of this name; there are: {known}"
        )
    return file[name]


def _set_leak(cell: Any, values: Any, iteration: int, path: Path) -> None:
    """Set g_pas of the segments (``dend[0](0.25)``) and whole sections (``dend[0]``) that have values."""
    unused = set(values)
    for section in cell.sections:
        if "pas" not in transfer.density_mechanisms(section):
            continue
        name = section.name().rsplit(".", 1)[-1]
        for segment in section:
            for key in (name, f"{name}({segment.x:g})"):
                if key in values:
                    segment.g_pas = _value(values[key], iteration, path)
                    unused.discard(key)
    if unused:
        logger.warning(
            "%s: gid %d has no passive segments %s; their g_pas is not used",
            path.name,
            cell.gid,
            ", ".join(sorted(unused)),
        )


def _value(dataset: Any, iteration: int, path: Path) -> float:
    column = np.atleast_1d(dataset[()])
    if not -column.size <= iteration < column.size:
        raise CircuitError(
            f"there is no iteration {iteration} of {column.size}",
            file=path,
            pointer=dataset.name,
            expected=f"correction_iteration_load from 0 to {column.size - 1}, or -1 for the last",
        )
    return float(column[iteration])
