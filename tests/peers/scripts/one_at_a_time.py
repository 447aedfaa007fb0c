"""BMTK's synapses that take lists of places, which BioNet itself cannot call, one place at a time."""

from bmtk.simulator.bionet.default_setters import synapse_models
from bmtk.simulator.bionet.pyfunction_cache import add_synapse_model


def _one(of_lists):
    return lambda parameters, x, section: of_lists(parameters, [x], [section])[0]


for name in ("exp1syn", "exp1isyn", "stp1syn", "stp3syn", "stp4syn", "stp5isyn", "tmgsyn"):
    add_synapse_model(_one(getattr(synapse_models, name)), name, overwrite=True)
