"""Connections as scripts see them: look-up, changes before and after synapses exist, additions."""

from __future__ import annotations

from pathlib import Path

import pytest
from connectivity_runs import NODES, RING, overrides, run

from tests.tiny_circuit import KINETICS, TinyCircuit

pytestmark = pytest.mark.neuron


def test_look_up(tmp_path: Path) -> None:
    found = run(
        TinyCircuit([RING], node_sets=NODES),
        tmp_path,
        """
from neurodamus_like.connectivity.manager import edge_node_pop_names
m, = build()
c = m.get_connection(1, 2)
src, dst = m.population_ids
selectors = (None, src, (src, None), (None, dst), (None, dst + 1), src + 1)
out(none=m.get_connection(0, 3) is None, all=ends(m.all_connections()), count=m.connection_count,
    some=ends(m.get_connections([2, 3], 1)), target=ends(m.get_target_connections("first", "A")),
    selected=ends(m.get_target_connections(None, "A", selected_gids=[2])), gids=m.current_population.target_gids(),
    items=[(t, len(cs)) for t, cs in m.current_population.items()],
    found=[len(m.find_populations(s)) for s in selectors],
    sections=[i for i, s in c.sections_with_synapses], names=edge_node_pop_names(m.population.file, "A__A"),
    params=c.synapse_params["conductance"].tolist(), offset=c.synapses_offset, size=len(c),
    same=m.get_population(src, dst) is m.current_population, kinds=[name_of(s) for s in c.synapses])
""",
    )
    assert found["none"]
    assert found["all"] == [[3, 0], [0, 1], [1, 2], [2, 3]]
    assert found["count"] == 4
    assert found["some"] == [[1, 2]]
    assert found["target"] == [[0, 1]]
    assert found["selected"] == [[1, 2]]
    assert found["gids"] == [0, 1, 2, 3]
    assert found["items"] == [[0, 1], [1, 1], [2, 1], [3, 1]]
    assert found["found"] == [1, 1, 1, 1, 0, 0]
    assert found["sections"] == [1, 1]
    assert found["names"] == ["A", "A"]
    assert found["params"] == [2.0, 2.0]
    assert found["kinds"] == ["ProbAMPANMDA_EMS"] * 2
    assert (found["offset"], found["size"], found["same"]) == (1, 2, True)


def test_changes_before_and_after_synapses_exist(tmp_path: Path) -> None:
    found = run(
        TinyCircuit([RING]),
        tmp_path,
        """
m, = prepare()
c = m.get_connection(1, 2)
c.weight_factor = 5.0
c.syndelay_override = 3.0
c.minis_spont_rate = 100.0
c.add_delayed_weight(4.0, 0.5)
c.add_synapse_configuration("%s.Dep = 33")
m.get_connection(2, 3).mod_override = "DetGABAAB"
node.init()
weights, delays = [n.weight[0] for n in c.netcons], [n.delay for n in c.netcons]
settings = [c.weight_factor, c.syndelay_override, c.minis_spont_rate, m.get_connection(0, 1).minis_spont_rate]
node.solve(5)
later = [n.weight[0] for n in c.netcons]
c.update_weights(7.0)
changed = [n.weight[0] for n in c.netcons]
c.update_conductance(4.0)
conductance = [n.weight[0] for n in c.netcons]
c.configure_synapses("%s.Fac = 1.5")
c.restart_events()
try:
    c.configure_synapses("%s.Nope = 1.5")
    failed = ""
except Exception as error:
    failed = str(error)
out(weights=weights, delays=delays, later=later, changed=changed, conductance=conductance,
    fac=[s.Fac for s in c.synapses],
    dep=[s.Dep for s in m.synapses], minis=len(c.minis_netcons), all_minis=len(m.minis_stim.netcons), failed=failed,
    kind=name_of(m.get_connection(2, 3).synapses[0]), mod=m.get_connection(2, 3).mod_override, settings=settings)
""",
    )
    assert found["weights"] == [10.0, 10.0]
    assert found["delays"] == [3.0, 3.0]
    assert found["settings"] == [5.0, 3.0, 100.0, None]
    assert found["later"] == [1.0, 1.0]
    assert found["changed"] == [7.0, 7.0]
    assert found["conductance"] == [20.0, 20.0]
    assert found["fac"] == [1.5, 1.5]
    assert sorted(found["dep"]) == [33.0, 33.0, 100.0, 100.0, 100.0]
    assert (found["minis"], found["all_minis"]) == (2, 2)
    assert (found["kind"], found["mod"]) == ("DetGABAAB", "DetGABAAB")
    assert "failed on 2 of 2 synapses" in found["failed"]


def test_synapses_added_by_a_script(tmp_path: Path) -> None:
    found = run(
        TinyCircuit([RING]),
        tmp_path,
        f"""
m, = prepare()
c = m.current_population.get_or_create_connection(3, 1)
c.add_synapse({KINETICS!r}, syn_id=50)
c.weight_factor = 3.0
node.init()
out(n=len(m.table), weight=[x.weight[0] for x in c.netcons], others=sorted(x.weight[0] for x in m.netcons),
    same=m.get_connection(3, 1) is c, all=ends(m.all_connections()))
""",
    )
    assert found["n"] == 6
    assert found["weight"] == [6.0]
    assert found["others"] == [2.0] * 5 + [6.0]
    assert found["same"]
    assert found["all"] == [[3, 0], [0, 1], [3, 1], [1, 2], [2, 3]]


def test_connect_group_adds_what_is_not_there(tmp_path: Path) -> None:
    found = run(
        TinyCircuit([RING], node_sets=NODES, config=overrides({"source": "first"})),
        tmp_path,
        """
from neurodamus_like.config.models import ConnectionOverride
m, = prepare()
one = m.table.edge_id.tolist()
m.connect_group("second", None, mod_override="DetAMPANMDA")
two = sorted(m.table.edge_id.tolist())
m.connect_all(weight_factor=2)
hit = m.configure_connections(ConnectionOverride("x", "first", "A", weight=9.0))
miss = m.configure_connections(ConnectionOverride("x", "first", "first", weight=9.0))
node.init()
out(one=one, two=two, three=sorted(m.table.edge_id.tolist()), kinds=[name_of(s) for s in m.synapses], hit=hit,
    miss=miss, weights={int(e): n.weight[0] for e, n in zip(m.table.edge_id, m.netcons)})
""",
    )
    assert (found["one"], found["two"], found["three"]) == ([0], [0, 1, 2], [0, 1, 2, 3, 4])
    assert found["kinds"].count("DetAMPANMDA") == 2
    assert (found["hit"], found["miss"]) == (True, False)
    assert found["weights"] == {"0": 18.0, "1": 2.0, "2": 2.0, "3": 4.0, "4": 4.0}
