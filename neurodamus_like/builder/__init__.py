"""Building circuits: NetworkBuilder and its rules, and the demo circuit.

Names are loaded when first used, so that the demo needs no more than it did.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "rule_base": ("RULES", "ArrayRule", "array_rule"),
    "connectors": ("OneToOneSequentialConnector", "UnidirectionConnector"),
    "gap_connectors": ("CorrelatedGapJunction", "GapJunction"),
    "reciprocal": ("ReciprocalConnector",),
    "connection_map": ("ConnectionMap",),
    "distance_rules": ("DistanceProbability", "Exponential", "Gaussian", "NearestK"),
    "edge_rules": (
        "AllToAll",
        "FixedIndegree",
        "FixedNumber",
        "FixedOutdegree",
        "OneToOne",
        "Probability",
    ),
    "network": ("NetworkBuilder",),
    "placement": ("SynapsePlacement",),
    "properties": (
        "ArrayProperty",
        "Constant",
        "DistanceDelay",
        "DistanceFunction",
        "Distribution",
        "ExponentialValues",
        "ExponentialWeight",
        "Gamma",
        "GaussianWeight",
        "LogNormal",
        "NodeFunction",
        "Normal",
        "OrientationTuning",
        "Uniform",
        "UniformInt",
        "array_property",
    ),
    "python_rules": ("pure_rule",),
}
_PUBLIC = {name: f"neurodamus_like.builder.{module}" for module, names in _WHERE.items() for name in names}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
