"""Functions of users that make synapses: what they do wrong is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neurodamus_like.connectivity import synapse_models
from neurodamus_like.exceptions import CircuitError, ConfigurationError
from neurodamus_like.registry import Registry


def _made(monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any]) -> Any:
    known: Registry[Any] = Registry("synapse model")
    known.add("mine", function)
    monkeypatch.setattr(synapse_models, "SYNAPSE_MODELS", known)
    return synapse_models.make_synapse("mine", {"tau": 2.0}, 0.5, "dend[0]", "source_to_cells")


def test_what_the_function_returns_is_the_synapse(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _made(monkeypatch, lambda *given: given) == ({"tau": 2.0}, 0.5, "dend[0]")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda parameters, x, section: None, "the synapse_model 'mine' returned no synapse"),
        (lambda parameters, x: x, "the synapse_model 'mine' failed: TypeError"),
        (lambda parameters, x, section: parameters["tau1"], "failed: KeyError: 'tau1'"),
        (lambda parameters, x, section: section / 0, "failed: TypeError"),
    ],
)
def test_what_is_wrong_is_told(
    monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any], says: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        _made(monkeypatch, function)
    assert says in str(raised.value)
    assert raised.value.population == "source_to_cells"
    assert "returns one POINT_PROCESS" in str(raised.value)


def test_errors_of_the_package_keep_their_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(parameters: Any, x: float, section: Any) -> Any:
        raise CircuitError("no such table")

    with pytest.raises(CircuitError, match="no such table"):
        _made(monkeypatch, raising)
