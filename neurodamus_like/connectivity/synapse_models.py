"""Synapses by ``model_template``: which point process, and which of its parameters come from ``dynamics_params``.

Users register functions (parameters, x, section) that return one point process. A template that nobody registered is
the name of a POINT_PROCESS; its parameters are those of the same names in ``dynamics_params`` (``erev`` is its ``e``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from neurodamus_like.exceptions import ConfigurationError, NeurodamusLikeError
from neurodamus_like.registry import Registry

SynapseModel = Callable[[Mapping[str, Any], float, Any], Any]

SYNAPSE_MODELS: Registry[SynapseModel] = Registry("synapse model", "neurodamus_like.synapse_models")
"""Name in ``model_template`` -> function of users."""


@dataclass(frozen=True)
class PointProcessModel:
    """How a point process gets its parameters.

    Attributes
    ----------
    mechanism
        Name of the POINT_PROCESS.
    from_parameters
        Its parameter -> key of ``dynamics_params``.
    fixed
        Its parameter -> value that is always the same.
    """

    mechanism: str
    from_parameters: Mapping[str, str]
    fixed: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def values(self, parameters: Mapping[str, Any], where: str) -> dict[str, float]:
        """Return parameter -> value.

        Raises
        ------
        ConfigurationError
            ``dynamics_params`` lacks a key, or a value is no number.
        """
        found = dict(self.fixed)
        for name, key in self.from_parameters.items():
            value = parameters.get(key)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ConfigurationError(
                    f"{where}: dynamics_params of {self.mechanism} need the number {key!r}, found {value!r}",
                    expected="numbers " + ", ".join(self.from_parameters.values()),
                )
            found[name] = float(value)
        return found


def _model(mechanism: str, pairs: str, **fixed: float) -> PointProcessModel:
    names = dict((pair.split("=") * 2)[:2] for pair in pairs.split())
    return PointProcessModel(mechanism, MappingProxyType(names), MappingProxyType(fixed))


_SHORT_TERM = "tau_1 tau_r0 tau_FDR a_FDR a_D a_i a_f pbtilde"

BUILT_IN: Mapping[str, PointProcessModel] = MappingProxyType(
    {
        "Exp2Syn": _model("Exp2Syn", "e=erev tau1 tau2"),
        "exp2syn": _model("Exp2Syn", "e=erev tau1 tau2"),
        "ExpSyn": _model("ExpSyn", "e=erev tau=tau1"),
        "expsyn": _model("ExpSyn", "e=erev tau=tau1"),
        "exp1syn": _model("exp1syn", "e=erev tau=tau_1"),
        "exp1isyn": _model("exp1isyn", "e=erev tau=tau_1"),
        "stp1syn": _model("stp1syn", "e=erev", p0=0.5, tau_r=200.0, tau_1=5.0),
        "stp2syn": _model("stp2syn", "e=erev p0 tau_r0 tau_FDR tau_1"),
        "stp3syn": _model("stp3syn", "e=erev", p0=0.6, tau_r0=200.0, tau_FDR=2000.0, tau_D=500.0, tau_1=5.0),
        "stp4syn": _model("stp4syn", "e=erev", p0=0.6, tau_r=200.0, tau_1=5.0),
        "stp5syn": _model("stp5syn", f"e=erev {_SHORT_TERM}"),
        "stp5isyn": _model("stp5isyn", f"e=erev {_SHORT_TERM}"),
        "tmgsyn": _model("tmgsyn", "e=erev tau_1 tau_rec tau_facil U u0"),
    }
)
"""Point processes of the Allen models."""


def add_synapse_model(func: SynapseModel, name: str | None = None, overwrite: bool = True) -> None:
    """Register a function that makes synapses, under its own name or `name`."""
    key = name or func.__name__
    if overwrite or key not in SYNAPSE_MODELS:
        SYNAPSE_MODELS.add(key, func)


def point_process_model(template: str, parameters: Mapping[str, Any]) -> PointProcessModel:
    """Return the model for a template without a function: a built-in one, or a POINT_PROCESS of this name."""
    if template in BUILT_IN:
        return BUILT_IN[template]
    numbers = {k for k, v in parameters.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    names = {("e" if key == "erev" and "e" not in numbers else key): key for key in sorted(numbers)}
    return PointProcessModel(template, MappingProxyType(names))


def make_synapse(
    template: str, parameters: Mapping[str, Any], x: float, section: Any, population: str
) -> Any:
    """Return the point process that a function of users makes.

    Parameters
    ----------
    template
        Name in :data:`SYNAPSE_MODELS`.
    parameters
        What ``dynamics_params`` names.
    x, section
        Where the synapse is.
    population
        Name of the edges, for messages.

    Raises
    ------
    ConfigurationError
        The function failed, or returned nothing.
    """
    expected = "a function (dynamics_params, sec_x, sec_id) that returns one POINT_PROCESS"
    try:
        made = SYNAPSE_MODELS[template](parameters, x, section)
    except NeurodamusLikeError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"the synapse_model {template!r} failed: {type(error).__name__}: {error}",
            population=population,
            expected=expected,
        ) from error
    if made is None:
        raise ConfigurationError(
            f"the synapse_model {template!r} returned no synapse", population=population, expected=expected
        )
    return made
