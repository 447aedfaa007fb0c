"""Synapses seen from HOC: helper templates of users, statements run on each synapse, weights that change with time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurodamus_like.engine import nrn
from neurodamus_like.engine.morphology_import import install_import3d_front
from neurodamus_like.engine.nrn import h
from neurodamus_like.engine.object_columns import ObjectColumn, column_of
from neurodamus_like.exceptions import MechanismError, TemplateError

FloatColumn = NDArray[np.float64]
IntColumn = NDArray[np.int64]

SYNAPSE = "curSyn"
"""The HOC variable that ``%s`` stands for."""

_numbers = count()


def get_global(name: str) -> float:
    """Return a HOC global variable such as ``rho_star_GB_GluSynapse``.

    Raises
    ------
    MechanismError
        There is none.
    """
    if not hasattr(h, name):
        raise MechanismError(f"there is no global variable {name}", hint="is its mechanism compiled?")
    return float(getattr(h, name))


def mcell_lognormal(streams: IntColumn, mean: float, variance: float) -> FloatColumn:
    """Return one lognormal variate from each MCellRan4 stream: the one after the draw that installing consumes.

    Parameters
    ----------
    streams
        High and low index of the streams, shape (n, 2).
    mean, variance
        Of the variate itself.
    """
    random = h.Random()
    values = np.empty(len(streams))
    for row, (high, low) in enumerate(streams.tolist()):
        random.MCellRan4(high, low)
        random.lognormal(mean, variance)
        values[row] = random.repick()
    return values


def create_with_helper(
    constructor: Any,
    sections: Sequence[Any],
    section_index: IntColumn,
    x: FloatColumn,
    parameters: Mapping[str, NDArray[Any]],
    target: IntColumn,
    synapse_id: IntColumn,
    constants: tuple[int, ...],
) -> tuple[ObjectColumn, list[Any]]:
    """Create synapses through a HOC template that makes and fills a point process, one per row.

    Parameters
    ----------
    constructor
        The template; called with (target, parameters, x, synapse id, *constants) while the section is accessed, it
        must offer the point process as ``synapse``.
    sections, section_index, x
        Where each synapse sits.
    parameters
        Field -> value per row; handed over as one object with these attributes.
    target
        Global ids as random streams count them, from 1.
    synapse_id
        Number of the edge among those of its target.
    constants
        Base seed, id of the source population, id of the target population.

    Returns
    -------
    tuple
        Point processes, and the helper objects, which must live as long.
    """
    columns = [column.tolist() for column in parameters.values()]
    helpers = []
    for row, values in enumerate(zip(*columns, strict=True)):
        fields = dict(zip(parameters, values, strict=True))
        sections[int(section_index[row])].push()
        try:
            arguments = (
                int(target[row]),
                SimpleNamespace(**fields),
                float(x[row]),
                int(synapse_id[row]),
                *constants,
            )
            helpers.append(constructor(*arguments))
        except RuntimeError as error:
            raise TemplateError(
                f"the synapse template failed: {error}",
                ids=[int(target[row]) - 1],
                expected="a template taking (gid + 1, parameters, x, synapse id, base seed, source id, target id)",
            ) from error
        finally:
            h.pop_section()
    if helpers and not hasattr(helpers[0], "synapse"):
        raise TemplateError(
            "the synapse template offers no 'synapse'", expected="public synapse: the point process"
        )
    return column_of([helper.synapse for helper in helpers]), helpers


def load_synapse_helper(name: str, path: Path, settings: Mapping[str, float | str]) -> Any:
    """Load a synapse template, with what such templates expect to find; return the constructor.

    Parameters
    ----------
    name
        Of the template.
    path
        Its file.
    settings
        HOC globals to set before: seeds as numbers, switches as strings.
    """
    install_import3d_front()  # makes core/hoc part of HOC's search path
    nrn.load_hoc("RNGSettings.hoc")
    for key, value in settings.items():
        h(f'strdef {key}\n{key} = "{value}"' if isinstance(value, str) else f"{key} = {value!r}")
    return nrn.load_template(name, path)


def run_statement(synapses: Sequence[Any] | ObjectColumn, statement: str) -> int:
    """Run a HOC statement on each synapse; return on how many it failed.

    Parameters
    ----------
    synapses
        Point processes.
    statement
        ``%s`` stands for the synapse.

    Notes
    -----
    The statement is compiled once. Only if that or a run fails is it tried on each synapse alone, to count.
    """
    if not len(synapses):
        return 0
    h(f"objref {SYNAPSE}, nl_synapses_")
    items = h.List()
    for synapse in synapses:
        items.append(synapse)
    h.nl_synapses_ = items
    body = "{" + statement.replace("%s", SYNAPSE) + "}"
    try:
        if _run_compiled(body):
            return 0
        return sum(not _run_alone(synapse, body) for synapse in synapses)
    finally:
        h(f"objref {SYNAPSE}, nl_synapses_")


def _run_compiled(body: str) -> bool:
    name = f"nl_configure_{next(_numbers)}"
    each = f"for i = 0, nl_synapses_.count() - 1 {{ {SYNAPSE} = nl_synapses_.o(i)\n{body}\n}}"
    if not h(f"proc {name}() {{ local i\n {each} }}"):
        return False
    try:
        getattr(h, name)()
    except RuntimeError:
        return False
    return True


def _run_alone(synapse: Any, body: str) -> bool:
    setattr(h, SYNAPSE, synapse)
    return bool(h.execute1(body, 0))


def schedule_weights(
    synapses: Sequence[Any] | ObjectColumn,
    conductances: FloatColumn,
    times_ms: Sequence[float],
    factors: Sequence[float],
) -> list[Any]:
    """Let the presynaptic NetCons of synapses change their weight at fixed times, to conductance times factor.

    Returns
    -------
    list
        Vectors that must live as long as the synapses.

    Raises
    ------
    MechanismError
        The synapses' mechanism cannot do that.
    """
    times, weights = h.Vector(times_ms), h.Vector(factors)
    for synapse, conductance in zip(synapses, conductances.tolist(), strict=True):
        if not hasattr(synapse, "setup_delay_vecs"):
            raise MechanismError(
                f"{synapse.hname()} cannot change its weight during the run",
                pointer="/connection_overrides",
                expected="a mechanism with setup_delay_vecs (ProbAMPANMDA_EMS, ProbGABAAB_EMS, GluSynapse)",
                hint="remove 'delay' from the override, or choose another synapse type",
            )
        synapse.conductance = conductance
        synapse.setup_delay_vecs(times, weights)
    return [times, weights]
