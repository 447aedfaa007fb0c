"""Simulation modules under the names and in the files that BMTK's scripts know."""

from __future__ import annotations

from neurodamus_like.bionet.modules.comsol import ComsolMod
from neurodamus_like.bionet.modules.ecephys_module import BioECEphysUnitsModule
from neurodamus_like.bionet.modules.ecp import EcpMod
from neurodamus_like.bionet.modules.iclamp import IClampMod
from neurodamus_like.bionet.modules.record_cellvars import MembraneReport, SomaReport
from neurodamus_like.bionet.modules.record_clamp import ClampReport
from neurodamus_like.bionet.modules.record_netcons import NetconReport
from neurodamus_like.bionet.modules.record_spikes import SpikesMod
from neurodamus_like.bionet.modules.save_synapses import SaveSynapses
from neurodamus_like.bionet.modules.seclamp import SEClamp
from neurodamus_like.bionet.modules.xstim import XStimMod
from neurodamus_like.simulation.modules import SimulatorMod

__all__ = [
    "BioECEphysUnitsModule",
    "ClampReport",
    "ComsolMod",
    "EcpMod",
    "IClampMod",
    "MembraneReport",
    "NetconReport",
    "SEClamp",
    "SaveSynapses",
    "SimulatorMod",
    "SomaReport",
    "SpikesMod",
    "XStimMod",
]
