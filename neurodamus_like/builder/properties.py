"""Properties of synapses as arrays: constants, distributions, functions of the nodes at both ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.builder.blocks import EdgeView
from neurodamus_like.builder.node_pool import NodeColumns
from neurodamus_like.builder.node_table import Array

FloatArray = npt.NDArray[np.float64]


class ArrayProperty:
    """Base of the properties that are computed for a whole block of synapses."""

    def prepare(self, sources: NodeColumns, targets: NodeColumns) -> None:
        """Do once what concerns all blocks."""

    def compute(self, edges: EdgeView) -> Any:
        """Return array[n], or a tuple of such arrays, one for each column."""
        raise TypeError(f"{type(self).__name__} does not say how to compute")  # pragma: no cover


class Constant(ArrayProperty):
    """One value for all (or one tuple of values for several columns)."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def compute(self, edges: EdgeView) -> Any:
        if isinstance(self.value, tuple | list | np.ndarray):
            return tuple(_full(len(edges), value) for value in self.value)
        return _full(len(edges), self.value)


def _full(size: int, value: Any) -> Array:
    return np.full(size, value, dtype=object if isinstance(value, str) else None)


class FunctionProperty(ArrayProperty):
    """A property made from a function; see :func:`array_property`."""

    def __init__(self, function: Callable[..., Any], params: dict[str, Any]) -> None:
        self.function, self.params = function, params

    def compute(self, edges: EdgeView) -> Any:
        return self.function(edges, **self.params)


