"""What CoreNEURON cannot run is answered before anything is built."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from neurodamus_like.exceptions import MechanismError
from neurodamus_like.simulation.core_support import check_simulator, require_core_mechanisms
from neurodamus_like.simulation.options import RunOptions

POINTING = "NEURON { SUFFIX pointing POINTER other, another }\nASSIGNED { other another }\n"
VERBATIM = "NEURON { SUFFIX verbatim }\nINITIAL {\nVERBATIM\n/* C */\nENDVERBATIM\n}\n"
COMMENTED = "COMMENT\nVERBATIM\nENDCOMMENT\nNEURON { SUFFIX commented }\n: VERBATIM\n"
SAFE = VERBATIM.replace("SUFFIX verbatim", "THREADSAFE SUFFIX safe POINTER p")
FINE = "NEURON { POINT_PROCESS fine BBCOREPOINTER p }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Mechanisms, two of which CoreNEURON cannot run."""
    texts = {"a": POINTING, "b": VERBATIM, "c": COMMENTED, "d": SAFE, "e": FINE}
    for name, text in texts.items():
        (tmp_path / f"{name}.mod").write_text(text)
    return tmp_path


def test_mechanisms_that_end_the_process_are_refused_in_one_list(folder: Path) -> None:
    with pytest.raises(MechanismError) as caught:
        require_core_mechanisms({"pointing", "verbatim", "commented", "safe", "fine"}, [folder])
    text = str(caught.value)
    assert "pointing has the POINTER other, another and is not declared THREADSAFE" in text
    assert "verbatim has VERBATIM blocks and is not declared THREADSAFE" in text
    assert str(folder / "a.mod") in text
    assert "--simulator=NEURON" in text
    for name in ("commented has", "safe has", "fine has"):
        assert name not in text


def test_only_mechanisms_of_the_model_matter(folder: Path) -> None:
    require_core_mechanisms({"commented", "safe", "fine", "Ih", "ProbAMPANMDA_EMS"}, [folder])
    with pytest.raises(MechanismError, match="EFieldIntegrator"):
        require_core_mechanisms({"EFieldIntegrator"}, [folder])


@pytest.mark.parametrize(
    ("simulator", "options", "expected"),
    [
        ("NEURON", {}, []),
        ("NEURON", {"model_stats": True}, ["--model-stats: only for CoreNEURON"]),
        (
            "NEURON",
            {"cell_permute": "node-adjacency", "coreneuron_direct_mode": True},
            ["--coreneuron-direct-mode, --cell-permute: only for CoreNEURON"],
        ),
        ("CORENEURON", {"model_stats": True, "cell_permute": "node-adjacency"}, []),
        ("CORENEURON", {"nrnmech": "libnrnmech.so"}, ["no libcorenrnmech.so beside"]),
    ],
)
def test_options_and_the_simulator(
    simulator: str, options: dict[str, Any], expected: list[str], tmp_path: Path
) -> None:
    if "nrnmech" in options:
        options = {"nrnmech": tmp_path / options["nrnmech"]}
        options["nrnmech"].touch()
    simulation: Any = SimpleNamespace(simulator=simulator)
    problems = [str(p) for p in check_simulator(simulation, RunOptions(**options))]
    assert len(problems) == len(expected)
    for problem, part in zip(problems, expected, strict=True):
        assert part in problem
