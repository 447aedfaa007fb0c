"""neurodamus_like: run any SONATA brain circuit on NEURON, from a laptop to a cluster.

Importing this package imports neither NEURON nor MPI; the public names below are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "CellDistributor": "neurodamus_like.circuit.cell_distributor",
    "CircuitManager": "neurodamus_like.circuit.manager",
    "ClampReport": "neurodamus_like.bionet.modules.record_clamp",
    "ComsolMod": "neurodamus_like.bionet.modules.comsol",
    "Connection": "neurodamus_like.connectivity.connection",
    "ConnectionSet": "neurodamus_like.connectivity.connection_set",
    "EcpMod": "neurodamus_like.bionet.modules.ecp",
    "IClampMod": "neurodamus_like.bionet.modules.iclamp",
    "METype": "neurodamus_like.circuit.cells.metype",
    "MembraneReport": "neurodamus_like.bionet.modules.record_cellvars",
    "NetconReport": "neurodamus_like.bionet.modules.record_netcons",
    "Neurodamus": "neurodamus_like.simulation.node",
    "Node": "neurodamus_like.simulation.node",
    "NodesetTarget": "neurodamus_like.targets.manager",
    "PointCell": "neurodamus_like.circuit.cells.point_cell",
    "SEClamp": "neurodamus_like.bionet.modules.seclamp",
    "SaveSynapses": "neurodamus_like.bionet.modules.save_synapses",
    "SimulatorMod": "neurodamus_like.simulation.modules",
    "SomaReport": "neurodamus_like.bionet.modules.record_cellvars",
    "SpikeManager": "neurodamus_like.connectivity.replay",
    "SpikesMod": "neurodamus_like.bionet.modules.record_spikes",
    "StimulusManager": "neurodamus_like.stimuli.manager",
    "SynapseRuleManager": "neurodamus_like.connectivity.synapse_rules",
    "SynapseType": "neurodamus_like.connectivity.synapse_types",
    "TargetManager": "neurodamus_like.targets.manager",
    "TargetPointList": "neurodamus_like.targets.points",
    "TargetSpec": "neurodamus_like.targets.manager",
    "XStimMod": "neurodamus_like.bionet.modules.xstim",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
