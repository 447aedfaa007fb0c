"""What is told about connection overrides once the edges were read: chains, and blocks without effect."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import numpy as np

from neurodamus_like.connectivity.overrides import OverrideRules
from neurodamus_like.parallel.mpi import Communicator
from neurodamus_like.validation.override_checks import override_chains

logger = logging.getLogger(__name__)


def warn_of_unmatched(rules: OverrideRules, managers: Iterable[Any], comm: Communicator) -> list[str]:
    """Log how overrides follow each other, and warn of those that concern no edge on any rank; collective.

    Returns
    -------
    list of str
        The names of overrides without effect.
    """
    if not rules.blocks:
        return []
    matched = {name for manager in managers for name in manager.matched_overrides}
    counts = comm.allreduce_sum(np.array([block.name in matched for block in rules.blocks], dtype=np.int64))
    unmatched = [block.name for block, count in zip(rules.blocks, counts.tolist(), strict=True) if not count]
    if comm.rank == 0:
        for line in override_chains(rules.ends):
            logger.info("connection override %s", line)
        for name in unmatched:
            logger.warning("the connection override %r matches no edge and has no effect", name)
    return unmatched
