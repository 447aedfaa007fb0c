"""StimulusManager: input blocks become simulator objects on the local cells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from neurodamus_like.config.models import Input, Simulation
from neurodamus_like.stimuli.base import BlockCounts, stimulus_types
from neurodamus_like.stimuli.checks import unknown_module
from neurodamus_like.stimuli.playback import SimulatorPlayer

C = TypeVar("C", bound=type)


class StimulusManager:
    """Creates the stimuli of a simulation on the local cells.

    Parameters
    ----------
    target_manager
        Finds node sets and compartment sets.
    simulation
        Seeds, time step and duration.
    cell_managers
        One per population with cells; only their local cells are touched.

    Notes
    -----
    Signals are stored as far as ``simulation.run.tstop_ms``. Blocks of random stimuli are counted in the order in which
    they are interpreted (part of the name of random streams): `noise` for itself, both Ornstein-Uhlenbeck modules
    together, and the three shot noise modules together. Blocks that do nothing (a rate of 0, for example) are not
    counted. A new manager begins at 0 again.
    """

    def __init__(self, target_manager: Any, simulation: Simulation, cell_managers: Iterable[Any]) -> None:
        self.target_manager = target_manager
        self.simulation = simulation
        self.cell_managers = list(cell_managers)
        self.stimuli: list[Any] = []
        """Instances of the stimulus types, in the order of creation."""
        self._blocks = BlockCounts()
        self._player = SimulatorPlayer(coreneuron=simulation.simulator == "CORENEURON")

    @classmethod
    def register_type(cls, stim_class: C) -> C:
        """Register a class as the type of a stimulus module (decorator).

        The class is called with (target_points, stim_info, cell_manager): a list of point lists of local
        cells, the :class:`~neurodamus_like.config.models.Input` block and the cell manager of the
        population. Its module name is its attribute `module`, or else its own name (``MyNoise`` is also
        found as ``my_noise``); names are found in any case.
        """
        name = getattr(stim_class, "module", None) or stim_class.__name__
        stimulus_types.add(name, stim_class, re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name))
        return stim_class

    def interpret(self, target_spec: Any, stim_info: Input | None = None) -> list[Any]:
        """Create the stimulus of one block on all local cells it selects.

        Parameters
        ----------
        target_spec
            The block itself, or a target (name, spec or object) that takes the place of the block's node set.
        stim_info
            The block, when `target_spec` is a target.

        Returns
        -------
        list
            The instances created, one per cell manager.

        Raises
        ------
        StimulusError, ProblemsError
            No such module, or wrong parameters.
        """
        info: Input = target_spec if stim_info is None else stim_info
        target = info.node_set if stim_info is None else target_spec
        if info.module not in stimulus_types:
            raise unknown_module(info)
        stim_type: Any = stimulus_types[info.module]
        context = self._blocks.context(stim_type, self.simulation.run, self._player)
        extra = {} if context is None else {"context": context}
        created = [
            stim_type(self.get_point_list(target, info, cell_manager), info, cell_manager, **extra)
            for cell_manager in self.cell_managers
        ]
        self._blocks.add(stim_type, created)
        self.stimuli.extend(created)
        return created

    def get_point_list(self, target_spec: Any, stim_info: Input, cell_manager: Any) -> list[Any]:
        """Return the points a block acts on, one list per local cell of `cell_manager`.

        A compartment set gives its own points; a node set gives the centre of every soma section, or what the type of
        stimulus asks for with its attributes `sections` and `compartments`.
        """
        if stim_info.compartment_set is not None:
            points = self.target_manager.get_point_list_from_compartment_set(
                cell_manager, stim_info.compartment_set
            )
        else:
            given = hasattr(target_spec, "get_point_list")
            target = target_spec if given else self.target_manager.get_target(target_spec)
            stim_type = stimulus_types[stim_info.module]
            points = target.get_point_list(
                cell_manager,
                sections=getattr(stim_type, "sections", "soma"),
                compartments=getattr(stim_type, "compartments", "center"),
            )
        return list(points)

    def reset_helpers(self) -> None:
        """Forget the stimuli and count blocks from 0 again; the simulator's objects go with the model."""
        self.stimuli.clear()
        self._blocks = BlockCounts()
        self._player = SimulatorPlayer()

    def saveStatePreparation(self, ss_obj: Any) -> None:
        """Leave the sources of all stimuli out of a saved state: ``ss_obj.ignore(source)`` is called for each."""
        for stim in self.stimuli:
            for source in getattr(stim, "sources", ()):
                ss_obj.ignore(source)
