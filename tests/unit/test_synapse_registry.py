"""Names of synapse types, without a simulator."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import run_python

ROOT = Path(__file__).resolve().parents[2]


def test_names_are_known_without_neuron() -> None:
    code = """
import sys
from neurodamus_like.connectivity.synapse_registry import is_registered, unknown_type
print(is_registered("glusynapse"), is_registered("Nothing"), "neuron" in sys.modules)
print(unknown_type("GABAB").hint)
"""
    done = run_python(["-c", code], cwd=ROOT)
    assert done.stdout.splitlines()[0].split() == ["True", "False", "False"], done.stderr
    assert "GABAAB" in done.stdout


def test_the_list_is_that_of_the_registered_types() -> None:
    code = """
from neurodamus_like.connectivity import synapse_types
from neurodamus_like.connectivity.synapse_registry import BUILT_IN_TYPES, SYNAPSE_TYPES
print(set(BUILT_IN_TYPES) == set(SYNAPSE_TYPES._items))
"""
    done = run_python(["-c", code], cwd=ROOT)
    assert done.stdout.split()[-1] == "True", done.stderr
