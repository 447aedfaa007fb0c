"""Inputs as simulation modules: the classes that scripts of BMTK give to ``sim.add_mod``.

They apply the same stimuli as the inputs of a configuration: no Python runs during the time steps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from neurodamus_like.bionet.module_targets import resolve_node_set
from neurodamus_like.config.allen_stimuli import CURRENTS, OTHERS, StimulusForm
from neurodamus_like.config.models import Input
from neurodamus_like.exceptions import ProblemsError, StimulusError, did_you_mean
from neurodamus_like.simulation.modules import SimulatorMod
from neurodamus_like.stimuli.checks import check_inputs


class InputModule(SimulatorMod):
    """Applies a stimulus when the simulation begins.

    Parameters
    ----------
    form
        What kind of stimulus.
    block
        The keys that it would have in a configuration; None means that a key is absent. Paths count from the working
        folder.
    node_set
        Cells: a name, a rule or a list of node ids; None means all.
    """

    def __init__(self, form: StimulusForm, block: Mapping[str, Any], node_set: Any = None) -> None:
        self._form = form
        self._block = {
            key: _absolute(value) if key in form.files else value
            for key, value in block.items()
            if value is not None
        }
        self._node_set = "all" if node_set is None else node_set

    def initialize(self, sim: Any) -> None:
        """Make the stimulus on the cells of this rank.

        Raises
        ------
        StimulusError, ProblemsError
            A parameter is wrong.
        """
        name = type(self).__name__
        info = Input(
            name=name,
            module=self._form.module,
            input_type=self._form.input_type,
            duration_ms=sim.simulation.run.tstop_ms,
            node_set=name,
            parameters=MappingProxyType(dict(self._block)),
            pointer=f"/{name}",
        )
        errors = check_inputs([info], sim.simulation)
        if errors:
            raise errors[0] if len(errors) == 1 else ProblemsError(errors)
        sim.stim_manager.interpret(resolve_node_set(sim, self._node_set), info)


class IClampMod(InputModule):
    """Injects currents; `input_type` is ``current_clamp``, ``csv``, ``file``, ``nwb`` or ``allen``.

    The other arguments are the keys of such an input.
    """

    def __init__(self, input_type: str, **mod_args: Any) -> None:
        if input_type not in CURRENTS:
            raise StimulusError(
                f"unknown input_type {input_type!r} of IClampMod",
                expected="one of " + ", ".join(CURRENTS),
                hint=did_you_mean(str(input_type), CURRENTS) or None,
            )
        node_set = mod_args.pop("node_set", None)
        super().__init__(CURRENTS[input_type], mod_args, node_set)


class SEClamp(InputModule):
    """Clamps the voltage of cells for an interval: `amp`, `delay`, `duration`, `resistance`."""

    def __init__(self, input_type: str = "voltage_clamp", **mod_args: Any) -> None:
        node_set = mod_args.pop("node_set", None)
        mod_args.pop("vc", None)
        super().__init__(OTHERS["seclamp"], mod_args, node_set)


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


def _absolute(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_absolute(item) for item in value]
    return os.path.abspath(value) if isinstance(value, str | os.PathLike) else value
