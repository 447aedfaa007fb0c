"""What NEURON does silently with libraries of mechanisms is refused, or does not happen at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers import run_python

pytestmark = pytest.mark.neuron

MOD = "NEURON { SUFFIX stray RANGE a }\nASSIGNED { a }\n"

BUILD = """
import sys
from pathlib import Path
from neurodamus_like.engine.mech_build import build_mechanisms
print("LIBRARY", build_mechanisms([Path(sys.argv[1])], with_core=False).nrnmech)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with the one mechanism ``stray``."""
    folder = tmp_path_factory.mktemp("mods")
    (folder / "stray.mod").write_text(MOD)
    done = run_python(["-c", BUILD, str(folder)], 300)
    assert done.returncode == 0, done.stderr
    return Path(next(line for line in done.stdout.splitlines() if line.startswith("LIBRARY")).split()[1])


def test_a_library_in_the_working_folder_is_not_loaded(library: Path, tmp_path: Path) -> None:
    """NEURON by itself takes ./x86_64 when it is imported."""
    for place in ("x86_64", "arm64", "aarch64"):
        (tmp_path / place).mkdir()
        shutil.copy(library, tmp_path / place / "libnrnmech.so")
    code = "{}; from neuron import h; print(hasattr(h, 'stray'))"
    bare = run_python(code.format("import os; os.environ['NEURON_MODULE_OPTIONS'] = '-nogui'"), cwd=tmp_path)
    ours = run_python(code.format("from neurodamus_like.engine import nrn"), cwd=tmp_path)
    assert ours.stdout.split()[-1] == "False", ours.stderr
    assert bare.stdout.split()[-1] == "True", "NEURON no longer does so: the guard can go"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("missing", "mechanism library not found"),
        ("no library", "NEURON could not load the mechanism library"),
        ("twice", "NEURON refused the mechanism library"),
    ],
)
def test_a_library_that_does_not_load_is_an_error(
    what: str, message: str, library: Path, tmp_path: Path
) -> None:
    """NEURON prints something and goes on."""
    path = tmp_path / "libnrnmech.so"
    if what == "no library":
        path.write_text("this is text")
    elif what == "twice":
        shutil.copy(library, path)
    code = f"""
from pathlib import Path
from neurodamus_like.engine import nrn
from neurodamus_like.exceptions import MechanismError
if {what == "twice"}:
    assert nrn.load_mechanism_library(Path({str(library)!r}))
    assert not nrn.load_mechanism_library(Path({str(library)!r})), "the same file again is not loaded again"
try:
    nrn.load_mechanism_library(Path({str(path)!r}))
except MechanismError as error:
    print("REFUSED", error.message)
"""
    done = run_python(code)
    assert f"REFUSED {message}" in done.stdout, done.stdout + done.stderr
