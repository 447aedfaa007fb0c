"""Keyed random numbers in numpy, bit for bit those of NEURON's ``Random123`` streams and HOC distributions.

A stream is named by up to three integers; with the global index (``run.random_seed``) they fix every number it will
ever give, on any rank and in any order of construction. Words come from the counter-based generator Philox4x32-10
(Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). What is done with them follows HOC:

* a uniform variate is one 32-bit word w as (w + 1) / (2³² + 1), in the open interval (0, 1);
* a normal variate comes from Marsaglia's polar method, which makes two and keeps the second for the next call;
* choosing a distribution drops what was kept, and draws (and throws away) one variate.

Logarithms and powers are taken one by one from the C library: numpy's own versions differ in the last bit on some
processors.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
WordArray = npt.NDArray[np.uint32]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_UNIT = 1.0 / 4294967297.0
_MASK = 0xFFFFFFFF

_global_index = 0


def set_global_index(index: int) -> None:
    """Set the index (``run.random_seed``) of streams that are made without one, as NEURON does for its own."""
    global _global_index
    _global_index = int(index)


def _c_function(function: Callable[[float], float], x: FloatArray) -> FloatArray:
    return np.fromiter(map(function, x.ravel().tolist()), dtype=np.float64, count=x.size).reshape(x.shape)


def c_log(x: FloatArray) -> FloatArray:
    """Return the natural logarithm of each element, with the bits of the C library."""
    return _c_function(math.log, x)


def power_of_e(x: FloatArray) -> FloatArray:
    """Return e to the power of each element, with the bits of ``pow`` (which HOC takes instead of ``exp``)."""
    return _c_function(lambda exponent: math.pow(math.e, exponent), x)


def philox_blocks(counters: npt.NDArray[np.uint64], key: int) -> WordArray:
    """Encrypt counters with ten rounds of Philox4x32.

    Parameters
    ----------
    counters
        Shape (n, 4), values below 2³².
    key
        First key word; the second is 0.

    Returns
    -------
    numpy.ndarray
        uint32[n, 4], four random words for each counter.
    """
    c0, c1, c2, c3 = (counters[:, i].copy() for i in range(4))
    k0, k1 = key & _MASK, 0
    for _ in range(_ROUNDS):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = (p1 >> _SHIFT) ^ c1 ^ np.uint64(k0)
        c2 = (p0 >> _SHIFT) ^ c3 ^ np.uint64(k1)
        c1, c3 = p1 & _LOW, p0 & _LOW
        k0, k1 = (k0 + _KEY_STEPS[0]) & _MASK, (k1 + _KEY_STEPS[1]) & _MASK
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def random_words(streams: npt.ArrayLike, first: int, n: int, global_index: int) -> WordArray:
    """Return words `first` to ``first + n - 1`` of each stream.

    Parameters
    ----------
    streams
        Names of the streams, int[n_streams, 3]; taken modulo 2³².
    first, n
        Which words.
    global_index
        Seed that all streams share.

    Returns
    -------
    numpy.ndarray
        uint32[n_streams, n].
    """
    names = np.asarray(streams, dtype=np.int64).reshape(-1, 3) & _MASK
    first_block, skipped = divmod(first, 4)
    n_blocks = (skipped + n + 3) // 4
    counters = np.empty((len(names), n_blocks, 4), dtype=np.uint64)
    counters[:, :, 0] = (first_block + np.arange(n_blocks, dtype=np.int64)) & _MASK
    counters[:, :, 1] = names[:, 2, None]
    counters[:, :, 2] = names[:, 0, None]
    counters[:, :, 3] = names[:, 1, None]
    words = philox_blocks(counters.reshape(-1, 4), int(global_index))
    return words.reshape(len(names), n_blocks * 4)[:, skipped : skipped + n]


def to_unit(words: WordArray) -> FloatArray:
    """Return the uniform variate in (0, 1) of each word."""
    return (words.astype(np.float64) + 1.0) * _UNIT


def polar_pairs(u1: FloatArray, u2: FloatArray) -> tuple[npt.NDArray[np.bool_], FloatArray, FloatArray]:
    """Try Marsaglia's polar method on pairs of uniform variates.

    Returns
    -------
    tuple
        Which pairs are accepted, shape as given, and both standard normal variates of each accepted pair.
    """
    v1, v2 = 2 * u1 - 1, 2 * u2 - 1
    w = v1 * v1 + v2 * v2
    accepted = w <= 1
    w = w[accepted]
    scale = np.sqrt((-2 * c_log(w)) / w)
    return accepted, v1[accepted] * scale, v2[accepted] * scale


class RandomStream:
    """A Random123 stream.

    Parameters
    ----------
    ids
        One to three integers, the name of the stream; a missing one counts as 0.
    global_index
        Seed that all streams share; by default that of :func:`set_global_index`.

    Notes
    -----
    As in HOC a new stream gives standard normal variates until a distribution is installed.
    """

    def __init__(self, *ids: int, global_index: int | None = None) -> None:
        if not 1 <= len(ids) <= 3:
            raise ValueError(f"a Random123 stream is named by 1 to 3 integers, not {len(ids)}")
        one, two, three, *_ = (*ids, 0, 0)
        self.ids = (one, two, three)
        self.global_index = _global_index if global_index is None else int(global_index)
        self.position = 0
        """Number of 32-bit words consumed so far."""
        self._kept: float | None = None
        self._next: Callable[[int], FloatArray] = self._standard_normal

    def uniform01(self, n: int) -> FloatArray:
        """Consume `n` words and return them as uniform variates in (0, 1), whatever distribution is installed."""
        units = self.peek01(n)
        self.position += n
        return units

    def peek01(self, n: int) -> FloatArray:
        """Return the next `n` words as uniform variates without consuming them."""
        return to_unit(random_words([self.ids], self.position, n, self.global_index)[0])

    def draw(self, n: int) -> FloatArray:
        """Return the next `n` variates of the distribution installed last (at first: standard normal)."""
        return self._next(n) if n > 0 else np.empty(0)

    def skip(self, n: int) -> None:
        """Throw away the next `n` variates of the distribution installed last."""
        self.draw(n)

    def uniform(self, low: float, high: float, n: int = 0) -> FloatArray:
        """Install a uniform distribution, which consumes one variate, and return the next `n`."""
        return self._install(lambda count: low + (high - low) * self.uniform01(count), n)

    def negexp(self, mean: float, n: int = 0) -> FloatArray:
        """Install an exponential distribution, which consumes one variate, and return the next `n`."""
        return self._install(lambda count: -mean * c_log(self.uniform01(count)), n)

    def normal(self, mean: float, variance: float, n: int = 0) -> FloatArray:
        """Install a normal distribution, which consumes one variate, and return the next `n`.

        Parameters
        ----------
        mean, variance
            The second parameter is the variance, as in HOC, not the standard deviation.
        n
            How many variates.
        """
        sd = math.sqrt(variance)
        return self._install(lambda count: self._standard_normal(count) * sd + mean, n)

    def lognormal(self, mean: float, variance: float, n: int = 0) -> FloatArray:
        """Install a lognormal distribution, which consumes one variate, and return the next `n`.

        Parameters
        ----------
        mean, variance
            Of the lognormal variate itself.
        n
            How many variates.
        """
        mu, sd = lognormal_parameters(mean, variance)
        return self._install(lambda count: power_of_e(self._standard_normal(count) * sd + mu), n)

    def gamma(self, shape: float, scale: float, n: int, *, of: int | None = None) -> FloatArray:
        """Return `n` gamma variates, by Marsaglia and Tsang's method (2000) on standard normal and uniform variates.

        Each attempt installs a normal distribution and uses the variate that installing draws, then, if the attempt is
        not hopeless, does so with a uniform one. A shape below 1 is raised by 1 and the variates are multiplied by
        u^(1/shape), whose uniform variates are drawn before all others.

        Parameters
        ----------
        shape, scale
            Mean is shape times scale, variance shape times the square of scale.
        n
            How many variates.
        of
            Return the first `n` of this many; all by default. (The stream then stands behind the first `n`.)
        """
        if n <= 0:
            return np.empty(0)
        if shape < 1:
            exponent = 1 / shape
            boost = _c_function(
                lambda u: math.pow(u, exponent), self.uniform(0, 1, n if of is None else of)[:n]
            )
            return self._gamma_above_one(1 + shape, scale, n) * boost
        return self._gamma_above_one(shape, scale, n)

    def _install(self, distribution: Callable[[int], FloatArray], n: int) -> FloatArray:
        self._kept = None
        self._next = distribution
        self.draw(1)
        return self.draw(n)

    def _standard_normal(self, n: int) -> FloatArray:
        head = [] if self._kept is None else [self._kept]
        self._kept = None
        n_pairs = (n - len(head) + 1) // 2
        pairs = self._pairs(n_pairs)
        values = np.concatenate([head, pairs.ravel()])
        if len(values) > n:
            self._kept = float(values[-1])
        return values[:n]

    def _pairs(self, n: int) -> FloatArray:
        """Return `n` accepted pairs of normal variates, shape (n, 2), and consume exactly the words they need."""
        found: list[FloatArray] = []
        while n > 0:
            tries = int(n * 1.3) + 8  # a pair is accepted with probability π/4
            units = self.peek01(2 * tries)
            accepted, x1, x2 = polar_pairs(units[0::2], units[1::2])
            used = np.flatnonzero(accepted)[:n]
            self.position += 2 * (int(used[-1]) + 1 if len(used) == n else tries)
            found.append(np.stack([x1[: len(used)], x2[: len(used)]], axis=1))
            n -= len(used)
        return np.concatenate(found) if found else np.empty((0, 2))

    def _gamma_above_one(self, shape: float, scale: float, n: int) -> FloatArray:
        d = shape - 1 / 3
        c = 1 / 3 / math.sqrt(d)
        found: list[FloatArray] = []
        self._kept = None
        while n > 0:
            values, words = _gamma_attempts(self.peek01(int(3.9 * n) + 64), n, c, d)
            self.position += words
            found.append(scale * d * values)
            n -= len(values)
        return np.concatenate(found)


def _gamma_attempts(units: FloatArray, n: int, c: float, d: float) -> tuple[FloatArray, int]:
    """Return up to `n` accepted cubes v, and how many words they took.

    An attempt takes two words per try of the polar method and, when v > 0, one more. Which word begins one depends
    on all before it: how many words a try takes is found for every possible beginning, then the chain is followed, and
    only tries in the chain are computed. v is negative only far out, where w is small: few logarithms decide that.
    """
    size = len(units) - 2
    v1, v2 = 2 * units[:size] - 1, 2 * units[1 : size + 1] - 1
    w = v1 * v1 + v2 * v2
    words = np.where(w <= 1, 3, 2).astype(np.uint8)
    far_out = np.flatnonzero((v1 < 0) & (w < math.exp(-0.5 / c**2) * 1.001))
    hopeless = 1 + c * (v1[far_out] * np.sqrt((-2 * c_log(w[far_out])) / w[far_out])) <= 0
    words[far_out[hopeless]] = 2
    begin, position = _follow(words.tobytes())
    v1, w, u = v1[begin], w[begin], units[begin + 2]
    x = v1 * np.sqrt((-2 * c_log(w)) / w)
    v = 1 + c * x
    v = v * v * v
    success = u < 1 - 0.0331 * x * x * x * x
    open_ = np.flatnonzero(~success)
    limit = 0.5 * x[open_] * x[open_] + d * (1 - v[open_] + c_log(v[open_]))
    success[open_] = c_log(u[open_]) < limit
    chosen = np.flatnonzero(success)[:n]
    return v[chosen], int(begin[chosen[-1]]) + 3 if len(chosen) == n else position


def _follow(words: bytes) -> tuple[npt.NDArray[np.int64], int]:
    """Return where complete tries begin, if each takes the number of words given for its beginning; and the end."""
    found: list[int] = []
    position, size = 0, len(words)
    while position < size:
        taken = words[position]
        if taken == 3:
            found.append(position)
        position += taken
    return np.array(found, dtype=np.int64), position


def lognormal_parameters(mean: float, variance: float) -> tuple[float, float]:
    """Return mean and standard deviation of the logarithm of a lognormal variate with this mean and variance."""
    m2 = mean * mean
    return math.log(m2 / math.sqrt(variance + m2)), math.sqrt(math.log((variance + m2) / m2))


def lognormal_second_draw(
    streams: npt.NDArray[np.int64], mean: float, variance: float, global_index: int | None = None
) -> FloatArray:
    """Return one lognormal variate from each stream: the one after the draw that installing consumes.

    Parameters
    ----------
    streams
        Names of the streams, shape (n, 3).
    mean, variance
        Of the lognormal variate itself.
    global_index
        Seed that all streams share; by default that of :func:`set_global_index`.
    """
    index = _global_index if global_index is None else global_index
    mu, sd = lognormal_parameters(mean, variance)
    second = np.empty(len(streams))
    waiting, position = np.arange(len(streams)), 0
    while waiting.size:
        units = to_unit(random_words(np.asarray(streams)[waiting], position, 2, index))
        accepted, _, x2 = polar_pairs(units[:, 0], units[:, 1])
        second[waiting[accepted]] = x2
        waiting, position = waiting[~accepted], position + 2
    return power_of_e(second * sd + mu)
