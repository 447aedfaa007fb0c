"""Random streams in numpy: the very numbers of NEURON, and streams that do not disturb each other."""

import math

import numpy as np
import pytest
from model_runs import run_json

from neurodamus_like.engine.rng import (
    RandomStream,
    lognormal_second_draw,
    philox_blocks,
    random_words,
)

IDS = [(1, 2, 3), (0, 0, 0), (2997, 291204, 124), (4_000_000_000, 7, 2**31), (5, 6, 7)]
SEEDS = [0, 1, 767740]

ORACLE = """
import json
from neurodamus_like.engine.nrn import h
IDS, SEEDS, N = {ids!r}, {seeds!r}, {n}

def vector(random, n=N):
    v = h.Vector(n)
    v.setrand(random)
    return v.to_python()

def fresh(seed, ids):
    h.Random().Random123_globalindex(seed)
    random = h.Random()
    random.Random123(*ids)
    return random

out = []
for seed in SEEDS:
    for ids in IDS:
        random = fresh(seed, ids)
        row = {code}
        out.append([row, random.seq()])
print(json.dumps(out))
"""

DISTRIBUTIONS = {
    "default": ("vector(random)", lambda s, n: s.draw(n)),
    "uniform": ("(random.uniform(-2, 5), vector(random))[1]", lambda s, n: s.uniform(-2, 5, n)),
    "normal": ("(random.normal(0.5, 0.1), vector(random))[1]", lambda s, n: s.normal(0.5, 0.1, n)),
    "negexp": ("(random.negexp(3.5), vector(random))[1]", lambda s, n: s.negexp(3.5, n)),
    "lognormal": ("(random.lognormal(0.2, 0.1), vector(random))[1]", lambda s, n: s.lognormal(0.2, 0.1, n)),
    "installing draws": (
        "[random.normal(0, 1), random.uniform(0, 1), random.normal(0, 4), random.repick(), random.negexp(1)]",
        lambda s, n: np.array(
            [
                *[RandomStreamProbe(s).first("normal", 0, 1), RandomStreamProbe(s).first("uniform", 0, 1)],
                *[RandomStreamProbe(s).first("normal", 0, 4), s.draw(1)[0]],
                RandomStreamProbe(s).first("negexp", 1),
            ]
        ),
    ),
    "kept normal is dropped": (
        "(random.normal(0, 1), vector(random, 2), random.normal(0, 1), vector(random))[3]",
        lambda s, n: (s.normal(0, 1, 2), s.normal(0, 1, n))[1],
    ),
    "kept normal is used": (
        "(random.normal(0, 1), vector(random, 3), vector(random))[2]",
        lambda s, n: (s.normal(0, 1, 3), s.draw(n))[1],
    ),
}


class RandomStreamProbe:
    """Gives the variate that installing a distribution draws, which streams themselves throw away."""

    def __init__(self, stream):
        self.stream = stream

    def first(self, distribution, *parameters):
        twin = RandomStream(*self.stream.ids, global_index=self.stream.global_index)
        twin.position = self.stream.position
        getattr(self.stream, distribution)(*parameters)
        u = twin.uniform01(1)[0]
        if distribution == "uniform":
            low, high = parameters
            return low + (high - low) * u
        if distribution == "negexp":
            return -parameters[0] * math.log(u)
        twin.position -= 1
        return twin._standard_normal(1)[0] * math.sqrt(parameters[1]) + parameters[0]


@pytest.mark.neuron
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_numbers_are_those_of_neuron_bit_for_bit(tmp_path, name):
    code, draw = DISTRIBUTIONS[name]
    expected = run_json(ORACLE.format(ids=IDS, seeds=SEEDS, n=2001, code=code), tmp_path)
    streams = [RandomStream(*ids, global_index=seed) for seed in SEEDS for ids in IDS]
    for stream, (numbers, position) in zip(streams, expected, strict=True):
        assert draw(stream, 2001).tolist() == numbers
        assert stream.position == position


GAMMA = """
def marsaglia_tsang(random, shape, scale, n):
    if shape < 1:
        random.uniform(0, 1)
        boost = [random.repick() ** (1 / shape) for _ in range(n)]
        return [g * b for g, b in zip(marsaglia_tsang(random, 1 + shape, scale, n), boost)]
    from math import log, sqrt
    d, found = shape - 1 / 3, []
    c = 1 / 3 / sqrt(d)
    while len(found) < n:
        x = random.normal(0, 1)
        v = 1 + c * x
        if v > 0:
            v = v * v * v
            u = random.uniform(0, 1)
            if u < 1 - 0.0331 * x * x * x * x or log(u) < 0.5 * x * x + d * (1 - v + log(v)):
                found.append(scale * d * v)
    return found
"""


