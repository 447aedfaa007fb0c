"""How cells are made from ``model_template`` and changed by ``model_processing``: the registries, and what is built in.

A cell model is a function (node, template name, parameters) that returns a HOC object; a processing is a function
(HOC object, node, parameters) that returns it. Users register their own with the same names as in BMTK.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from neurodamus_like.circuit.cells.membrane_fits import (
    apply_all_active_fit,
    apply_membrane_settings,
    apply_perisomatic_fit,
)
from neurodamus_like.circuit.cells.node_properties import NodeProperties
from neurodamus_like.engine import axon_stubs, nrn
from neurodamus_like.engine.artificial import create_artificial_cell
from neurodamus_like.engine.morphology_import import core_hoc_directory, install_import3d_front
from neurodamus_like.exceptions import ConfigurationError, SimulationError, TemplateError
from neurodamus_like.io.hoc_template import template_names
from neurodamus_like.io.neuroml import MembraneSettings, read_neuroml
from neurodamus_like.registry import Registry

logger = logging.getLogger(__name__)

Parameters = Mapping[str, Any] | None
CellModel = Callable[[NodeProperties, str, Parameters], Any]
CellProcessor = Callable[[Any, NodeProperties, Parameters], Any]

CELL_MODELS: Registry[CellModel] = Registry("cell model", "neurodamus_like.cell_models")
"""``<model_type> <template>`` or ``<model_type> <directive>`` -> function; see :func:`find_cell_model`."""

CELL_PROCESSORS: Registry[CellProcessor] = Registry("model processing", "neurodamus_like.cell_processors")
"""Name in ``model_processing`` -> function."""

SWC_TEMPLATE = "Biophys1"
ANY_TYPE = "*"
_TYPE_ALIASES = {"point_neuron": "point_process"}


def add_cell_model(
    func: CellModel, directive: str, model_type: str = ANY_TYPE, overwrite: bool = True
) -> None:
    """Register a function that makes cells.

    Parameters
    ----------
    func
        (node, template name, dynamics_params) -> HOC object.
    directive
        A whole ``model_template`` such as ``nrn:MyCell``, or the part before the colon.
    model_type
        ``biophysical``, ``point_process``, ``point_neuron``, or ``*`` for all.
    overwrite
        Replace an earlier registration of the same name.
    """
    key = _key(directive, model_type)
    if overwrite or key not in CELL_MODELS:
        CELL_MODELS.add(key, func)


def add_cell_processor(func: CellProcessor, name: str | None = None, overwrite: bool = True) -> None:
    """Register a function that changes a new cell, under its own name or `name`."""
    key = name or func.__name__
    if overwrite or key not in CELL_PROCESSORS:
        CELL_PROCESSORS.add(key, func)


def find_cell_model(template: str, model_type: str) -> tuple[CellModel, str]:
    """Return the function for a ``model_template``, and the template's name without the directive.

    A function for the whole text wins over one for the directive.

    Raises
    ------
    TemplateError
        There is none.
    """
    directive, colon, name = template.partition(":")
    for text in (template, directive):
        for kind in (model_type, ANY_TYPE):
            if _key(text, kind) in CELL_MODELS:
                return CELL_MODELS[_key(text, kind)], name if colon else template
    known = [key.partition(" ")[2] for key in CELL_MODELS.names() if key.startswith(_type(model_type))]
    raise TemplateError(
        f"nothing makes cells of the model_template {template!r} and the model_type {model_type!r}",
        pointer="model_template",
        expected="one of " + ", ".join(known),
        hint="register a function with @cell_model(...)",
    )


def has_user_model(node: NodeProperties) -> bool:
    """Say whether a function of a user makes the cell of a node."""
    return not is_built_in(find_cell_model(node.model_template, node.model_type)[0])


def is_built_in(function: Any) -> bool:
    """Say whether a registered function comes with the package."""
    return getattr(function, "__module__", "") == __name__


def _type(model_type: str) -> str:
    return _TYPE_ALIASES.get(model_type, model_type)


def _key(directive: str, model_type: str) -> str:
    return f"{_type(model_type)} {directive}"


def load_default_template() -> Any:
    """Return the template that makes the sections of an SWC file, which functions of users may call, too.

    Where a script has loaded NEURON's own Import3d before, every cell reads its file anew.
    """
    with suppress(SimulationError):
        install_import3d_front()
    return nrn.load_template(SWC_TEMPLATE, core_hoc_directory() / f"{SWC_TEMPLATE}.hoc")


def load_user_templates(file: Path) -> None:
    """Load a HOC file of a model; its own copy of the template ``Biophys1`` is passed over, as in BMTK.

    Raises
    ------
    TemplateError
        HOC could not read it, or one of its templates was defined by other contents before.
    """
    load_default_template()
    if template_names(file.read_text(errors="replace")) == (SWC_TEMPLATE,):
        logger.debug("%s is not read: the template %s is built in", file, SWC_TEMPLATE)
    else:
        nrn.load_templates(file)


def make_from_swc(node: NodeProperties, template: str, parameters: Parameters) -> Any:
    """Make the sections of an SWC file; channels come from ``model_processing``."""
    if node.morphology_file is None:
        raise TemplateError("the node has no morphology", population=node.population_name, ids=[node.node_id])
    return load_default_template()(node.morphology_file)


def make_from_neuroml(node: NodeProperties, template: str, parameters: Parameters) -> Any:
    """Make the sections of an SWC file with an axon stub, and the membrane of a NeuroML cell."""
    folder = node.components.biophysical_neuron_models_dir
    if folder is None:
        raise TemplateError("there is no biophysical_neuron_models_dir", population=node.population_name)
    settings = _neuroml(folder / template)
    hoc = make_from_swc(node, template, parameters)
    axon_stubs.replace_axon_perisomatic(hoc)
    apply_membrane_settings(hoc, settings)
    return hoc


@lru_cache(maxsize=128)
def _neuroml(path: Path) -> Mapping[str, MembraneSettings]:
    return read_neuroml(path)


def make_from_template(node: NodeProperties, template: str, parameters: Parameters) -> Any:
    """Call a HOC template: with ``params`` of its parameters, else with its morphology, else without arguments."""
    constructor = nrn.find_template(template)
    arguments: list[Any] = []
    if parameters is not None and "params" in parameters:
        given = parameters["params"]
        arguments = list(given) if isinstance(given, list | tuple) else [given]
    elif node.morphology_file is not None:
        arguments = [node.morphology_file]
    try:
        return constructor(*arguments)
    except RuntimeError as error:
        raise TemplateError(
            f"the template {template} failed: {error}",
            population=node.population_name,
            ids=[node.node_id],
            hint=f"its arguments were {arguments}; register @cell_model('hoc:{template}', ...) to call it otherwise",
        ) from error


def _artificial(node: NodeProperties, template: str, parameters: Parameters) -> Any:
    """Make an artificial cell and set the parameters that it has (the same names and units)."""
    return create_artificial_cell(template, parameters or {})


def make_int_fire1(node: NodeProperties, template: str, parameters: Parameters) -> Any:
    """Make an IntFire1; its parameters `tau` and `refrac` are in seconds."""
    seconds = {name: parameters[name] for name in ("tau", "refrac") if parameters and name in parameters}
    for name, value in seconds.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or value < 0 or (name == "tau" and value == 0):
            raise ConfigurationError(
                f"dynamics_params of IntFire1: {name!r} is {value!r}",
                file=node.components.point_neuron_models_dir,
                population=node.population_name,
                ids=[node.node_id],
                expected="seconds, not negative; tau greater than 0",
            )
    return create_artificial_cell("IntFire1", {name: value * 1000.0 for name, value in seconds.items()})


def aibs_perisomatic(hoc: Any, node: NodeProperties, parameters: Parameters) -> Any:
    """Replace the axon by a stub and set a perisomatic fit; without a fit, leave the cell as it is."""
    if parameters is not None:
        axon_stubs.replace_axon_perisomatic(hoc)
        apply_perisomatic_fit(hoc, parameters)
    return hoc


def aibs_allactive(hoc: Any, node: NodeProperties, parameters: Parameters) -> Any:
    """Replace the axon by a stub and set an all-active fit."""
    axon_stubs.replace_axon_all_active(hoc)
    apply_all_active_fit(hoc, _required(parameters, node))
    return hoc


def aibs_perisomatic_directed(hoc: Any, node: NodeProperties, parameters: Parameters) -> Any:
    """Replace the axon by a stub in its direction and set a perisomatic fit."""
    axon_stubs.replace_axon_perisomatic_directed(hoc)
    apply_perisomatic_fit(hoc, _required(parameters, node))
    return hoc


def aibs_allactive_directed(hoc: Any, node: NodeProperties, parameters: Parameters) -> Any:
    """Replace the axon by a stub in its direction and set an all-active fit."""
    axon_stubs.replace_axon_all_active_directed(hoc)
    apply_all_active_fit(hoc, _required(parameters, node))
    return hoc


def set_extracellular(hoc: Any, node: NodeProperties, parameters: Parameters) -> Any:
    """Insert the mechanism ``extracellular`` everywhere."""
    for section in hoc.all:
        section.insert("extracellular")
    return hoc


def _required(parameters: Parameters, node: NodeProperties) -> Mapping[str, Any]:
    if parameters is None:
        raise TemplateError(
            "the model_processing needs dynamics_params",
            population=node.population_name,
            ids=[node.node_id],
            expected="a file of fitted parameters in the column dynamics_params",
        )
    return parameters


FIT_PROCESSORS = (
    "aibs_perisomatic",
    "aibs_allactive",
    "aibs_perisomatic_directed",
    "aibs_allactive_directed",
)
"""Processings whose parameters are a fit."""

for _template in (f"ctdb:{SWC_TEMPLATE}", f"ctdb:{SWC_TEMPLATE}.hoc"):
    add_cell_model(make_from_swc, _template, "biophysical")
add_cell_model(make_from_neuroml, "nml", "biophysical")
add_cell_model(make_from_template, "hoc", "biophysical")
add_cell_model(make_int_fire1, "nrn:IntFire1", "point_process")
add_cell_model(_artificial, "nrn", "point_process")
for _processor in (aibs_perisomatic, aibs_allactive, aibs_perisomatic_directed, aibs_allactive_directed):
    add_cell_processor(_processor)
add_cell_processor(set_extracellular)
add_cell_processor(set_extracellular, "extracellular")
