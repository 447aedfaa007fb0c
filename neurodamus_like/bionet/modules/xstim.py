"""Potentials of stimulation electrodes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.bionet.input_modules import InputModule
from neurodamus_like.bionet.modules.xstim_waveforms import stimx_waveform_factory
from neurodamus_like.config.allen_stimuli import OTHERS
from neurodamus_like.exceptions import StimulusError
from neurodamus_like.stimuli.electrode_array import (
    MINIMUM_DISTANCE_UM,
    nearest_distance,
    read_electrodes,
    transfer_potentials,
)

FloatArray = npt.NDArray[np.float64]


class XStimMod(InputModule):
    """Potentials of stimulation electrodes.

    Parameters
    ----------
    positions_file
        Table of electrodes.
    waveform
        Description or file of the current (mA), or a list of them, one for each electrode.
    mesh_files_dir
        Folder of the meshes.
    cells, node_set
        Cells, see :class:`InputModule`.
    set_nrn_mechanisms
        Insert the mechanism ``extracellular``.
    resistance
        Of the medium in Ohm cm.
    """

    def __init__(
        self,
        positions_file: str | os.PathLike[str],
        waveform: Any,
        mesh_files_dir: str | None = None,
        cells: Any = None,
        set_nrn_mechanisms: bool = True,
        resistance: float = 300.0,
        node_set: Any = None,
    ) -> None:
        block = {
            "positions_file": positions_file,
            "waveform": waveform,
            "mesh_files_dir": mesh_files_dir,
            "set_nrn_mechanisms": set_nrn_mechanisms,
            "resistance": resistance,
        }
        super().__init__(OTHERS["xstim"], block, cells if node_set is None else node_set)


class StimXElectrode:
    """Stimulation electrodes with one waveform, and the potential (mV) that 1 mA of each makes at segments.

    Parameters
    ----------
    positions_file
        Table of electrodes; meshes are read, rotated and moved to their places.
    waveform
        Description or file.
    mesh_files_dir
        Folder of the meshes; None: that of the table.
    dt
        Time step in ms.

    Attributes
    ----------
    elnsites
        Number of electrodes.
    trans_X
        gid -> mV/mA, shape (electrodes, segments).
    waveform_amplitude
        mA of each electrode, as :meth:`calculate_waveforms` left it.
    """

    def __init__(
        self, positions_file: str | os.PathLike[str], waveform: Any, mesh_files_dir: str | None, dt: float
    ) -> None:
        self._dt = dt
        self._folder = None if mesh_files_dir is None else Path(mesh_files_dir)
        self._file = Path(positions_file)
        self.waveform = stimx_waveform_factory(waveform)
        self._electrodes = read_electrodes(self._file, self._folder)
        self.elnsites = len(self._electrodes)
        self.trans_X: dict[int, FloatArray] = {}
        self.waveform_amplitude: FloatArray = np.zeros(self.elnsites)

    @property
    def el_mesh(self) -> dict[int, FloatArray]:
        """Number of an electrode -> points of its surface in µm, shape (3, points)."""
        return {number: electrode.points_um.T for number, electrode in enumerate(self._electrodes)}

    def read_electrode_mesh(self) -> None:
        """Read the electrodes again; they are rotated and in their places then."""
        self._electrodes = read_electrodes(self._file, self._folder)

    def rotate_the_electrodes(self) -> None:
        """Do nothing: the electrodes are rotated when they are read."""

    def place_the_electrodes(self) -> None:
        """Do nothing: the electrodes are moved to their places when they are read."""

    def set_transfer_resistance(self, gid: int, seg_coords: Any, rho: float = 300.0) -> None:
        """Compute the potentials at the segments of a cell.

        Parameters
        ----------
        gid
            The cell.
        seg_coords
            Its segments: `p05` are their middles in µm, shape (3, segments).
        rho
            Resistivity of the medium in Ohm cm.

        Raises
        ------
        StimulusError
            A segment is too close to an electrode.
        """
        middles = np.asarray(seg_coords.p05, dtype=np.float64).T
        for number, electrode in enumerate(self._electrodes):
            distance = nearest_distance(electrode, middles)
            if distance < MINIMUM_DISTANCE_UM:
                raise StimulusError(
                    f"electrode {number} is {distance:.3g} µm from a segment",
                    file=self._file,
                    ids=[gid],
                    expected=f"{MINIMUM_DISTANCE_UM:g} µm or more",
                )
        self.trans_X[gid] = transfer_potentials(self._electrodes, middles, rho)

    def calculate_waveforms(self, tstep: int) -> None:
        """Set the currents to those of a time step."""
        self.waveform_amplitude = np.full(self.elnsites, self.waveform.calculate(self._dt * tstep))

    def get_vext(self, gid: int) -> FloatArray:
        """Return the potential (mV) at the segments of a cell, with the currents as they are."""
        found: FloatArray = self.waveform_amplitude @ self.trans_X[gid]
        return found
