"""The whole state of a run, in one place: what a checkpoint holds, and what is worked out again.

============================  ===================================================================================
Part of the state             Where it is
============================  ===================================================================================
voltages, i_membrane_,        tables ``nodes/...``
extracellular potentials
STATE, ASSIGNED, PARAMETER    tables ``mechanisms/<name>/values``: every number of every instance on a cell
variables of mechanisms       (channels, ions, synapses, gap junctions with the voltage they follow, clamps, noise
                              sources) and of point cells
random streams                positions of NMODL's RANDOM in ``.../random``; streams and Vectors that a mechanism
                              keeps behind a pointer, as it tells CoreNEURON, in ``.../hidden_...``
weights of NetCons            ``netcons/...``: the vector of each, with what mechanisms keep in it
events on their way           ``events/...``: deliveries, and what instances sent themselves (delayed weights among
                              them), in their order
conditions (WATCH)            ``watches/...``: which wait to come true, and whether they are true now
thresholds                    none: the cells that are above it have spiked (see ``engine.event_state.settle``)
spikes                        ``spikes/...``
clamp currents recorded       ``clamps/current`` (``beta_features.vc_amp``)
reports                       the manifest says how many frames are in their files, and when the next one is due
time                          the manifest, to the last bit
signals that are played,      worked out again from the configuration: signals and sources go from 0 to the time of
replay, spontaneous minis,    the checkpoint, without the cells, which takes about 1 microsecond per event. So end
NetStim and the like          times and replay may change
exchange of spikes            begins anew; no spike is kept back, see ``settle``
============================  ===================================================================================

A test forgets each part in turn and sees that it is missed (``tests/integration/test_state_list.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class StatePart:
    """One part of the state that is kept in tables.

    Attributes
    ----------
    name
        What it is, for people.
    tables
        Pattern of the names of its tables, as in :mod:`fnmatch`.
    """

    name: str
    tables: str

    def holds(self, table: str) -> bool:
        """Say whether a table belongs to this part."""
        return fnmatchcase(table, self.tables)


STATE_PARTS = (
    StatePart("voltages", "nodes/v"),
    StatePart("membrane currents", "nodes/i_membrane"),
    StatePart("extracellular potentials", "nodes/extracellular"),
    StatePart("variables of mechanisms", "mechanisms/*/values"),
    StatePart("positions of random streams", "mechanisms/*/random"),
    StatePart("streams and Vectors behind pointers", "mechanisms/*/hidden_*"),
    StatePart("weights of NetCons", "netcons/*"),
    StatePart("events on their way", "events/*"),
    StatePart("conditions that wait to come true", "watches/*"),
    StatePart("spikes so far", "spikes/*"),
    StatePart("recorded currents of clamps", "clamps/*"),
)
"""All tables of a checkpoint."""
