"""Spikes of recorded units for virtual cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurodamus_like.bionet.module_targets import context_of, targets_of
from neurodamus_like.config.allen_units import read_units_input
from neurodamus_like.connectivity.spike_files import check_spike_inputs
from neurodamus_like.exceptions import ProblemsError, SimulationError
from neurodamus_like.simulation.modules import SimulatorMod


class BioECEphysUnitsModule(SimulatorMod):
    """Gives virtual nodes the spikes of sorted units of NWB files; their synapses are made for it.

    Add it with :meth:`neurodamus_like.bionet.BioSimulator.add_mod`, before the simulation is initialised.

    Parameters
    ----------
    name
        In messages.
    **kwargs
        The keys of an input with the module ``ecephys_probe``: `node_set`, `input_file`, `mapping`, `units`, ... Paths
        count from the working folder.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        self._name = name
        self._block: Mapping[str, Any] = {
            k: v for k, v in kwargs.items() if k not in ("module", "input_type")
        }
        self._connected = False

    def connect(self, node: Any) -> None:
        """Make the synapses of a simulation (:class:`~neurodamus_like.Node`), and let the units drive them.

        Raises
        ------
        ConfigurationError, CircuitError, ProblemsError
            Something is wrong with the keys or files.
        SimulationError
            The synapses have been made already.
        """
        context = context_of(node)
        (block,) = read_units_input(self._name, self._block, context)
        errors = check_spike_inputs([block])
        if errors:
            raise errors[0] if len(errors) == 1 else ProblemsError(errors)
        node.add_spike_input(block, targets_of(node, context.node_sets.rules()))
        self._connected = True

    def initialize(self, sim: Any) -> None:
        """Check that the module was connected when it was added.

        Raises
        ------
        SimulationError
            It was not.
        """
        if not self._connected:
            raise SimulationError(
                f"the module {self._name!r} cannot give spikes: the synapses have been made",
                hint="add it with BioSimulator.add_mod, or use an input with the module 'ecephys_probe'",
            )