@pytest.mark.neuron
@pytest.mark.parametrize("shape", [0.3, 1.0, 2.5, 40.0])
def test_gamma_is_the_method_step_by_step(tmp_path, shape):
    code = GAMMA + ORACLE.format(
        ids=IDS, seeds=SEEDS, n=1, code=f"marsaglia_tsang(random, {shape}, 0.7, 333)"
    )
    expected = run_json(code, tmp_path)
    streams = [RandomStream(*ids, global_index=seed) for seed in SEEDS for ids in IDS]
    for stream, (numbers, position) in zip(streams, expected, strict=True):
        assert stream.gamma(shape, 0.7, 333).tolist() == numbers
        assert stream.position == position


@pytest.mark.neuron
def test_one_lognormal_number_of_many_streams(tmp_path):
    ids = [(251 + k, 100 + 7 * k, 65536 * k + 450) for k in range(500)]
    code = ORACLE.format(ids=ids, seeds=[3], n=1, code="(random.lognormal(0.2, 0.1), random.repick())[1]")
    expected = [number for number, _ in run_json(code, tmp_path)]
    assert lognormal_second_draw(np.array(ids), 0.2, 0.1, global_index=3).tolist() == expected


@pytest.mark.neuron
def test_the_seed_of_the_run_is_the_default(tmp_path):
    code = """
import json
from neurodamus_like.config import models as m
from neurodamus_like.engine import nrn, rng
nrn.apply_run_settings(m.Run(1.0, 0.025, random_seed=42), m.Conditions())
random = nrn.h.Random()
random.Random123(1, 2, 3)
random.normal(0, 1)
print(json.dumps([random.repick(), rng.RandomStream(1, 2, 3).normal(0, 1, 1)[0]]))
"""
    of_neuron, ours = run_json(code, tmp_path)
    assert of_neuron == ours == RandomStream(1, 2, 3, global_index=42).normal(0, 1, 1)[0]


def test_noise_numbers_of_the_reference():
    values = RandomStream(1, 2, 3, global_index=0).normal(0.5, 0.1, 11)
    np.testing.assert_allclose(values[:2], [0.70681968, 0.56316322], atol=5e-9)
    assert len(values) == 11


def test_philox_known_answer():
    # Random123 kat_vectors: philox4x32 10 with zero counter and zero key
    block = philox_blocks(np.zeros((1, 4), dtype=np.uint64), 0)
    assert [hex(w) for w in block[0]] == ["0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8"]


def test_words_do_not_depend_on_where_reading_begins():
    whole = random_words([(1, 2, 3), (4, 5, 6)], 0, 40, 9)
    for first in range(9):
        np.testing.assert_array_equal(
            random_words([(1, 2, 3), (4, 5, 6)], first, 21, 9), whole[:, first : first + 21]
        )


def test_streams_are_keyed_not_ordered():
    alone = RandomStream(5, 6, 7).normal(0, 2, 4).tolist()
    a, b = RandomStream(5, 6, 7), RandomStream(5, 6, 8)
    other = b.normal(0, 2, 9).tolist()
    mixed = a.normal(0, 2, 2).tolist()
    b.draw(3)
    mixed += a.draw(2).tolist()
    skipped = RandomStream(5, 6, 7)
    skipped.normal(0, 2, 1)
    skipped.skip(2)
    assert alone == mixed
    assert alone != other[:4]
    assert skipped.draw(1).tolist() == alone[3:]
    assert RandomStream(9).ids == (9, 0, 0)


@pytest.mark.parametrize("ids", [(), (1, 2, 3, 4)])
def test_a_stream_has_one_to_three_ids(ids):
    with pytest.raises(ValueError, match="1 to 3 integers"):
        RandomStream(*ids)


def test_moments():
    n = 200_000
    normal = RandomStream(4, 4, global_index=1).normal(0.3, 0.09, n)
    assert normal.mean() == pytest.approx(0.3, abs=4 * 0.3 / math.sqrt(n))
    assert normal.var() == pytest.approx(0.09, rel=4 * math.sqrt(2 / n))
    gamma = RandomStream(5, global_index=1).gamma(0.5, 2.0, n)
    assert gamma.mean() == pytest.approx(1.0, abs=4 * math.sqrt(2 / n))
    assert gamma.var() == pytest.approx(2.0, rel=0.05)
