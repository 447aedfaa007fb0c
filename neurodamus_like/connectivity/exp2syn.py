"""Edges of type ``Exp2Syn_synapse``: conductances with two exponentials, as Allen circuits in SONATA have them."""

from __future__ import annotations

from typing import ClassVar

from neurodamus_like.circuit.engines import EDGE_ENGINES
from neurodamus_like.connectivity.synapse_rules import SynapseRuleManager


@EDGE_ENGINES.register("Exp2Syn_synapse", "Exp2Syn")
class Exp2SynSynapseRuleManager(SynapseRuleManager):
    """Synapses of NEURON's ``Exp2Syn``; the conductance of an edge is in uS."""

    CONNECTIONS_TYPE: ClassVar[str] = "Exp2Syn"
    default_type: ClassVar[str | None] = "Exp2Syn"
