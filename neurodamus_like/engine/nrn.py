"""The only import of NEURON: the interpreter, mechanism libraries, HOC files, run settings and clean-up.

Import order matters twice: MPI must be loaded before NEURON (so that both use the same libmpi), and NEURON must not
be imported from a folder with an ``x86_64/`` of its own, which it would load without being asked.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neurodamus_like import memory
from neurodamus_like.config.models import Conditions, Run
from neurodamus_like.engine import rng
from neurodamus_like.engine.output import silenced_output
from neurodamus_like.exceptions import MechanismError, SimulationError, TemplateError
from neurodamus_like.io.hoc_template import template_names
from neurodamus_like.parallel.mpi import prepare_neuron_environment, world

prepare_neuron_environment()
_started_in = Path.cwd()
os.chdir(Path(__file__).parent)
try:
    import neuron
    from neuron import coreneuron as _coreneuron
finally:
    os.chdir(_started_in)

h: Any = neuron.h
"""The HOC interpreter."""

coreneuron: Any = _coreneuron
"""Switches of CoreNEURON."""

if world().size > 1:
    with silenced_output():
        h.nrnmpi_init()

pc: Any = h.ParallelContext()
"""The one ParallelContext."""

pc.mpiabort_on_error(0)
if int(pc.nhost()) != world().size:
    raise SimulationError(
        f"NEURON sees {int(pc.nhost())} ranks, MPI has {world().size}",
        hint="run `neurodamus-like doctor`: NEURON and mpi4py must use the same MPI library",
    )
h.load_file("stdrun.hoc")

MAX_SPIKE_EXCHANGE_MS = 4.0
"""Upper limit of the interval between spike exchanges (the smallest NetCon delay may shorten it)."""

_libraries: dict[Path, None] = {}
_templates: dict[str, tuple[Path, bytes]] = {}
"""Name of a template -> the file that defined it, and what was in it."""
_run_objects: list[Any] = []
_original_globals: dict[str, float] = {}


def version() -> str:
    """Return NEURON's version."""
    return str(neuron.__version__)


def load_mechanism_library(path: Path) -> bool:
    """Load a compiled mechanism library (``libnrnmech.so``) once.

    Returns
    -------
    bool
        False when it had been loaded before.

    Raises
    ------
    MechanismError
        NEURON could not load it, or it defines a mechanism that is already there.
    """
    path = Path(path).resolve()
    if path in _libraries:
        return False
    if not path.is_file():
        raise MechanismError("mechanism library not found", file=path, hint="run `neurodamus-like compile`")
    try:
        loaded = h.nrn_load_dll(_ascii_path(path))
    except RuntimeError as error:
        raise MechanismError(
            f"NEURON refused the mechanism library: {error}",
            file=path,
            hint="two libraries define the same mechanism: compile all MOD files into one library",
        ) from error
    if not loaded:
        raise MechanismError(
            "NEURON could not load the mechanism library",
            file=path,
            hint="was it compiled with this NEURON version? try `neurodamus-like compile --force`",
        )
    _libraries[path] = None
    return True


def _ascii_path(path: Path) -> str:
    # HOC strings are ASCII; the open folder gives the file another name
    if str(path).isascii():
        return str(path)
    return f"/proc/self/fd/{os.open(path.parent, os.O_RDONLY)}/{path.name}"


def loaded_libraries() -> tuple[Path, ...]:
    """Return the mechanism libraries loaded so far."""
    return tuple(_libraries)


def mechanism_names() -> frozenset[str]:
    """Return the names of all density mechanisms, point processes and artificial cells NEURON knows now."""
    names = set()
    buffer = h.ref("")
    for kind in (0, 1):
        table = h.MechanismType(kind)
        for index in range(int(table.count())):
            table.select(index)
            table.selected(buffer)
            names.add(str(buffer[0]))
    return frozenset(names)


def load_hoc(path: Path | str) -> None:
    """Load a HOC file unless a file of that name was loaded before.

    Raises
    ------
    TemplateError
        HOC could not read it.
    """
    try:
        loaded = h.load_file(str(path))
    except RuntimeError as error:
        raise TemplateError(f"HOC could not read {Path(path).name}: {error}", file=path) from error
    if not loaded:
        raise TemplateError("HOC could not read the file", file=path)


def load_templates(path: Path) -> None:
    """Load a HOC file, unless one with the same contents has defined its templates: HOC defines a template once.

    Raises
    ------
    TemplateError
        HOC could not read it, or other contents have defined one of its templates.
    """
    path = Path(path).resolve()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TemplateError(f"cannot read the cell template: {error.strerror}", file=path) from error
    names = template_names(content.decode("utf-8", errors="replace"))
    for name in names:
        known, text = _templates.get(name, (path, content))
        if text == content:
            continue
        by = "the file, as it was before it changed," if known == path else "another file"
        raise TemplateError(
            f"the template {name} is already defined by {by} in this process",
            file=path,
            expected="the contents that were loaded" if known == path else f"the same contents as {known}",
            hint="run the two simulations in two processes, or rename one template",
        )
    if not names or any(name not in _templates for name in names):
        load_hoc(path)
        _templates.update(dict.fromkeys(names, (path, content)))


