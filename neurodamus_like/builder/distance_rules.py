"""Array rules that look at where nodes are: distance-dependent probability, nearest neighbours.

The probability at a distance is evaluated only for candidates. Sources are put into the cells of a grid; for
each target and cell the profile's maximum over the possible distances is an envelope, rounded up to a power
of two so that all cells of one level are sampled in one go (Bernoulli jumps), and each candidate is kept with
probability profile / envelope. This thinning is exact, and its cost grows with the edges and the cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.builder.blocks import EdgeBlock, wrap
from neurodamus_like.builder.node_pool import NodeColumns
from neurodamus_like.builder.node_table import IntArray
from neurodamus_like.builder.rule_base import RULES, ArrayRule, check_probability
from neurodamus_like.builder.sampling import bernoulli_positions
from neurodamus_like.exceptions import ConfigurationError

FloatArray = npt.NDArray[np.float64]
Profile = Callable[[FloatArray], FloatArray]

_NODES_PER_CELL = 64
_MAX_CELLS = 4096
_TABLE = 4096
_MARGIN = 1.02
"""The envelope of a profile that is only known at the points of a table is raised by this factor."""


class Gaussian:
    """p(d) = p_max exp(-d^2 / (2 sigma^2)); sigma in µm."""

    monotone = True

    def __init__(self, sigma: float, p_max: float = 1.0) -> None:
        self.sigma, self.p_max = float(sigma), check_probability(p_max, "p_max")

    def __call__(self, distance: FloatArray) -> FloatArray:
        return self.p_max * np.exp(-0.5 * (distance / self.sigma) ** 2)


class Exponential:
    """p(d) = p_max exp(-d / length); length in µm."""

    monotone = True

    def __init__(self, length: float, p_max: float = 1.0) -> None:
        self.length, self.p_max = float(length), check_probability(p_max, "p_max")

    def __call__(self, distance: FloatArray) -> FloatArray:
        return self.p_max * np.exp(-distance / self.length)


@RULES.register("distance_probability", "distance")
class DistanceProbability(ArrayRule):
    """Pairs are connected independently with a probability that depends on their distance.

    Parameters
    ----------
    profile
        :class:`Gaussian`, :class:`Exponential`, or any function of an array of distances (µm) that returns
        probabilities.
    min_distance, max_distance
        Outside of this range (µm, both ends included) nothing is connected.
    axes
        Which coordinates count: "xyz", "xz", "y", ...
    period
        Side lengths (µm) of a periodic box, one per axis counted; 0 or inf leaves an axis open.
    monotone
        The profile never rises with distance (known of the shipped ones). Otherwise its maxima are taken from
        a table of 4096 distances, and a profile with peaks that the table misses is refused.
    """

    def __init__(
        self,
        profile: Profile,
        n_syn: int | tuple[int, int] = 1,
        self_connections: bool = False,
        *,
        min_distance: float = 0.0,
        max_distance: float = np.inf,
        axes: str = "xyz",
        period: Sequence[float] | None = None,
        monotone: bool | None = None,
    ) -> None:
        super().__init__(n_syn, self_connections)
        if not callable(profile):
            raise ConfigurationError(
                f"profile={profile!r} cannot be called", expected="a function of distance, or Gaussian(sigma)"
            )
        self.profile = profile
        self.min_distance, self.max_distance = float(min_distance), float(max_distance)
        self.axes = axis_columns(axes)
        self.period = None if period is None else np.asarray(period, dtype=float)
        if self.period is not None and self.period.size != len(self.axes):
            raise ConfigurationError(
                f"period has {self.period.size} sides for the {len(self.axes)} axes {axes!r}"
            )
        self.monotone = bool(getattr(profile, "monotone", False)) if monotone is None else monotone

    def prepare(self, sources: NodeColumns, targets: NodeColumns, rng: np.random.Generator) -> None:
        self._targets = targets.positions()[:, self.axes]
        self._grid = _Grid(sources.positions()[:, self.axes], self.period)
        self._envelope = self._make_envelope()

    def probability(self, distance: FloatArray) -> FloatArray:
        """Return the probability at distances (µm)."""
        p = np.asarray(self.profile(distance), dtype=float)
        if p.shape != distance.shape:
            raise ConfigurationError(
                f"the profile returned shape {p.shape} for distances of shape {distance.shape}",
                expected="one probability for each distance",
            )
        p = np.where((distance >= self.min_distance) & (distance <= self.max_distance), p, 0.0)
        if not np.all((p >= 0.0) & (p <= 1.0)):
            bad = p[~((p >= 0.0) & (p <= 1.0))][0]
            raise ConfigurationError(f"the profile returned {bad}", expected="probabilities from 0 to 1")
        return p

    def _make_envelope(self) -> Callable[[FloatArray, FloatArray], FloatArray]:
        if self.monotone:
            return lambda near, far: np.where(
                far < self.min_distance, 0.0, self.probability(np.maximum(near, self.min_distance))
            )
        reach = self._grid.reach(self._targets)
        top = min(reach, self.max_distance) if np.isfinite(self.max_distance) else reach
        table = _RangeMaximum(self.probability(np.linspace(0.0, max(top, 1e-9), _TABLE)), max(top, 1e-9))
        return table.between

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        points = self._targets[begin:end]
        near, far = self._grid.ranges(points)
        envelope = self._envelope(near, far)
        levels = np.where(envelope > 0, np.ceil(np.log2(np.maximum(envelope, 1e-300))), -np.inf)
        found = [self._level(points, levels == level, 2.0**level, rng) for level in _descending(levels)]
        source = np.concatenate([f[0] for f in found]) if found else np.empty(0, dtype=np.int64)
        target = np.concatenate([f[1] for f in found]) if found else np.empty(0, dtype=np.int64)
        key = np.sort(target * len(sources) + source)
        target, source = np.divmod(key, max(len(sources), 1))
        return self._finish(sources, targets, EdgeBlock(source, target + begin), rng)

    def _level(
        self, points: FloatArray, mask: Any, p: float, rng: np.random.Generator
    ) -> tuple[IntArray, IntArray]:
        """Sample all (target, cell) of one level of the envelope."""
        target, cell = np.nonzero(mask)
        sizes = self._grid.sizes[cell]
        ends = np.cumsum(sizes)
        positions = bernoulli_positions(rng, int(ends[-1]), min(p, 1.0))
        which = np.searchsorted(ends, positions, side="right")
        place = positions - (ends[which] - sizes[which])
        source = self._grid.order[self._grid.starts[cell[which]] + place]
        target = target[which]
        delta = wrap(self._grid.points[source] - points[target], self.period)
        wanted = self.probability(np.sqrt(np.einsum("ij,ij->i", delta, delta)))
        if wanted.size and wanted.max() > min(p, 1.0) * (1 + 1e-9):
            raise ConfigurationError(
                "the profile has a peak between the points of its table",
                hint="give a smoother function, a smaller max_distance, or monotone=True if it never rises",
            )
        keep = rng.random(source.size) * min(p, 1.0) < wanted
        return source[keep], target[keep]


def axis_columns(axes: str) -> list[int]:
    """Return the columns of positions for a text such as "xz"."""
    if not axes or set(axes) - set("xyz") or len(set(axes)) < len(axes):
        raise ConfigurationError(f"axes={axes!r} is not valid", expected="some of the letters x, y, z")
    return ["xyz".index(axis) for axis in axes]


def _descending(levels: FloatArray) -> list[float]:
    return sorted(np.unique(levels[np.isfinite(levels)]).tolist(), reverse=True)


class _Grid:
    """Points in cells of about equal size, with the bounding box of each cell."""

    def __init__(self, points: FloatArray, period: FloatArray | None) -> None:
        self.points, self.period = points, period
        n, dims = points.shape
        cells = int(np.clip(n // _NODES_PER_CELL, 1, _MAX_CELLS))
        low, high = (points.min(axis=0), points.max(axis=0)) if n else (np.zeros(dims), np.zeros(dims))
        span = np.maximum(high - low, 1e-9)
        side = np.maximum(np.prod(span) / cells, 1e-300) ** (1.0 / dims)
        counts = np.clip(np.rint(span / side), 1, cells).astype(np.int64)
        index = np.minimum(((points - low) / span * counts).astype(np.int64), counts - 1)
        flat = np.ravel_multi_index(tuple(index.T), tuple(counts)) if n else np.empty(0, dtype=np.int64)
        self.order = np.argsort(flat, kind="stable")
        ids, self.starts, self.sizes = np.unique(flat[self.order], return_index=True, return_counts=True)
        ordered = points[self.order]
        self.low = np.minimum.reduceat(ordered, self.starts) if ids.size else np.empty((0, dims))
        self.high = np.maximum.reduceat(ordered, self.starts) if ids.size else np.empty((0, dims))

    def ranges(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the least and the greatest distance of points to the boxes, float64[points, cells] each."""
        near = np.zeros((len(points), len(self.starts)))
        far = np.zeros_like(near)
        for axis in range(points.shape[1]):
            x = points[:, axis : axis + 1]
            middle = 0.5 * (self.low[:, axis] + self.high[:, axis])
            half = 0.5 * (self.high[:, axis] - self.low[:, axis])
            side = None if self.period is None else self.period[axis : axis + 1]
            gap = np.abs(wrap((x - middle)[..., None], side)[..., 0])
            reach = gap + half
            if side is not None and side[0] > 0 and np.isfinite(side[0]):
                reach = np.minimum(reach, 0.5 * side[0])
            # a hair of slack, so that rounding never puts a node nearer than its box
            near += np.maximum(gap - half * (1 + 1e-9) - 1e-9, 0.0) ** 2
            far += (reach * (1 + 1e-9) + 1e-9) ** 2
        return np.sqrt(near), np.sqrt(far)

    def reach(self, points: FloatArray) -> float:
        """Return a distance that no pair exceeds."""
        if not len(points) or not len(self.starts):
            return 0.0
        low = np.minimum(points.min(axis=0), self.low.min(axis=0))
        high = np.maximum(points.max(axis=0), self.high.max(axis=0))
        return float(np.linalg.norm(high - low)) * (1 + 1e-9) + 1e-9


