"""What the simulation modules have in common that are inputs.

They apply the same stimuli as the inputs of a configuration: no Python runs during the time steps.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from neurodamus_like.bionet.module_targets import resolve_node_set
from neurodamus_like.config.allen_stimuli import StimulusForm
from neurodamus_like.config.models import Input
from neurodamus_like.exceptions import ProblemsError
from neurodamus_like.simulation.modules import SimulatorMod
from neurodamus_like.stimuli.checks import check_inputs, find_unknown_keys

logger = logging.getLogger(__name__)


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
        self._block = absolute_files(form, block)
        self._node_set = "all" if node_set is None else node_set

    def initialize(self, sim: Any) -> None:
        """Make the stimulus on the cells of this rank.

        Raises
        ------
        StimulusError, ProblemsError
            A parameter is wrong.
        """
        name = _free_name(type(self).__name__, sim)
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
        for unknown in find_unknown_keys([info], sim.simulation):
            logger.warning("%s", unknown)
        sim.stim_manager.interpret(resolve_node_set(sim, self._node_set), info)


def _free_name(name: str, sim: Any) -> str:
    """Return a name, numbered if an input before has it: reports of clamps find them by their names."""
    stimuli = sim.stim_manager.stimuli
    taken = {info.name for s in stimuli if (info := getattr(s, "stim_info", None)) is not None}
    numbers = itertools.count(2)
    free = name
    while free in taken:
        free = f"{name}_{next(numbers)}"
    return free


def absolute_files(form: StimulusForm, block: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that have a value, paths of files counted from the working folder."""
    return {
        key: _absolute(value) if key in form.files else value
        for key, value in block.items()
        if value is not None
    }


def _absolute(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_absolute(item) for item in value]
    return os.path.abspath(value) if isinstance(value, str | os.PathLike) else value
