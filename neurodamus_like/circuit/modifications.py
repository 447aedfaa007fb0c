"""Modifications of cells (``conditions.modifications``), applied in file order after synapses and stimuli were made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from neurodamus_like.circuit.cell_distributor import CellManagerBase
from neurodamus_like.config.models import Modification
from neurodamus_like.config.section_configure import SectionConfigure, parse_section_configure
from neurodamus_like.exceptions import SimulationError
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.registry import Registry
from neurodamus_like.targets.manager import TargetManager

logger = logging.getLogger(__name__)

TTX_MECHANISM = "TTXDynamicsSwitch"
"""Density mechanism that raises the TTX level which sodium channels look at."""

Apply = Callable[[Modification, TargetManager, CellManagerBase], int]
"""Modifies the local cells of one manager; returns how many sections or segments it changed."""

modification_types: Registry[Apply] = Registry("modification type", "neurodamus_like.modifications")


def apply_modifications(
    modifications: Iterable[Modification],
    target_manager: TargetManager,
    cell_managers: Iterable[CellManagerBase],
) -> dict[str, int]:
    """Apply modifications to the cells of this rank, in their order.

    Returns
    -------
    dict
        Name of the modification -> how many sections (segments, for compartment sets) of this rank it changed.

    Raises
    ------
    UnknownNameError
        There is no such type of modification.
    ConfigurationError
        Its text is wrong.
    SimulationError
        The simulator refuses a value.
    """
    managers = list(cell_managers)
    return {
        block.name: sum(
            modification_types[block.kind](block, target_manager, manager) for manager in managers
        )
        for block in modifications
    }


def warn_of_unused(changed: Mapping[str, int], comm: Communicator) -> None:
    """Warn of modifications that changed nothing on any rank; collective."""
    everywhere = comm.allreduce_sum(np.array(list(changed.values()), dtype=np.int64))
    for name, count in zip(changed, everywhere.tolist(), strict=True):
        if not count:
            logger.warning("modification %r changes nothing: no section has all attributes it names", name)


@modification_types.register("ttx")
def block_sodium(block: Modification, target_manager: TargetManager, manager: CellManagerBase) -> int:
    """Put tetrodotoxin into all sections: sodium channels that know the pseudo-ion ``ttx`` stay closed."""
    count = 0
    for cell in _cells(block, target_manager, manager):
        for section in cell.sections:
            section.insert(TTX_MECHANISM)
            setattr(section, f"ttxo_level_{TTX_MECHANISM}", 1.0)
            count += 1
    return count


@modification_types.register("configure_all_sections")
def configure_all_sections(
    block: Modification, target_manager: TargetManager, manager: CellManagerBase
) -> int:
    """Assign attributes in every section that has all of those mentioned, once per section."""
    configure = parse_section_configure(block.kind, block.section_configure)
    cells = _cells(block, target_manager, manager)
    return _assign(block, configure, (section for cell in cells for section in cell.sections))


@modification_types.register("section_list")
def configure_section_list(
    block: Modification, target_manager: TargetManager, manager: CellManagerBase
) -> int:
    """Assign attributes in the sections of one section list of the template."""
    configure = parse_section_configure(block.kind, block.section_configure)
    assert configure.place is not None
    name = configure.place[0]
    lists = (getattr(cell.CellRef, name, ()) for cell in _cells(block, target_manager, manager))
    return _assign(block, configure, (section for sections in lists for section in sections))


@modification_types.register("section")
def configure_section(block: Modification, target_manager: TargetManager, manager: CellManagerBase) -> int:
    """Assign attributes in one section of each cell that has it."""
    configure = parse_section_configure(block.kind, block.section_configure)
    assert configure.place is not None
    ending = "{}[{}]".format(*configure.place)
    sections = (section for cell in _cells(block, target_manager, manager) for section in cell.sections)
    return _assign(block, configure, (s for s in sections if s.name().rsplit(".", 1)[-1] == ending))


@modification_types.register("compartment_set")
def configure_compartment_set(
    block: Modification, target_manager: TargetManager, manager: CellManagerBase
) -> int:
    """Assign attributes in the segments of a compartment set."""
    configure = parse_section_configure(block.kind, block.section_configure)
    lists = target_manager.get_point_list_from_compartment_set(manager, str(block.compartment_set))
    return _assign(block, configure, (section(x) for points in lists for _, section, x in points))


def _cells(block: Modification, target_manager: TargetManager, manager: CellManagerBase) -> Iterator[Any]:
    target = target_manager.get_target(block.node_set)
    for gid in target.get_local_gids(manager.population_name).tolist():
        yield manager.get_cell(gid)


def _assign(block: Modification, configure: SectionConfigure, places: Iterable[Any]) -> int:
    """Assign in all places (sections or segments) that have every attribute; return their number."""
    count = 0
    for place in places:
        if not all(_has(place, name) for name in configure.attributes):
            continue
        count += 1
        get = partial(_value, place)
        for statement in configure.statements:
            try:
                setattr(place, statement.attribute, statement.value(get))
            except (ArithmeticError, TypeError, ValueError, RuntimeError, AttributeError) as error:
                raise SimulationError(
                    f"modification {block.name!r}: {statement.attribute} of {place} cannot be set: {error}",
                    pointer="/conditions/modifications",
                ) from error
    return count


def _value(place: Any, name: str) -> float:
    return float(getattr(place, name))


def _has(place: Any, name: str) -> bool:
    try:
        getattr(place, name)
    except (AttributeError, RuntimeError, ValueError):
        return False
    return True
