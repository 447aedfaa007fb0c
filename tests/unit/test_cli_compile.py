"""What `neurodamus-like compile` takes its mechanisms from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from neurodamus_like.builder.demo import write_demo_circuit
from neurodamus_like.cli import compile as command
from neurodamus_like.cli.main import main
from neurodamus_like.engine.mech_build import MechanismLibrary


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that would have been compiled."""
    found: list[Path] = []

    def pretend(directories: Sequence[Path], **options: Any) -> MechanismLibrary:
        found.extend(directories)
        return MechanismLibrary(Path("x"), Path("x/libnrnmech.so"), None, frozenset({"one"}), True)

    monkeypatch.setattr(command, "build_mechanisms", pretend)
    return found


@pytest.fixture
def built_for(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each library would have been compiled for CoreNEURON too."""
    found: list[bool] = []

    def pretend(directories: Sequence[Path], *, coreneuron: bool, **options: Any) -> MechanismLibrary:
        found.append(coreneuron)
        return MechanismLibrary(Path("x"), Path("x/libnrnmech.so"), None, frozenset({"one"}), True)

    monkeypatch.setattr(command, "build_mechanisms", pretend)
    return found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A simulation whose circuit names a folder of mechanisms."""
    path = write_demo_circuit(tmp_path / "circuit", n_cells=10, tstop_ms=5.0)
    (path.parent / "mods").mkdir()
    circuit = path.parent / "circuit_config.json"
    document = json.loads(circuit.read_text())
    document.setdefault("components", {})["mechanisms_dir"] = "$CIRCUIT_DIR/mods"
    circuit.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("name", ["simulation_config.json", "circuit_config.json"])
def test_a_configuration_stands_for_its_mechanisms_dir(config: Path, folders: list[Path], name: str) -> None:
    assert main(["compile", str(config.with_name(name))]) == 0
    assert folders == [config.parent / "mods"]


def test_folders_and_configurations_in_their_order_each_once(
    config: Path, folders: list[Path], tmp_path: Path
) -> None:
    words = [tmp_path, config, config.with_name("circuit_config.json")]
    assert main(["compile", *map(str, words)]) == 0
    assert folders == [tmp_path, config.parent / "mods"]


def test_a_missing_configuration_is_named(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(tmp_path / "absent.json")]) == 1
    assert "absent.json" in capsys.readouterr().err
    assert folders == []


def test_a_simulation_for_coreneuron_is_compiled_for_it(config: Path, built_for: list[bool]) -> None:
    assert main(["compile", str(config)]) == 0
    document = json.loads(config.read_text())
    config.write_text(json.dumps({**document, "target_simulator": "CORENEURON"}))
    assert main(["compile", str(config)]) == 0
    assert main(["compile", str(config.with_name("circuit_config.json")), "--coreneuron"]) == 0
    assert built_for == [False, True, True]
