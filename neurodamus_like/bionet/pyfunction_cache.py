"""Decorators and functions that register functions of users, in the file where BMTK's scripts look for them."""

from __future__ import annotations

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

__all__ = [
    "add_cell_model",
    "add_cell_processor",
    "add_spikes_generator",
    "add_synapse_model",
    "add_weight_function",
    "cell_model",
    "model_processing",
    "spikes_generator",
    "synapse_model",
    "synaptic_weight",
    "weight_function",
]
