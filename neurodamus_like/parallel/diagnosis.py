"""What this machine has for a simulation and what it lacks; each check is apart and nothing is printed here.

NEURON and MPI are tried in processes of their own: whatever is wrong with them cannot harm or hang the
caller.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from neurodamus_like.cache import CACHE_VARIABLE, default_cache_dir
from neurodamus_like.exceptions import ParallelError
from neurodamus_like.memory import available_bytes, format_bytes
from neurodamus_like.parallel.mpi import check_launch, launch_size, mpi_library, world

PROBE_TIMEOUT_S = 30.0

_NEURON_PROBE = """
import os
os.chdir(os.sep)
os.environ["NEURON_MODULE_OPTIONS"] = "-nogui"
import neuron
print(neuron.__version__)
"""
_MPI_PROBE = """
import os
os.environ["NEURODAMUS_LIKE_MPI"] = "on"
from neurodamus_like.parallel.mpi import mpi_library, mpi_problem, world
if mpi_problem():
    raise SystemExit(mpi_problem())
name = world().mpi.Get_library_version().strip().splitlines()[0]
print(mpi_library(), " ".join(name.split()).rstrip(chr(0)), sep="|")
"""
_RANKS_PROBE = """
import os
os.chdir(os.sep)
from neurodamus_like.parallel.mpi import prepare_neuron_environment, world
prepare_neuron_environment()
import neuron
neuron.h.nrnmpi_init()
sizes = world().allgather(int(neuron.h.ParallelContext().nhost()))
if world().rank == 0:
    print(*sizes)
"""


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes
    ----------
    name
        What was looked for.
    ok
        Whether it is there and works.
    found
        What was found, or what is wrong.
    needed_for
        What does not work without it: "runs" (nothing works), "MPI", "CoreNEURON", "Slurm jobs" or "" (good to know).
    hint
        What to type if it is missing.
    """

    name: str
    ok: bool
    found: str
    needed_for: str = ""
    hint: str = ""


def diagnose() -> list[Finding]:
    """Run all checks, in the order in which a person would read them; takes a few seconds."""
    return [
        _python(),
        _neuron(),
        *_tools(),
        *(_library(*row) for row in _LIBRARIES),
        _hdf5(),
        _coreneuron(),
        *_mpi(),
        _launch(),
        check_slurm(),
        _cache(),
        _autoloaded(),
        _machine(),
    ]


def is_run_possible(findings: list[Finding]) -> bool:
    """Tell whether a serial simulation is possible."""
    return all(finding.ok for finding in findings if finding.needed_for == "runs")


_LIBRARIES = (
    ("libsonata", "runs"),
    ("morphio", "runs"),
    ("numpy", "runs"),
    ("jsonschema", "runs"),
    ("matplotlib", ""),
)


def _python() -> Finding:
    return Finding(
        "Python",
        sys.version_info >= (3, 10),
        f"{platform.python_version()}, {sys.executable}",
        "runs",
        "Python 3.10 or newer is needed",
    )


def _neuron() -> Finding:
    code, text = _probe([sys.executable, "-c", _NEURON_PROBE])
    where = find_spec("neuron")
    found = f"{text}, {Path(str(where.origin)).parent}" if code == 0 and where is not None else text
    return Finding("NEURON", code == 0, found, "runs", "pip install 'neuron>=9.0.1,<10'")


def _tools() -> Iterator[Finding]:
    compiler = os.environ.get("CXX", "c++")
    for name, command, package in (("C++ compiler", compiler, "g++"), ("make", "make", "make")):
        yield _tool(name, command, "runs", f"sudo apt-get install {package}")
    yield _tool("perl", "perl", "CoreNEURON", "sudo apt-get install perl")
    yield _tool("nrnivmodl", str(_beside_python("nrnivmodl")), "runs", "pip install neuron")


def _tool(name: str, command: str, needed_for: str, hint: str) -> Finding:
    path = shutil.which(command.split()[0])
    if path is None:
        return Finding(name, False, f"{command} not found", needed_for, hint)
    if name in ("perl", "nrnivmodl"):
        return Finding(name, True, path, needed_for, hint)
    code, text = _probe([path, "--version"])
    return Finding(name, code == 0, f"{text.splitlines()[0] if text else '?'}, {path}", needed_for, hint)


def _library(name: str, needed_for: str) -> Finding:
    hint = f"pip install {name}"
    try:
        return Finding(name, find_spec(name) is not None, version(name), needed_for, hint)
    except PackageNotFoundError:
        return Finding(name, False, "not installed", needed_for, hint)


def _hdf5() -> Finding:
    code = "import h5py; print(h5py.__version__, h5py.version.hdf5_version, h5py.get_config().mpi)"
    status, text = _probe([sys.executable, "-c", code])
    if status != 0:
        return Finding("h5py", False, text, "runs", "pip install h5py")
    h5py_version, hdf5_version, parallel = text.split()
    kind = "parallel" if parallel == "True" else "serial, which is enough for MPI runs"
    return Finding("h5py", True, f"{h5py_version}, HDF5 {hdf5_version} ({kind})", "runs")


