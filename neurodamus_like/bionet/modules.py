"""Simulation modules under the names that BMTK's scripts know."""

from __future__ import annotations

from neurodamus_like.bionet.input_modules import ComsolMod, IClampMod, SEClamp, XStimMod
from neurodamus_like.bionet.report_modules import (
    ClampReport,
    EcpMod,
    MembraneReport,
    NetconReport,
    SaveSynapses,
    SomaReport,
    SpikesMod,
)
from neurodamus_like.simulation.modules import SimulatorMod

__all__ = [
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
