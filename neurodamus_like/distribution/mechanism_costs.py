"""What mechanisms cost per instance and time step: measured once for each library and machine, and kept.

Measuring takes about a second, in a process of its own (:mod:`neurodamus_like.engine.mech_timing`). Where nothing was
measured, the numbers of a reference machine serve for the mechanisms of this package, and a typical number for others:
only ratios matter for a balance.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from neurodamus_like.cache import default_cache_dir

logger = logging.getLogger(__name__)

COMPARTMENT, JUNCTION = "compartment", "junction"
"""A segment of a section; the node without area at a section's end."""

TYPICAL_NS = 35.0
"""Stands for a mechanism of which nothing is known: the median of the cortical channels and synapses."""

HH_COMPLEXITY = 5.0
"""Complexities in files are relative: this is that of one instance of ``hh``."""

_TIMEOUT_S = 120.0
_LAUNCHER = ("PMI", "PMIX", "OMPI_", "MPI_LOCAL", "HYDI_", "SLURM_", "PALS_", "MV2_")


@dataclass(frozen=True)
class MechanismCosts:
    """Costs in nanoseconds per instance and step.

    Attributes
    ----------
    ns
        Mechanism (or :data:`COMPARTMENT`, :data:`JUNCTION`, or an ion such as ``na_ion``) -> cost.
    ions
        Mechanism -> ions it uses.
    measured
        True when they come from this machine and this library.
    """

    ns: Mapping[str, float]
    ions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    measured: bool = False

    def of(self, name: str) -> float:
        """Return the cost of one instance."""
        return self.ns.get(name, TYPICAL_NS)

    def of_set(self, mechanisms: Iterable[str]) -> float:
        """Return the cost of one compartment with some mechanisms, their ions counted once."""
        names = set(mechanisms)
        ions = {ion for name in names for ion in self.ions.get(name, ())}
        return sum(self.of(name) for name in names | ions)

    def complexity(self, ns: Any) -> Any:
        """Turn nanoseconds into complexity units (:data:`HH_COMPLEXITY` for ``hh``)."""
        return ns * (HH_COMPLEXITY / self.of("hh"))


@cache
def reference_costs() -> MechanismCosts:
    """Return the costs that come with the package."""
    text = files("neurodamus_like.distribution").joinpath("data/mechanism_costs.json").read_text("utf-8")
    return _from_json(json.loads(text), measured=False)


def load_costs(
    names: Iterable[str], library: Path | None, *, measure: bool = True, cache_dir: Path | None = None
) -> MechanismCosts:
    """Return costs of mechanisms.

    Parameters
    ----------
    names
        Mechanisms that matter.
    library
        Compiled library (``libnrnmech.so``); None: none is known, and nothing is measured.
    measure
        Measure what the cache lacks; otherwise the cache and the reference numbers have to do.
    cache_dir
        Folder of caches; the default one if None.
    """
    reference = reference_costs()
    if library is None:
        return reference
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
    file = folder / "costs" / f"{library_key(library)}.json"
    known = _read(file)
    missing = sorted({"hh", "pas", *names} - known.keys())
    if measure and (missing or COMPARTMENT not in known):
        known |= _measure(library, missing)
        _write(file, known)
    found = _from_json(known, measured=COMPARTMENT in known)
    if not found.measured:
        return reference
    scale = found.of("hh") / reference.of("hh")
    filled = {name: ns * scale for name, ns in reference.ns.items()} | dict(found.ns)
    return MechanismCosts(filled, {**reference.ions, **found.ions}, measured=True)


def library_key(library: Path) -> str:
    """Return a hash of a library's content and of the processor."""
    digest = hashlib.sha256(Path(library).read_bytes())
    digest.update(_processor().encode())
    return digest.hexdigest()[:24]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line for line in lines if line.startswith("model name")), platform.machine())


def _from_json(known: Mapping[str, Any], *, measured: bool) -> MechanismCosts:
    return MechanismCosts(
        {name: float(entry["ns"]) for name, entry in known.items() if entry["ns"] is not None},
        {name: tuple(entry["ions"]) for name, entry in known.items() if entry["ions"]},
        measured,
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _write(file: Path, known: Mapping[str, Any]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(known, indent=1, sort_keys=True), encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        logger.info("costs of mechanisms are not kept: %s", error)


def _measure(library: Path, names: Sequence[str]) -> dict[str, Any]:
    """Measure mechanisms; one that ends the measuring process is noted as unknown, and the rest goes on."""
    found: dict[str, Any] = {}
    left = list(names)
    while True:
        lines, finished = _run(library, left)
        found |= {e["name"]: {"ns": e["ns"], "ions": e["ions"]} for e in lines if "name" in e}
        begun = [entry["begin"] for entry in lines if "begin" in entry]
        if finished or not begun:
            return found
        if begun[-1] not in found:
            logger.info("the cost of %s cannot be measured", begun[-1])
            found[begun[-1]] = {"ns": None, "ions": []}
        left = [name for name in left if name not in found]


def _run(library: Path, names: Sequence[str]) -> tuple[list[dict[str, Any]], bool]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_LAUNCHER)}
    command = [sys.executable, "-m", "neurodamus_like.engine.mech_timing", str(library), *names]
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.info("costs of mechanisms cannot be measured: %s", error)
        return [], False
    return [entry for line in done.stdout.splitlines() if (entry := _entry(line))], done.returncode == 0


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
