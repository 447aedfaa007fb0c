"""The usual run script of BMTK's BioNet with its import line changed: ``from neurodamus_like import bionet``.

Examples
--------
>>> from neurodamus_like import bionet  # doctest: +SKIP
>>> conf = bionet.Config.from_json("config.json")  # doctest: +SKIP
>>> conf.build_env()  # doctest: +SKIP
>>> net = bionet.BioNetwork.from_config(conf)  # doctest: +SKIP
>>> sim = bionet.BioSimulator.from_config(conf, network=net)  # doctest: +SKIP
>>> sim.run()  # doctest: +SKIP
"""

from __future__ import annotations

from neurodamus_like.bionet import modules, nrn
from neurodamus_like.bionet.arguments import ArgumentParser
from neurodamus_like.bionet.config import Config
from neurodamus_like.bionet.functions import (
    add_cell_model,
    add_cell_processor,
    add_spikes_generator,
    add_synapse_model,
    add_weight_function,
    cell_model,
    model_processing,
    spikes_generator,
    synapse_model,
    synaptic_weight,
    weight_function,
)
from neurodamus_like.bionet.modules import (
    BioECEphysUnitsModule,
    ClampReport,
    ComsolMod,
    EcpMod,
    IClampMod,
    MembraneReport,
    NetconReport,
    SaveSynapses,
    SEClamp,
    SomaReport,
    SpikesMod,
    XStimMod,
)
from neurodamus_like.bionet.network import BioNetwork, reset
from neurodamus_like.bionet.simulator import BioSimulator

__all__ = [
    "ArgumentParser",
    "BioECEphysUnitsModule",
    "BioNetwork",
    "BioSimulator",
    "ClampReport",
    "ComsolMod",
    "Config",
    "EcpMod",
    "IClampMod",
    "MembraneReport",
    "NetconReport",
    "SEClamp",
    "SaveSynapses",
    "SomaReport",
    "SpikesMod",
    "XStimMod",
    "add_cell_model",
    "add_cell_processor",
    "add_spikes_generator",
    "add_synapse_model",
    "add_weight_function",
    "cell_model",
    "model_processing",
    "modules",
    "nrn",
    "reset",
    "spikes_generator",
    "synapse_model",
    "synaptic_weight",
    "weight_function",
]
