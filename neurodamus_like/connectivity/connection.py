"""Connection: all synapses from one cell to another, as a light view on rows of a synapse table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodamus_like.connectivity.stims import (
    ArtificialStim,
    NetConType,
    ReplayStim,
    SpontMinis,
    SynapseOwner,
)
from neurodamus_like.connectivity.synapse_table import IntColumn, SynapseTable
from neurodamus_like.engine import artificial, hoc_synapses, synapse_factory
from neurodamus_like.engine.object_columns import ObjectColumn
from neurodamus_like.exceptions import CircuitError, ConfigurationError

__all__ = ["ArtificialStim", "Connection", "NetConType", "ReplayStim", "SpontMinis"]


class Connection:
    """Synapses from one cell onto another.

    Parameters
    ----------
    owner
        The manager that holds the synapses.
    sgid, tgid
        Global ids of source and target.
    """

    __slots__ = ("_owner", "_rows", "_rows_of", "sgid", "tgid")

    def __init__(self, owner: SynapseOwner, sgid: int, tgid: int, rows: IntColumn | None = None) -> None:
        self._owner = owner
        self.sgid = int(sgid)
        self.tgid = int(tgid)
        self._rows = rows
        self._rows_of = owner.table if rows is not None else None

    def __len__(self) -> int:
        return int(self.rows.size)

    def __repr__(self) -> str:
        return f"Connection({self.sgid} -> {self.tgid}, {len(self)} synapses)"

    @property
    def rows(self) -> IntColumn:
        """Rows of the owner's table, ascending."""
        if self._rows is None or self._rows_of is not self._owner.table:
            self._rows = self._owner.table.rows_between(self.sgid, self.tgid)
            self._rows_of = self._owner.table
        return self._rows

    @property
    def population_id(self) -> tuple[int, int]:
        """The ids of source and target population that key the random streams."""
        return self._owner.population_ids

    @property
    def synapse_params(self) -> SynapseTable:
        """The columns of these synapses."""
        return self._owner.table.take(self.rows)

    @property
    def synapses(self) -> list[Any]:
        """The point processes (None where the section was deleted); empty before `finalize`."""
        return self._pick(self._owner.synapses)

    @property
    def netcons(self) -> list[Any]:
        """The presynaptic NetCons (None for sources without cells); empty before `finalize`."""
        return self._pick(self._owner.netcons)

    @property
    def replay_netcons(self) -> list[Any]:
        """The NetCons of replayed spikes."""
        stim = self._owner.replay_stim
        return list(stim.netcons[np.isin(stim.rows, self.rows)])

    @property
    def minis_netcons(self) -> list[Any]:
        """The NetCons of spontaneous release."""
        stim = self._owner.minis_stim
        return list(stim.netcons[np.isin(stim.rows, self.rows)])

    @property
    def synapses_offset(self) -> int:
        """Row of the first synapse in the edge file."""
        return int(self._owner.table.edge_id[self.rows[0]])

    @property
    def sections_with_synapses(self) -> Iterator[tuple[int, Any]]:
        """Pairs (edge section id, section) of the synapses whose section exists."""
        ids = self._owner.table.section_id[self.rows].tolist()
        pairs = zip(ids, self._owner.sections_of(self.rows), strict=True)
        return ((section_id, section) for section_id, section in pairs if section is not None)

    # --- settings, to be changed before `finalize` -----------------------------------------------------------

    @property
    def weight_factor(self) -> float:
        """The factor on the conductance."""
        return self._setting("weight_factor")

    @weight_factor.setter
    def weight_factor(self, value: float) -> None:
        self._set("weight_factor", value)

    @property
    def minis_spont_rate(self) -> float | None:
        """Rate of spontaneous release per synapse (Hz); None leaves it to the target cell."""
        rate = self._setting("minis_rate_Hz")
        return None if np.isnan(rate) else rate

    @minis_spont_rate.setter
    def minis_spont_rate(self, rate_Hz: float | None) -> None:
        if rate_Hz is not None and rate_Hz < 0:
            raise ConfigurationError(
                f"a rate of minis cannot be negative: {rate_Hz}", ids=[self.sgid, self.tgid]
            )
        self._set("minis_rate_Hz", np.nan if rate_Hz is None else rate_Hz)

    @property
    def syndelay_override(self) -> float | None:
        """Delay in ms that replaces that of the edges, or None."""
        delay = self._setting("delay_override_ms")
        return None if np.isnan(delay) else delay

    @syndelay_override.setter
    def syndelay_override(self, delay_ms: float | None) -> None:
        self._set("delay_override_ms", np.nan if delay_ms is None else delay_ms)

    @property
    def mod_override(self) -> str | None:
        """Synapse type that an override asks for, or None."""
        return self._owner.table.settings.modoverride_of(self._group())

    @mod_override.setter
    def mod_override(self, name: str) -> None:
        self.override_mod(name)

    def override_mod(self, name: str) -> None:
        """Choose the synapse type."""
        for group in self._own_groups():
            self._owner.table.settings.set_modoverride(group, name)

    def add_synapse_configuration(self, configuration: str) -> None:
        """Have a HOC statement run on each synapse when it is created; %s stands for the synapse."""
        for group in self._own_groups():
            self._owner.table.settings.add_configuration(group, configuration)

    def add_delayed_weight(self, delay: float, weight: float) -> None:
        """Let the weight factor change to `weight` at the time `delay` (ms)."""
        for group in self._own_groups():
            self._owner.table.settings.add_delayed_weight(group, delay, weight)

    def add_synapses(self, synapses_params: Mapping[str, npt.ArrayLike], base_id: int = 0) -> None:
        """Add synapses, before `finalize`.

        Parameters
        ----------
        synapses_params
            SONATA edge attributes -> values, among them ``afferent_section_id`` and ``delay`` (ms).
        base_id
            Id of the first one, which keys its random numbers.
        """
        columns = {
            name: np.atleast_1d(np.asarray(v, dtype=np.float64)) for name, v in synapses_params.items()
        }
        sizes = {values.size for values in columns.values()}
        if len(sizes) != 1 or not {"afferent_section_id", "delay"} <= columns.keys():
            raise CircuitError(
                "synapses need columns of one length, with afferent_section_id and delay among them",
                ids=[self.sgid, self.tgid],
                expected="{attribute: values}",
            )
        n = sizes.pop()
        ids = base_id + np.arange(n, dtype=np.int64)
        section, delay = columns.pop("afferent_section_id").astype(np.int64), columns.pop("delay")
        source, target = (np.full(n, gid, dtype=np.int64) for gid in (self.sgid, self.tgid))
        self._owner.add_rows(SynapseTable(source, target, ids, ids, section, delay, columns))

    def add_synapse(self, synapse_params: Mapping[str, float], syn_id: int = 0) -> None:
        """Add one synapse; see :meth:`add_synapses`."""
        self.add_synapses({name: [value] for name, value in synapse_params.items()}, syn_id)

    # --- changes of the model --------------------------------------------------------------------------------

    def update_weights(self, weight: float, update_also_replay_netcons: bool = False) -> None:
        """Set the weight of the presynaptic NetCons, and of those of replay if wanted."""
        others = self.replay_netcons if update_also_replay_netcons else []
        for netcon in (*self.netcons, *others):
            if netcon is not None:
                netcon.weight[0] = weight

    def update_conductance(self, new_g: float) -> None:
        """Set the conductance of all synapses: the parameter g of gap junctions, else that of the NetCons."""
        for synapse in self.synapses:
            if synapse is not None and hasattr(synapse, "vgap"):
                synapse.g = new_g
        if "conductance" in self._owner.table.columns:
            self._owner.table.change("conductance", self.rows, new_g)
            self.update_weights(new_g * self.weight_factor)

    def configure_synapses(self, configuration: str) -> None:
        """Run a HOC statement on each synapse; %s stands for the synapse.

        Raises
        ------
        ConfigurationError
            It failed on some.
        """
        synapses = [synapse for synapse in self.synapses if synapse is not None]
        failed = hoc_synapses.run_statement(synapses, configuration)
        if failed:
            raise ConfigurationError(
                f"the statement {configuration!r} failed on {failed} of {len(synapses)} synapses",
                ids=[self.sgid, self.tgid],
                expected="HOC statements separated by blanks, with %s for the synapse",
            )

    def replay(self, tvec: npt.ArrayLike, start_delay: float = 0.0) -> None:
        """Let spikes at the times `tvec` (ms) drive the synapses; those before `start_delay` are dropped."""
        times = np.sort(np.asarray(tvec, dtype=np.float64))
        self._owner.replay_connection(self.sgid, self.tgid, times[times >= start_delay])

    def restart_events(self) -> None:
        """Let the sources of replay and minis of these synapses send their next event again."""
        netcons = [*self.replay_netcons, *self.minis_netcons]
        artificial.restart_stims([netcon.pre() for netcon in netcons if netcon is not None])

    @staticmethod
    def netcon_set_type(netcon: Any, syn_obj: Any, nc_type: int) -> None:
        """Write the kind of a NetCon where the mechanism of `syn_obj` looks for it, if it does."""
        index = synapse_factory.netcon_type_index(syn_obj.hname().split("[")[0])
        if index is not None:
            netcon.weight[index] = int(nc_type)

    def _pick(self, objects: ObjectColumn) -> list[Any]:
        return objects[self.rows].tolist() if objects.size else []

    def _group(self) -> int:
        return int(self._owner.table.group[self.rows[0]])

    def _setting(self, name: str) -> float:
        return float(getattr(self._owner.table.settings, name)[self._group()])

    def _set(self, name: str, value: float) -> None:
        for group in self._own_groups():
            getattr(self._owner.table.settings, name)[group] = value

    def _own_groups(self) -> list[int]:
        """Return groups of settings that only these synapses have, made from those they had."""
        table, rows = self._owner.table, self.rows
        groups = []
        for old in np.unique(table.group[rows]).tolist():
            new = table.settings.append_copy(old)
            table.regroup(rows[table.group[rows] == old], new)
            groups.append(new)
        return groups
