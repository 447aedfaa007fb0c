"""Decorators that put functions of users in the place of built-in ones, under the names BMTK gives them.

Each works with and without arguments: ``@synapse_model`` registers under the name of the function,
``@synapse_model(name="Exp2Syn")`` under another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from neurodamus_like.circuit.cells.cell_models import ANY_TYPE, add_cell_model, add_cell_processor
from neurodamus_like.connectivity.spike_generators import add_spikes_generator
from neurodamus_like.connectivity.synapse_models import add_synapse_model
from neurodamus_like.connectivity.weight_functions import add_weight_function

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

F = TypeVar("F", bound=Callable[..., Any])


def cell_model(
    directive: Any = None, model_type: str = ANY_TYPE, *, name: str | None = None, overwrite: bool = True
) -> Any:
    """Register a function (node, template name, dynamics_params) -> HOC object as the maker of cells.

    Parameters
    ----------
    directive
        The whole ``model_template``, or the part before its colon; by default the name of the function.
    model_type
        Only for nodes of this type; ``*`` means all.
    name
        Another word for `directive`.
    overwrite
        Replace an earlier one.
    """
    if callable(directive):
        add_cell_model(directive, directive.__name__, model_type)
        return directive

    def decorate(func: F) -> F:
        add_cell_model(func, directive or name or func.__name__, model_type, overwrite)
        return func

    return decorate


def model_processing(func: Any = None, *, name: str | None = None) -> Any:
    """Register a function (HOC object, node, dynamics_params) -> HOC object for ``model_processing``."""
    return _register(add_cell_processor, func, name)


def synapse_model(func: Any = None, *, name: str | None = None) -> Any:
    """Register a function (dynamics_params, x, section) -> point process for the ``model_template`` of edges."""
    return _register(add_synapse_model, func, name)


def synaptic_weight(func: Any = None, *, name: str | None = None) -> Any:
    """Register a function (edge, source node, target node) -> weight for the ``weight_function`` of edges."""
    return _register(add_weight_function, func, name)


weight_function = synaptic_weight


def spikes_generator(func: Any = None, *, name: str | None = None) -> Any:
    """Register a function (node, simulation) -> spike times in ms for the ``spikes_function`` of inputs."""
    return _register(add_spikes_generator, func, name)


def _register(add: Callable[..., None], func: Any, name: str | None) -> Any:
    if callable(func):
        add(func, name)
        return func

    def decorate(function: F) -> F:
        add(function, name)
        return function

    return decorate
