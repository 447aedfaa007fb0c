"""Extracellular potentials."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.bionet.report_modules import ReportModule
from neurodamus_like.circuit.geometry import Compartments
from neurodamus_like.io.electrodes import read_probe
from neurodamus_like.reports.electrode_factors import compute_bounded_line_source_factors

FloatArray = npt.NDArray[np.float64]


class EcpMod(ReportModule):
    """Extracellular potentials; `variable_name` and `electrode_channels` have no effect, as in BMTK.

    With `file_name_nwb` they are written as an electrical series of an NWB file, too.
    """

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
        *,
        file_name_nwb: str | None = None,
        **kwargs: Any,
    ) -> None:
        if contributions_dir is not None and tmp_dir is not None:
            contributions_dir = os.path.abspath(os.path.join(tmp_dir, contributions_dir))
        if file_name_nwb is not None and tmp_dir is not None:
            file_name_nwb = os.path.abspath(os.path.join(tmp_dir, file_name_nwb))
        block = {
            "file_name": file_name,
            "file_name_nwb": file_name_nwb,
            "electrode_positions": os.path.abspath(electrode_positions),
            "contributions_dir": contributions_dir,
            "cells": cells,
            "cell_bounds": None if cell_bounds is None else list(cell_bounds),
            "minimum_distance": minimum_distance,
        }
        super().__init__({**block, **kwargs}, tmp_dir)


class RecXElectrode:
    """Contacts of a recording electrode, and what 1 nA of each segment adds to the potential there.

    Parameters
    ----------
    positions
        Table ``channel x_pos y_pos z_pos`` (µm).
    minimum_distance
        As for :class:`EcpMod`.

    Attributes
    ----------
    pos
        µm, shape (3, contacts).
    nsites
        Number of contacts.
    transfer_resistances
        gid -> mV/nA, shape (contacts, segments).
    """

    def __init__(
        self, positions: str | os.PathLike[str], minimum_distance: float | str | None = None
    ) -> None:
        self.pos: FloatArray = read_probe(Path(positions)).positions_um.T
        self.nsites = self.pos.shape[1]
        self.minimum_distance = minimum_distance
        self.transfer_resistances: dict[int, FloatArray] = {}

    def drift(self) -> None:
        """Do nothing: contacts do not move."""

    def calc_transfer_resistance(self, gid: int, seg_coords: Any) -> None:
        """Compute the matrix of a cell: line sources in a medium of 0.3 S/m.

        Parameters
        ----------
        gid
            The cell.
        seg_coords
            Its segments: `p0`, `p1` (begin and end in µm, shape (3, segments)) and `d` (diameter in µm).
        """
        begin, end = np.asarray(seg_coords.p0).T, np.asarray(seg_coords.p1).T
        diameter = np.broadcast_to(np.asarray(seg_coords.d, dtype=np.float64), len(begin))
        minimum: Any = 0.5 * diameter if self.minimum_distance == "auto" else self.minimum_distance or None
        factors = compute_bounded_line_source_factors(
            Compartments(begin, end, diameter), self.pos.T, minimum_um=minimum
        )
        self.transfer_resistances[gid] = factors.T

    def get_transfer_resistance(self, gid: int) -> FloatArray:
        """Return the matrix of a cell."""
        return self.transfer_resistances[gid]