def load_template(name: str, path: Path) -> Any:
    """Load a cell template and return its constructor.

    Raises
    ------
    TemplateError
        The file does not define the template, or another file has already defined one of this name.
    """
    load_templates(path)
    if not hasattr(h, name):
        raise TemplateError(
            f"the file does not define the template {name}",
            file=path,
            expected=f"'begintemplate {name}' (HOC names have no dashes)",
        )
    return getattr(h, name)


def find_template(name: str) -> Any:
    """Return the constructor of a template that some HOC file has defined.

    Raises
    ------
    TemplateError
        None has.
    """
    if not name.isidentifier() or not _is_known(name):
        raise TemplateError(
            f"the template {name} is not defined",
            expected=f"'begintemplate {name}' in a HOC file of components.templates_dir",
        )
    return getattr(h, name)


def set_global(name: str, value: float) -> None:
    """Set a HOC global variable such as ``minis_single_vesicle_ProbAMPANMDA_EMS``.

    Raises
    ------
    MechanismError
        There is no such variable.
    """
    if not hasattr(h, name):
        raise MechanismError(
            f"there is no global variable {name}",
            pointer="/conditions/mechanisms",
            expected="<variable>_<mechanism> of a compiled mechanism",
        )
    _original_globals.setdefault(name, float(getattr(h, name)))
    setattr(h, name, value)


def has_global(name: str) -> bool:
    """Say whether HOC knows `name`."""
    return bool(hasattr(h, name))


def unit_of(name: str, point_process: str = "") -> str:
    """Return the unit of a range variable, or of a variable of a point process; "" if there is none of it."""
    if point_process:
        known = _is_known(point_process) and name in dir(getattr(h, point_process))
        return str(h.units(f"{point_process}.{name}")) if known else ""
    return str(h.units(name)) if _is_known(name) else ""


def _is_known(name: str) -> bool:
    try:
        return bool(hasattr(h, name))
    except TypeError:  # a range variable, which needs a section
        return True


def apply_run_settings(run: Run, conditions: Conditions) -> None:
    """Set the simulator's global state: time step, method, temperature, seeds and mechanism globals."""
    h.cvode.active(0)
    h.dt = run.dt_ms
    h.steps_per_ms = 1.0 / run.dt_ms
    h.tstop = run.tstop_ms
    h.secondorder = int(run.integration_method)
    h.celsius = conditions.celsius
    h.v_init = conditions.v_init_mV
    h.Random().Random123_globalindex(run.random_seed)
    rng.set_global_index(run.random_seed)
    if conditions.extracellular_calcium_mM is not None and has_global("cao_CR_GluSynapse"):
        set_global("cao_CR_GluSynapse", conditions.extracellular_calcium_mM)
    for mechanism, variables in conditions.mechanisms.items():
        for variable, value in variables.items():
            set_global(f"{variable}_{mechanism}", float(value))


def initialize(v_init_mV: float) -> None:
    """Bring the model to its initial state (all gids, NetCons and recorders must exist).

    Ranks exchange spike times as they are: NEURON's compression counts them in time steps, which moves the spikes of
    artificial cells, and those of others by a rounding error that depends on when ranks exchange.
    """
    pc.setup_transfer()
    if world().size > 1:
        pc.spike_compress(0, 0, 0)
    h.cvode.cache_efficient(1)
    pc.timeout(200)
    pc.set_maxstep(MAX_SPIKE_EXCHANGE_MS)
    h.finitialize(v_init_mV)


def advance(until_ms: float) -> None:
    """Integrate up to `until_ms`.

    Raises
    ------
    SimulationError
        NEURON failed; its own message is part of the text.
    """
    try:
        pc.psolve(until_ms)
    except RuntimeError as error:
        raise SimulationError(f"NEURON failed at t = {h.t:.6g} ms: {error}") from error


def advance_one_step() -> None:
    """Integrate one time step.

    Raises
    ------
    SimulationError
        NEURON failed; its own message is part of the text.
    """
    try:
        h.fadvance()
    except RuntimeError as error:
        raise SimulationError(f"NEURON failed at t = {h.t:.6g} ms: {error}") from error


def compute_time_s() -> float:
    """Return for how long this rank has computed so far, without waiting for others and exchanging spikes."""
    return float(pc.step_time())


def now_ms() -> float:
    """Return the simulator's time."""
    return float(h.t)


def keep(*objects: Any) -> None:
    """Keep simulator objects alive until the model is cleared."""
    _run_objects.extend(objects)


@contextmanager
def clearing() -> Iterator[None]:
    """Destroy the model: gids first, then what the caller drops inside the block, then what was kept here.

    The order matters: a gid that outlives its section crashes NEURON. Afterwards memory goes back to the system.
    """
    pc.gid_clear()
    yield
    _run_objects.clear()
    for name, value in _original_globals.items():
        setattr(h, name, value)
    _original_globals.clear()
    gc.collect()
    h.cvode.use_fast_imem(0)
    memory.trim()


def register_spike_source(gid: int, section: Any, x: float, threshold_mV: float) -> None:
    """Give this rank the global id `gid`; its spikes are upward crossings of `threshold_mV` at ``section(x)``."""
    pc.set_gid2node(gid, world().rank)
    detector = h.NetCon(section(x)._ref_v, None, sec=section)
    detector.threshold = threshold_mV
    pc.cell(gid, detector)