def array_property(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function of an :class:`EdgeView` (and ``rule_params``) as an array property."""
    function.__array_property__ = True  # type: ignore[attr-defined]
    return function


class Distribution(ArrayProperty):
    """Independent random values.

    Parameters
    ----------
    draw
        ``draw(rng, size)`` returns the values.
    low, high
        Values outside are drawn again (truncation).
    """

    def __init__(
        self,
        draw: Callable[[np.random.Generator, int], Array],
        low: float = -np.inf,
        high: float = np.inf,
    ) -> None:
        self.draw, self.low, self.high = draw, low, high

    def compute(self, edges: EdgeView) -> Array:
        values = np.asarray(self.draw(edges.rng, len(edges)))
        for _ in range(1000):
            outside = np.flatnonzero((values < self.low) | (values > self.high))
            if not outside.size:
                return values
            values[outside] = self.draw(edges.rng, outside.size)
        raise ValueError(f"hardly any value of the distribution lies between {self.low} and {self.high}")


class Normal(Distribution):
    """Gaussian values, optionally truncated to [low, high]."""

    def __init__(self, mean: float, std: float, low: float = -np.inf, high: float = np.inf) -> None:
        super().__init__(lambda rng, size: rng.normal(mean, std, size), low, high)


class LogNormal(Distribution):
    """Log-normal values with this mean and standard deviation (of the values, not of their logarithms)."""

    def __init__(self, mean: float, std: float, low: float = -np.inf, high: float = np.inf) -> None:
        variance = np.log1p((std / mean) ** 2)
        middle = np.log(mean) - 0.5 * variance
        super().__init__(lambda rng, size: rng.lognormal(middle, np.sqrt(variance), size), low, high)


class Uniform(Distribution):
    """Values from low to high."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__(lambda rng, size: rng.uniform(low, high, size))


class UniformInt(Distribution):
    """Whole numbers from low to high, both included."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__(lambda rng, size: rng.integers(low, high + 1, size))


class ExponentialValues(Distribution):
    """Exponential values of this mean, optionally truncated."""

    def __init__(self, mean: float, low: float = -np.inf, high: float = np.inf) -> None:
        super().__init__(lambda rng, size: rng.exponential(mean, size), low, high)


class Gamma(Distribution):
    """Gamma values of this mean and standard deviation, optionally truncated."""

    def __init__(self, mean: float, std: float, low: float = -np.inf, high: float = np.inf) -> None:
        shape, scale = (mean / std) ** 2, std**2 / mean
        super().__init__(lambda rng, size: rng.gamma(shape, scale, size), low, high)


class DistanceFunction(ArrayProperty):
    """A function of the distance (µm) between source and target, array in, array out."""

    def __init__(self, function: Callable[[FloatArray], Array], period: Any = None) -> None:
        self.function, self.period = function, period

    def compute(self, edges: EdgeView) -> Array:
        return np.asarray(self.function(edges.distance(self.period)))


class GaussianWeight(DistanceFunction):
    """peak * exp(-d^2 / (2 sigma^2)); d and sigma in µm."""

    def __init__(self, peak: float, sigma: float, period: Any = None) -> None:
        super().__init__(lambda d: peak * np.exp(-0.5 * (d / sigma) ** 2), period)


class ExponentialWeight(DistanceFunction):
    """peak * exp(-d / length); d and length in µm."""

    def __init__(self, peak: float, length: float, period: Any = None) -> None:
        super().__init__(lambda d: peak * np.exp(-d / length), period)


class DistanceDelay(ArrayProperty):
    """Delay (ms) = offset + distance / velocity, not less than `minimum`.

    Parameters
    ----------
    velocity
        Conduction velocity, µm/ms (the same number as mm/s).
    offset
        Synaptic part of the delay, ms.
    minimum
        Least delay, ms; it should not be less than the time step.
    jitter
        Standard deviation of gaussian noise that is added, ms.
    period
        Sides of a periodic box, µm.
    """

    def __init__(
        self,
        velocity: float,
        offset: float = 0.0,
        minimum: float = 0.1,
        jitter: float = 0.0,
        period: Any = None,
    ) -> None:
        self.velocity, self.offset, self.minimum = float(velocity), float(offset), float(minimum)
        self.jitter, self.period = float(jitter), period

    def compute(self, edges: EdgeView) -> FloatArray:
        delay = self.offset + edges.distance(self.period) / self.velocity
        if self.jitter:
            delay = delay + edges.rng.normal(0.0, self.jitter, len(edges))
        return np.maximum(delay, self.minimum)


class OrientationTuning(ArrayProperty):
    """peak * exp(-(delta / sigma)^2), delta: difference of orientation of the two nodes, 0 to 90 degrees.

    Directions are folded to orientations as in the ``gaussianLL`` weight function of the Allen dialect:
    delta = | |180 - (|a - b| mod 360)| - 90 | reflected at 90, so that opposite directions count as equal.

    Parameters
    ----------
    peak
        Value for equal orientations.
    sigma
        Width, degrees.
    name
        Node property that holds the angle in degrees.
    """

    def __init__(self, peak: float, sigma: float, name: str = "tuning_angle") -> None:
        self.peak, self.sigma, self.name = float(peak), float(sigma), name

    def compute(self, edges: EdgeView) -> FloatArray:
        a = edges.source(self.name).astype(float)
        b = edges.target(self.name).astype(float)
        folded = np.abs(np.abs(180.0 - np.abs(b - a) % 360.0) - 90.0)
        delta = np.abs(folded - 90.0)
        return np.asarray(self.peak * np.exp(-((delta / self.sigma) ** 2)))


class NodeFunction(ArrayProperty):
    """A function of columns of the source and target nodes.

    Parameters
    ----------
    function
        Called with one array for each name, those of the sources first.
    source, target
        Names of the node properties.
    """

    def __init__(
        self, function: Callable[..., Any], source: tuple[str, ...] = (), target: tuple[str, ...] = ()
    ) -> None:
        self.function, self.source_names, self.target_names = function, tuple(source), tuple(target)

    def compute(self, edges: EdgeView) -> Any:
        ends = [edges.source(n) for n in self.source_names] + [edges.target(n) for n in self.target_names]
        return self.function(*ends)