def _coreneuron() -> Finding:
    spec = find_spec("neuron")
    hint = "the Linux wheels of NEURON have it: pip install --force-reinstall neuron"
    if spec is None or spec.origin is None:
        return Finding("CoreNEURON", False, "no NEURON", "CoreNEURON", hint)
    libraries = sorted((Path(spec.origin).parent / ".data" / "lib").glob("libcoreneuron*"))
    compiler = _beside_python("nrnivmodl-core")
    missing = [] if libraries else ["libcoreneuron"]
    missing += [] if compiler.exists() else ["nrnivmodl-core"]
    found = f"without {' and '.join(missing)}" if missing else f"{libraries[0].name}, {compiler}"
    return Finding("CoreNEURON", not missing, found, "CoreNEURON", hint)


def _mpi() -> Iterator[Finding]:
    hint = "pip install 'neurodamus-like[mpich]', or mpi4py for an MPI of your own"
    code, text = _own_mpi() if world().size > 1 else _probe([sys.executable, "-c", _MPI_PROBE])
    library, _, description = text.partition("|")
    yield _library("mpi4py", "MPI")
    yield Finding("MPI library", code == 0, f"{library}, {description}" if code == 0 else text, "MPI", hint)
    beside = _beside_python("mpiexec")
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec")
    yield Finding("MPI launcher", launcher is not None, launcher or "no mpiexec", "MPI", hint)
    if code == 0 and launcher is not None and launch_size() == 1:
        yield _two_ranks(launcher)


def _own_mpi() -> tuple[int, str]:
    """Return what the probe would print; a process that a launcher started cannot start MPI in a child."""
    version_text = world().mpi.Get_library_version().strip().splitlines()[0]
    return 0, f"{mpi_library()}|{' '.join(version_text.split())}".rstrip(chr(0))


def _launch() -> Finding:
    """Tell how this very process was started."""
    try:
        check_launch()
    except ParallelError as error:
        return Finding("this launch", False, error.message, "MPI", error.hint or "")
    size = world().size
    return Finding("this launch", True, "one process" if size == 1 else f"{size} ranks in one MPI world")


def _two_ranks(launcher: str) -> Finding:
    code, text = _probe([launcher, "-n", "2", sys.executable, "-c", _RANKS_PROBE])
    ok = code == 0 and text.splitlines()[-1:] == ["2 2"]
    found = "NEURON and mpi4py share one world" if ok else text or f"exit code {code}"
    hint = f"{launcher} must belong to the MPI library above; unset MPI_LIB_NRN_PATH if you set it"
    return Finding("2 ranks", ok, found, "MPI", hint)


def check_slurm() -> Finding:
    """Tell whether there is Slurm, whether its controller answers, and how its srun connects MPI ranks."""
    srun = shutil.which("srun")
    if srun is None:
        return Finding("Slurm", True, "not on this machine")
    code, answer = _probe(["scontrol", "ping"])
    if code != 0 or " is UP" not in answer:
        hint = "jobs need a running slurmctld; `scontrol ping` says whether one answers"
        return Finding("Slurm", False, f"{srun}, but no controller answers", "Slurm jobs", hint)
    _, text = _probe([srun, "--mpi=list"])
    kinds = [line.strip() for line in text.splitlines() if line.strip() and "plugin" not in line.lower()]
    return Finding("Slurm", True, f"{srun}, --mpi kinds: {' '.join(kinds) or '?'}")


def _cache() -> Finding:
    path = default_cache_dir()
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    hint = f"set {CACHE_VARIABLE} to a folder where you may write"
    writable = os.access(existing, os.W_OK)
    found = str(path) + ("" if writable else f": no permission to write into {existing}")
    return Finding("mechanism cache", writable, found, "runs", hint)


def _autoloaded() -> Finding:
    stray = [name for name in ("x86_64", "arm64", "aarch64") if Path(name).is_dir()]
    found = f"./{stray[0]} would be loaded by NEURON on its own" if stray else "no compiled mechanisms here"
    return Finding("working folder", not stray, found, "", f"rm -r {stray[0]}" if stray else "")


def _machine() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("machine", True, f"{cores} cores, {format_bytes(available_bytes())} of memory free")


def _beside_python(name: str) -> Path:
    beside = Path(sys.executable).parent / name
    return beside if beside.exists() else Path(shutil.which(name) or beside)


def _probe(command: list[str]) -> tuple[int, str]:
    """Return exit code and standard output (or the last line of standard error if it failed)."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {PROBE_TIMEOUT_S:.0f} s"
    except OSError as error:
        return 1, str(error)
    errors = done.stderr.strip().splitlines()
    if done.returncode != 0:
        return done.returncode, errors[-1] if errors else f"exit code {done.returncode}"
    return 0, done.stdout.strip() or (errors[-1] if errors else "")


def to_json(findings: list[Finding]) -> str:
    """Return the findings as a JSON array of objects."""
    return json.dumps([vars(finding) for finding in findings], indent=2)
