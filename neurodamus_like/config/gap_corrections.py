"""``beta_features``: corrections of cells with gap junctions, as calibrations of e-models need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurodamus_like.config.manifest import pointer_to
from neurodamus_like.config.models import BETA_PATHS, Simulation
from neurodamus_like.exceptions import ConfigurationError, did_you_mean

PROCEDURES = ("validation_sim", "find_holding_current")
REMOVALS = ("all", "only_stoch", "only_non_stoch")

_CHOICES = {"procedure_type": PROCEDURES, "remove_channels": REMOVALS}
_KEYS = (
    "gapjunction_target_population",
    "gjc",
    "deterministic_stoch",
    "correction_iteration_load",
    *_CHOICES,
    *BETA_PATHS,
)


@dataclass(frozen=True)
class GapCorrections:
    """Corrections of the cells of one population.

    Attributes
    ----------
    population
        Whose cells are corrected; None means no corrections at all.
    gjc
        Name of the conductance in the paths of the files.
    deterministic_stoch
        Stochastic potassium channels follow their mean.
    procedure
        ``validation_sim`` (inject the holding currents), ``find_holding_current`` (clamp the voltage and record the
        current), or None.
    remove_channels
        ``all``, ``only_stoch``, ``only_non_stoch``, or None.
    g_pas_file
        HDF5 with leak conductances.
    iteration
        Which value of each data set of `g_pas_file` to take; -1 is the last.
    holding_file
        HDF5 with holding currents in nA.
    clamp_file
        HDF5 with voltages to hold in mV.
    """

    population: str | None = None
    gjc: str = ""
    deterministic_stoch: bool = False
    procedure: str | None = None
    remove_channels: str | None = None
    g_pas_file: Path | None = None
    iteration: int = -1
    holding_file: Path | None = None
    clamp_file: Path | None = None

    def concern(self, population: str) -> bool:
        """Say whether the cells of a population are corrected."""
        return self.population == population


def parse_gap_corrections(simulation: Simulation) -> GapCorrections:
    """Return what ``beta_features`` of a simulation ask for.

    Raises
    ------
    ConfigurationError
        A switch is unknown, has a wrong value, lacks what it needs, or names a file that is not there.
    """
    table = simulation.beta_features
    if not table:
        return GapCorrections()
    for key, value in table.items():
        _check(key, value, simulation)
    if "gapjunction_target_population" not in table:
        raise _error(
            "gapjunction_target_population is missing", simulation, hint="say whose cells to correct"
        )
    if "gjc" not in table and ("load_g_pas_file" in table or "manual_MEComboInfo_file" in table):
        raise _error("gjc is missing", simulation, hint="the files keep one set of values per conductance")
    return GapCorrections(
        population=table["gapjunction_target_population"],
        gjc=str(table.get("gjc", "")),
        deterministic_stoch=bool(table.get("deterministic_stoch", False)),
        procedure=table.get("procedure_type"),
        remove_channels=table.get("remove_channels"),
        g_pas_file=_path(table, "load_g_pas_file"),
        iteration=int(table.get("correction_iteration_load", -1)),
        holding_file=_path(table, "manual_MEComboInfo_file"),
        clamp_file=_path(table, "vc_amp"),
    )


def _check(key: str, value: Any, simulation: Simulation) -> None:
    if key not in _KEYS:
        raise _error(f"unknown switch {key!r}", simulation, key, ", ".join(_KEYS), did_you_mean(key, _KEYS))
    known = _CHOICES.get(key)
    if known is not None and value not in known:
        hint = did_you_mean(str(value), known)
        raise _error(f"unknown {key} {value!r}", simulation, key, "one of " + ", ".join(known), hint)
    if key in BETA_PATHS and not Path(str(value)).is_file():
        raise _error(f"the file of {key} is not there: {value}", simulation, key, "an HDF5 file")
    if key == "gapjunction_target_population" and value not in simulation.circuit.nodes:
        nodes = simulation.circuit.nodes
        raise _error(f"no node population {value!r}", simulation, key, hint=did_you_mean(str(value), nodes))
    if key == "correction_iteration_load" and (isinstance(value, bool) or not isinstance(value, int)):
        raise _error(f"correction_iteration_load is {value!r}", simulation, key, "a whole number")


def _error(
    what: str, simulation: Simulation, key: str | None = None, expected: str | None = None, hint: str = ""
) -> ConfigurationError:
    pointer = pointer_to("beta_features", *([] if key is None else [key]))
    return ConfigurationError(
        what, file=simulation.path, pointer=pointer, expected=expected, hint=hint or None
    )


def _path(table: Mapping[str, Any], key: str) -> Path | None:
    return Path(str(table[key])) if key in table else None