class _RangeMaximum:
    """Greatest tabulated value between two distances, by doubling (sparse table)."""

    def __init__(self, values: FloatArray, top: float) -> None:
        self._step = top / (len(values) - 1)
        self._levels = [np.minimum(values * _MARGIN, 1.0)]
        width = 1
        while 2 * width <= len(values):
            last = self._levels[-1]
            self._levels.append(np.maximum(last[:-width], last[width:]))
            width *= 2

    def between(self, near: FloatArray, far: FloatArray) -> FloatArray:
        """Return the maximum over [near, far], one grid point wider on both sides."""
        size = len(self._levels[0])
        first = np.clip(np.floor(near / self._step).astype(np.int64) - 1, 0, size - 1)
        last = np.clip(np.ceil(far / self._step).astype(np.int64) + 1, 0, size - 1)
        level = np.floor(np.log2(last - first + 1)).astype(np.int64)
        best = np.empty(near.shape)
        for k in np.unique(level).tolist():
            at = level == k
            table = self._levels[k]
            best[at] = np.maximum(table[first[at]], table[last[at] - (1 << k) + 1])
        return best


@RULES.register("nearest", "k_nearest")
class NearestK(ArrayRule):
    """Each target receives from its `k` nearest sources (itself left out unless `self_connections`).

    Parameters
    ----------
    k
        How many; fewer where `max_distance` or the number of sources does not allow more.
    max_distance
        µm.
    axes, period
        As in :class:`DistanceProbability`.
    """

    def __init__(
        self,
        k: int,
        n_syn: int | tuple[int, int] = 1,
        self_connections: bool = False,
        *,
        max_distance: float = np.inf,
        axes: str = "xyz",
        period: Sequence[float] | None = None,
    ) -> None:
        super().__init__(n_syn, self_connections)
        if k < 1:
            raise ConfigurationError(f"k={k} is not valid", expected="at least 1 neighbour")
        self.k, self.max_distance, self.axes = int(k), float(max_distance), axis_columns(axes)
        self.period = None if period is None else np.asarray(period, dtype=float)

    def prepare(self, sources: NodeColumns, targets: NodeColumns, rng: np.random.Generator) -> None:
        points = sources.positions()[:, self.axes]
        self._targets = targets.positions()[:, self.axes]
        sides = None
        if self.period is not None:
            sides = np.where(np.isfinite(self.period), self.period, 0.0)
            folded = np.where(sides > 0, sides, 1.0)
            points = np.where(sides > 0, np.mod(points, folded), points)
            self._targets = np.where(sides > 0, np.mod(self._targets, folded), self._targets)
        from scipy.spatial import cKDTree  # slow to load

        self._tree = cKDTree(points, boxsize=sides)

    def connect(
        self, sources: NodeColumns, targets: NodeColumns, begin: int, end: int, rng: np.random.Generator
    ) -> EdgeBlock:
        spare = not self.self_connections and sources.network == targets.network
        k = min(self.k + spare, len(sources))
        if k == 0:
            return EdgeBlock(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), 1)
        ranks = list(range(1, k + 1))
        _, found = self._tree.query(self._targets[begin:end], k=ranks, distance_upper_bound=self.max_distance)
        target = np.repeat(np.arange(begin, end, dtype=np.int64), k)
        source = found.ravel().astype(np.int64)
        keep = source < len(sources)
        if spare:
            keep &= sources.ids[np.minimum(source, len(sources) - 1)] != targets.ids[target]
        rank = np.cumsum(keep.reshape(-1, k), axis=1).ravel()
        keep &= rank <= self.k
        block = EdgeBlock(source[keep], target[keep], self._synapses(int(keep.sum()), rng))
        return block.sorted_by_target(len(sources))
