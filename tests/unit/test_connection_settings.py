"""Settings of groups of synapses, and tables that are put together; without NEURON."""

from __future__ import annotations

import numpy as np

from neurodamus_like.connectivity.settings import ConnectionSettings, concatenate
from neurodamus_like.connectivity.synapse_table import SynapseTable


def table(edge_ids: list[int], target: list[int], weight: float, **columns: list[float]) -> SynapseTable:
    ids = np.array(edge_ids)
    made = SynapseTable(
        np.zeros_like(ids),
        np.array(target),
        ids,
        ids,
        np.zeros_like(ids),
        np.ones(ids.size),
        {name: np.array(values) for name, values in columns.items()},
    )
    made.settings.weight_factor[:] = weight
    return made


def test_codes_of_both_parts_keep_their_meaning() -> None:
    first, second = ConnectionSettings.default(2), ConnectionSettings.default(2)
    first.set_modoverride(0, "A")
    first.add_configuration(1, "one")
    second.set_modoverride(1, "B")
    second.set_modoverride(0, "A")
    second.add_configuration(0, "two")
    second.add_configuration(0, "three")
    second.add_delayed_weight(1, 9.0, 0.5)
    second.add_delayed_weight(1, 4.0, 0.1)
    both = concatenate(first, second)
    assert [both.modoverride_of(row) for row in range(4)] == ["A", None, "A", "B"]
    assert [both.configurations[c] for c in both.configuration] == [(), ("one",), ("two", "three"), ()]
    assert [both.delayed_weights[c] for c in both.delayed] == [(), (), (), ((4.0, 0.1), (9.0, 0.5))]


def test_a_copy_of_a_group_changes_alone() -> None:
    settings = ConnectionSettings.default()
    new = settings.append_copy(0)
    settings.weight_factor[new] = 3.0
    assert settings.weight_factor.tolist() == [1.0, 3.0]


def test_tables_are_joined_by_target_then_edge() -> None:
    joined = table([5, 1], [0, 2], 2.0, conductance=[1.0, 1.0]).joined(
        table([0, 9], [2, 1], 3.0, u_syn=[0.5, 0.5])
    )
    assert joined.target_gid.tolist() == [0, 1, 2, 2]
    assert joined.edge_id.tolist() == [5, 9, 0, 1]
    assert joined.weight_factor.tolist() == [2.0, 3.0, 3.0, 2.0]
    assert np.isnan(joined["u_syn"]).tolist() == [True, False, False, True]


def test_delays_of_overrides_win_unless_zero() -> None:
    synapses = table([0, 1], [0, 0], 1.0)
    synapses.settings.append_copy(0)
    synapses.regroup(np.array([1]), 1)
    synapses.settings.delay_override_ms[:] = [0.0, 2.123]
    assert synapses.netcon_delay_ms.tolist() == [1.0, 2.123]
