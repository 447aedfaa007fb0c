"""Fixtures of tests that run NEURON."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from model_runs import ROOT

from neurodamus_like.engine.mech_build import MechanismLibrary, build_mechanisms


@pytest.fixture(scope="session")
def recorder_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mechanism library with nothing but ReportRecorder."""
    folder = tmp_path_factory.mktemp("recorder")
    shutil.copy(ROOT / "core" / "mod" / "cells" / "ReportRecorder.mod", folder)
    compiler = Path(sys.executable).parent / "nrnivmodl"
    subprocess.run([str(compiler), "."], cwd=folder, check=True, capture_output=True)
    return next(folder.glob("*/libnrnmech.so"))


@pytest.fixture(scope="session")
def core_library() -> MechanismLibrary:
    """The package's own mechanisms, for CoreNEURON too."""
    return build_mechanisms([], coreneuron=True)


@pytest.fixture(params=["compiled", "vectors", "coreneuron"])
def recorder_env(request: pytest.FixtureRequest) -> dict[str, str]:
    """Environment for models that record with ReportRecorder (also in CoreNEURON), or with NEURON's own vectors."""
    if request.param == "vectors":
        return {}
    if request.param == "compiled":
        return {"RECORDER_LIBRARY": str(request.getfixturevalue("recorder_library"))}
    library: MechanismLibrary = request.getfixturevalue("core_library")
    return {"RECORDER_LIBRARY": str(library.nrnmech), "CORENEURONLIB": str(library.corenrnmech)}
