"""Costs of mechanisms are measured in a process of their own."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from neurodamus_like.distribution.mechanism_costs import COMPARTMENT, JUNCTION, load_costs
from tests.helpers import run_python

pytestmark = pytest.mark.neuron


@pytest.fixture(scope="module")
def library() -> Path:
    code = (
        "from neurodamus_like.engine.mech_build import build_mechanisms; print(build_mechanisms([]).nrnmech)"
    )
    done = run_python(code, timeout=600)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip().splitlines()[-1])


def test_costs_of_a_library(library: Path, tmp_path: Path) -> None:
    names = ["Ih", "StochKv3", "ProbAMPANMDA_EMS", "GluSynapse", "NoSuchMechanism"]
    costs = load_costs(names, library, cache_dir=tmp_path)
    assert costs.measured
    assert len(list((tmp_path / "costs").glob("*.json"))) == 1
    # no times: what is cheap can measure as 0 where others use the processor, too
    for name in (COMPARTMENT, JUNCTION, "pas", "hh", *names[:-1]):
        assert 0 <= costs.of(name) < math.inf, name
    assert costs.of(COMPARTMENT) > 0
    assert costs.of("GluSynapse") > 0
    assert costs.ions["hh"] == ("k_ion", "na_ion")
    assert costs.ions["StochKv3"] == ("k_ion",)
    assert "Ih" not in costs.ions
    again = load_costs(names, library, measure=False, cache_dir=tmp_path)
    assert again == costs
