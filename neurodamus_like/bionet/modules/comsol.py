"""Potentials that COMSOL computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurodamus_like.bionet.input_modules import InputModule
from neurodamus_like.config.allen_stimuli import OTHERS


class ComsolMod(InputModule):
    """Potentials computed by COMSOL.

    Parameters
    ----------
    comsol_files
        One solution that depends on time, or stationary ones.
    waveforms
        A table ``time amplitude`` for each stationary solution.
    amplitudes
        Factors, one for all or one for each.
    cells, node_set
        Cells, see :class:`InputModule`.
    set_nrn_mechanisms
        Insert the mechanism ``extracellular``.
    """

    def __init__(
        self,
        comsol_files: str | Sequence[str],
        waveforms: Any = None,
        amplitudes: float | Sequence[float] = 1,
        cells: Any = None,
        set_nrn_mechanisms: bool = True,
        node_set: Any = None,
    ) -> None:
        block = {
            "comsol_files": comsol_files,
            "waveforms": waveforms,
            "amplitudes": amplitudes,
            "set_nrn_mechanisms": set_nrn_mechanisms,
        }
        super().__init__(OTHERS["comsol"], block, cells if node_set is None else node_set)
