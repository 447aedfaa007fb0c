"""Connectivity in the simulator: what overrides, minis, replay and synapse types do to real synapses."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from connectivity_runs import NODES, RING, overrides, run

from tests.tiny_circuit import Edges, TinyCircuit

pytestmark = pytest.mark.neuron

PLASTIC = {
    "volume_CR": 0.1,
    "rho0_GB": [0.0, 1.0],
    "Use_d_TM": 0.2,
    "Use_p_TM": 0.8,
    "gmax_d_AMPA": 1.0,
    "gmax_p_AMPA": 2.0,
    "theta_d": 0.006,
    "theta_p": 0.001,
    "u_hill_coefficient": 2.5,
    "conductance_scale_factor": 0.7,
}


def test_weights_delays_and_creation(tmp_path: Path) -> None:
    config = overrides(
        {"target": "third", "weight": 3.0, "synapse_delay_override": 2.5},
        {"source": "first", "weight": 0.5},
        {"source": "A", "target": "A:third", "weight": 4.0},
    )
    sets = {**NODES, "third": {"population": "A", "node_id": [2]}}
    found = run(
        TinyCircuit([RING], node_sets=sets, config=config),
        tmp_path,
        """
m, = build()
out(edges=m.table.edge_id.tolist(), weights=[n.weight[0] for n in m.netcons], delays=[n.delay for n in m.netcons],
    kinds=[name_of(s) for s in m.synapses], targets=[c.tgid for c in m.connections()])
""",
    )
    assert found["edges"] == [0, 1, 2]  # 2 -> 3 and 3 -> 0 are covered by no override
    assert found["weights"] == [1.0, 8.0, 8.0]
    assert found["delays"] == [1.0, 1.0, 1.0]  # overwritten by the default of the last override
    assert found["kinds"] == ["ProbAMPANMDA_EMS"] * 3
    assert found["targets"] == [1, 2]


def test_zero_weight_creates_nothing_and_says_so(tmp_path: Path) -> None:
    found = run(
        TinyCircuit([RING], config=overrides({"weight": 0.0})), tmp_path, "m, = build(); out(n=len(m.table))"
    )
    assert found["n"] == 0
    assert "no connections" in found["log"]


def test_synapse_types_of_overrides(tmp_path: Path) -> None:
    plain = Edges("A__A", "A", "A", [(0, 1), (1, 2)], {**PLASTIC, "syn_type_id": [110, 60]})
    config = overrides(
        {"source": "first", "modoverride": "GluSynapse"},
        {"source": "second", "modoverride": "DetGABAAB"},
        conditions={
            "v_init": -65,
            "extracellular_calcium": 1.2,
            "mechanisms": {"GluSynapse": {"init_depleted": True}},
        },
    )
    found = run(
        TinyCircuit([plain], node_sets=NODES, config=config),
        tmp_path,
        """
m, = build()
glu, gaba = m.synapses
out(kinds=[name_of(s) for s in m.synapses], cao=h.cao_CR_GluSynapse, depleted=h.init_depleted_GluSynapse,
    glu={k: getattr(glu, k) for k in
         ("Use", "Use_d", "Use_p", "gmax0_AMPA", "gmax_NMDA", "theta_d_GB", "volume_CR", "Nrrp")},
    gaba={k: getattr(gaba, k) for k in ("Use", "Dep", "Fac", "tau_d_GABAA")})
""",
    )
    scale = (2.5**4 + 16) / 16 * 1.2**4 / (2.5**4 + 1.2**4)
    assert found["kinds"] == ["GluSynapse", "DetGABAAB"]
    assert found["cao"] == 1.2
    assert found["depleted"] == 1
    glu = found["glu"]
    assert glu["Use_d"] == pytest.approx(0.2 * scale)
    assert glu["Use_p"] == pytest.approx(0.8 * scale)
    assert glu["Use"] == pytest.approx(0.2 * scale)  # rho0 below rho_star: depressed
    assert glu["gmax0_AMPA"] == 1.0
    assert glu["gmax_NMDA"] == pytest.approx(0.7)
    assert (glu["theta_d_GB"], glu["volume_CR"], glu["Nrrp"]) == pytest.approx((0.006, 0.1, 2.0))
    assert found["gaba"] == pytest.approx({"Use": 0.5 * scale, "Dep": 100.0, "Fac": 20.0, "tau_d_GABAA": 3.0})


def test_configuration_snippets_pile_up(tmp_path: Path) -> None:
    config = overrides(
        {"synapse_configure": "%s.Fac = 2 %s.Dep = 7"},
        {"source": "first", "synapse_configure": "%s.Fac = %s.Fac * 10"},
        {"source": "second", "synapse_configure": "tau_d_NMDA_ProbAMPANMDA_EMS = 50"},
    )
    found = run(
        TinyCircuit([RING], node_sets=NODES, config=config),
        tmp_path,
        """
m, = build()
out(fac=[s.Fac for s in m.synapses], dep=[s.Dep for s in m.synapses], tau=h.tau_d_NMDA_ProbAMPANMDA_EMS)
""",
    )
    by_edge = dict(zip([4, 0, 1, 2, 3], found["fac"], strict=True))  # rows are ordered by target
    assert by_edge == {4: 2.0, 0: 20.0, 1: 2.0, 2: 2.0, 3: 2.0}
    assert found["dep"] == [7.0] * 5
    assert found["tau"] == 50.0


def test_delayed_weights_change_netcons_in_time(tmp_path: Path) -> None:
    config = overrides({"weight": 0.0}, {"weight": 3.0, "delay": 5.0}, {"weight": 0.25, "delay": 2.0})
    found = run(
        TinyCircuit([RING], config=config),
        tmp_path,
        """
m, = build()
weights = []
for t in (1, 3, 6):
    node.solve(t)
    weights.append([n.weight[0] for n in m.netcons])
out(weights=weights)
""",
    )
    assert found["weights"] == [[0.0] * 5, [0.5] * 5, [6.0] * 5]


@pytest.mark.parametrize("spelling", ["{}_mini_frequency", "{}-mini_frequency"])
def test_minis_of_overrides_and_of_cells(spelling: str, tmp_path: Path) -> None:
    columns = {"A": {spelling.format("exc"): np.full(4, 500.0), spelling.format("inh"): np.full(4, 1000.0)}}
    config = overrides(
        {},
        {"source": "first", "spont_minis": 200.0},
        {"source": "second", "spont_minis": 0.0},
        {"target": "second", "spont_minis": 300.0, "weight": 2.0},
    )
    found = run(
        TinyCircuit([RING], node_sets=NODES, node_columns=columns, config=config),
        tmp_path,
        """
m, = build()
fired = h.Vector()
recorders = [h.NetCon(s, None) for s in m.minis_stim.netstims]
for r in recorders: r.record(fired)
h.finitialize(-65)
node.solve(10)
m.restart_events()
node.solve()
out(rates=by_edge(m, m.minis_stim, lambda n: n.pre().rmax), delays=by_edge(m, m.minis_stim, lambda n: n.delay),
    weights=by_edge(m, m.minis_stim, lambda n: [n.weight[0], n.weight[4]]), fired=fired.to_python())
""",
    )
    assert found["rates"] == {"0": 300.0, "3": 1000.0, "4": 500.0}  # edges 1 and 2 were switched off
    assert set(found["delays"].values()) == {0.1}
    assert found["weights"] == {"0": [4.0, 1.0], "3": [2.0, 1.0], "4": [2.0, 1.0]}
    assert 15 <= len(found["fired"]) <= 60  # 36 expected in 20 ms
    assert len(set(found["fired"])) == len(found["fired"])  # a restart repeats no event


def test_replay_from_blocks_modes_and_scripts(tmp_path: Path) -> None:
    external = Edges("V__A", "V", "A", [(0, 0), (1, 0), (1, 1), (2, 3)])
    replay = {"module": "synapse_replay", "input_type": "spikes", "duration": 100, "spike_file": "spikes.h5"}
    inputs = {
        "one": {**replay, "delay": 2.0, "node_set": "A"},
        "two": {**replay, "delay": 0.0, "node_set": "second"},
    }
    circuit = TinyCircuit([RING, external], virtual={"V": 3}, node_sets=NODES, config={"inputs": inputs})
    folder = tmp_path / "c"
    circuit.write(folder)
    with h5py.File(folder / "spikes.h5", "w") as file:
        for name, times, ids in (
            ("V", [1.0, 5.0, 3.0, 4.0], [1, 1, 0, 9]),
            ("A", [2.5], [3]),
            ("other", [1.0], [0]),
        ):
            file[f"spikes/{name}/timestamps"], file[f"spikes/{name}/node_ids"] = (
                np.array(times),
                np.array(ids),
            )
    found = run(
        circuit,
        folder,
        """
from neurodamus_like.connectivity.replay import ReplayMode, SpikeManager, MissingSpikesPopulationError
inner, external = build()
trains = by_edge(external, external.replay_stim, lambda n: n.pre().hname())
connection = external.get_connections(post_gids=3)[0]
before = len(connection.replay_netcons)
connection.replay([7.0, 1.0, 9.0], start_delay=2.0)
after = len(connection.replay_netcons)
spikes = SpikeManager(sys.argv[1].replace("simulation_config.json", "spikes.h5"), 2.0, "V")
try:
    SpikeManager(spikes.file, population="nobody")
    missing = ""
except MissingSpikesPopulationError as error:
    missing = str(error)
external.finalize(replay_mode=ReplayMode.NONE)
none = len(external.replay_stim.netcons)
external.finalize(replay_mode=ReplayMode.COMPLETE)
complete = len(external.replay_stim.netcons)
out(inner=by_edge(inner, inner.replay_stim, lambda n: [n.delay, n.weight[0], n.weight[4], n.threshold]),
    external=sorted(trains), before=before, after=after, netcons=[n is None for n in external.netcons], missing=missing,
    none=none, complete=complete, map={k: list(v) for k, v in spikes.get_map().items()},
    filtered=sorted(spikes.filter_map([0, 2])), shared=len(set(trains.values())))
""",
    )
    assert found["inner"] == {"4": [1.0, 2.0, 2.0, 10.0]}
    assert found["external"] == [0, 1, 2]  # source 2 has no spikes
    assert (found["before"], found["after"], found["none"], found["complete"]) == (0, 1, 0, 4)
    assert found["netcons"] == [True] * 4
    assert found["map"] == {"0": [3.0], "1": [5.0], "9": [4.0]}
    assert found["filtered"] == [0]
    assert "no spikes of 'nobody'" in found["missing"]
    assert found["shared"] == 3  # source 0; source 1 at 5 ms; source 1 in both blocks: 1 and 5 ms
    assert "spikes of nodes up to 9" in found["log"]


def test_projections_same_pair_absent_sources_and_offsets(tmp_path: Path) -> None:
    circuit = TinyCircuit(
        [
            Edges("proj", "B", "A", [(0, 0)]),
            RING,
            Edges("again", "A", "A", [(0, 1)]),
            Edges("V__A", "V", "A", [(1, 2)]),
        ],
        cells={"A": 4, "B": 2},
        virtual={"V": 1500},
        config={"node_set": "A", "connection_overrides": []},
    )
    found = run(
        circuit,
        tmp_path,
        """
managers = build()
both = node.circuits.get_edge_managers("A", "A")
out(order=[m.population.name for m in managers], both=[m.population.name for m in both],
    netcons=[[n is not None for n in m.netcons] for m in managers],
    virtual=sorted(node.circuits.get_virtual_population_offsets()),
    offsets=open(node.output_dir / "populations_offset.dat").read(),
    again=node.circuits.read_population_offsets(node.output_dir / "populations_offset.dat"))
""",
    )
    assert found["order"] == ["A__A", "again", "proj", "V__A"]
    assert found["both"] == ["A__A", "again"]
    assert found["netcons"] == [[True] * 5, [True], [False], [False]]
    assert found["virtual"] == ["B", "V"]
    assert found["offsets"].splitlines() == ["A::0:: ", "B::1000::virtual", "V::2000::virtual"]
    assert found["again"] == [{"A": 0}, {"B": 1000, "V": 2000}]


def test_sources_that_are_not_simulated_keep_their_synapses(tmp_path: Path) -> None:
    circuit = TinyCircuit(
        [RING], node_sets={"part": {"population": "A", "node_id": [1, 2]}}, config={"node_set": "part"}
    )
    found = run(
        circuit,
        tmp_path,
        """
m, = build()
m.replay_connection(0, 1, [1.0])
out(pairs=ends(m.all_connections()), netcons=[n is not None for n in m.netcons], replayed=len(m.replay_stim.netcons))
""",
    )
    assert found["pairs"] == [[0, 1], [1, 2]]
    assert found["netcons"] == [False, True, True]
    assert found["replayed"] == 1


def test_exp2syn_by_name_of_an_override(tmp_path: Path) -> None:
    columns = {"tau1": 0.3, "tau2": 4.0, "erev": -10.0}
    edges = Edges(
        "A__A", "A", "A", [(0, 1)], columns, kind="Exp2Syn_synapse", without=("u_syn", "syn_type_id")
    )
    config = overrides({"modoverride": "Exp2Syn", "weight": 2.0})
    code = (
        "m, = build(); out(kind=name_of(m.synapses[0]), weight=m.netcons[0].weight[0], type=type(m).__name__)"
    )
    found = run(TinyCircuit([edges], config=config), tmp_path, code)
    assert (found["kind"], found["weight"], found["type"]) == ("Exp2Syn", 4.0, "Exp2SynSynapseRuleManager")


def test_mechanism_flags_and_gaba_rise_times(tmp_path: Path) -> None:
    flags = {"init_depleted": True, "minis_single_vesicle": True}
    conditions = {
        "v_init": -65,
        "randomize_gaba_rise_time": True,
        "mechanisms": {"ProbAMPANMDA_EMS": flags, "ProbGABAAB_EMS": {"init_depleted": False}},
    }
    found = run(
        TinyCircuit([RING], config={"conditions": conditions}),
        tmp_path,
        """
m, = build()
inhibitory = [s for s in m.synapses if name_of(s) == "ProbGABAAB_EMS"]
excitatory = [s for s in m.synapses if name_of(s) == "ProbAMPANMDA_EMS"]
random = h.Random()
random.Random123(3 + 1 + 250, 0 + 100, m.context.pathway_id + 0 + 450)
random.lognormal(0.2, 0.1)
expected = random.repick()
rise, occupied = [s.tau_r_GABAA for s in inhibitory], [s.occupied for s in excitatory]
del inhibitory, excitatory
for c in m.get_connections(3):
    c.override_mod("DetGABAAB")
m.finalize()
slow = h.Random()
slow.MCellRan4(0 * 100000 + 100, 3 + 1 + 250 + 11)
slow.lognormal(0.2, 0.1)
out(det=m.get_connection(2, 3).synapses[0].tau_r_GABAA, det_expected=slow.repick(),
    flags=[h.init_depleted_ProbAMPANMDA_EMS, h.minis_single_vesicle_ProbAMPANMDA_EMS, h.init_depleted_ProbGABAAB_EMS],
    rise=rise, expected=expected, occupied=occupied)
""",
    )
    assert found["flags"] == [1, 1, 0]
    assert found["rise"] == pytest.approx([found["expected"]])
    assert found["occupied"] == [0.0] * 4
    assert found["det"] == pytest.approx(found["det_expected"])


def test_exp2syn_edges_and_unknown_sections_of_the_axon(tmp_path: Path) -> None:
    exp = Edges(
        "A__A",
        "A",
        "A",
        [(0, 1), (1, 2)],
        {"tau1": 0.3, "tau2": 4.0, "erev": -10.0, "afferent_section_id": [2, 3], "conductance": 0.01},
        kind="Exp2Syn_synapse",
        without=(
            "u_syn",
            "depression_time",
            "facilitation_time",
            "decay_time",
            "syn_type_id",
            "n_rrp_vesicles",
        ),
    )
    found = run(
        TinyCircuit([exp]),
        tmp_path,
        """
m, = build()
s = m.synapses[0]
out(kinds=[name_of(s) for s in m.synapses], values=[s.tau1, s.tau2, s.e], weight=m.netcons[0].weight[0])
""",
    )
    assert found["kinds"] == ["Exp2Syn", None]
    assert found["values"] == pytest.approx([0.3, 4.0, -10.0])
    assert found["weight"] == pytest.approx(0.01)
    assert "SKIPPED 1 synapses" in found["log"]


def test_point_cells_pass_events_on(tmp_path: Path) -> None:
    chain = Edges(
        "P__P", "P", "P", [(0, 1), (1, 2)], {"conductance": 2.0, "delay": 1.5}, kind="point_process"
    )
    start = Edges("V__P", "V", "P", [(0, 0)], {"conductance": 2.0}, kind="point_process")
    circuit = TinyCircuit([chain, start], cells={}, points={"P": 3}, virtual={"V": 1})
    found = run(
        circuit,
        tmp_path,
        """
managers = {m.population.name: m for m in prepare()}
managers["V__P"].replay_connection(managers["V__P"].src_pop_offset, 0, [3.0])
node.init(); node.solve()
spikes = node.spikes.local_spikes()["P"]
out(times=list(spikes[0]), ids=list(spikes[1]), tau=[c.pointcell.tau for c in node.circuits.get_node_manager("P")])
""",
    )
    assert found["ids"] == [0, 1, 2]
    assert found["times"] == pytest.approx([4.0, 5.5, 7.0])
    assert found["tau"] == [10.0] * 3


HELPER = """
strdef MineHelper_NeededAttributes
MineHelper_NeededAttributes = "extra"
begintemplate MineHelper
public synapse
external synapseSeed
objref synapse, this, seeds
proc init() {
    seeds = new RNGSettings()
    synapse = new Exp2Syn($3)
    synapse.tau1 = $o2.DTC
    synapse.tau2 = 10 + $o2.extra
    synapse.e = 1000 * $1 + $4 + seeds.getSynapseSeed()
}
endtemplate MineHelper
"""


def test_synapse_template_of_a_user(tmp_path: Path) -> None:
    (tmp_path / "syn").mkdir()
    (tmp_path / "syn" / "MineHelper.hoc").write_text(HELPER)
    edges = Edges("A__A", "A", "A", [(0, 1), (2, 1)], {"extra": [1.0, 2.0]})
    config = overrides(
        {"modoverride": "Mine", "weight": 0.5},
        run={"tstop": 1.0, "dt": 0.025, "random_seed": 1, "synapse_seed": 7},
    )
    found = run(
        TinyCircuit([edges], config=config, components={"synaptic_models_dir": "syn"}),
        tmp_path,
        """
m, = build()
out(kinds=[name_of(s) for s in m.synapses], values=[[s.tau1, s.tau2, s.e] for s in m.synapses],
    where=[s.get_segment().x for s in m.synapses], weights=[n.weight[0] for n in m.netcons])
""",
    )
    assert found["kinds"] == ["Exp2Syn"] * 2
    assert found["values"] == [[3.0, 11.0, 2007.0], [3.0, 12.0, 2008.0]]
    assert found["where"] == [0.5, 0.5]
    assert found["weights"] == [1.0, 1.0]


def test_synapse_type_of_a_third_party_in_ten_lines(tmp_path: Path) -> None:
    found = run(
        TinyCircuit([RING], config=overrides({"modoverride": "Simple"})),
        tmp_path,
        """
m, = build()
out(kinds=sorted({name_of(s) for s in m.synapses}), tau=m.synapses[0].tau)
""",
        before="""
import numpy as np
from neurodamus_like.connectivity.synapse_types import SYNAPSE_TYPES, SynapseType
def simple(table, context):
    return {"tau": table["decay_time"], "e": np.zeros(len(table))}
SYNAPSE_TYPES.add("Simple", SynapseType("ExpSyn", simple, attributes=("decay_time",)))
""",
    )
    assert found == {**found, "kinds": ["ExpSyn"], "tau": 3.0}


def test_plastic_synapses_learn_from_replay_and_minis(tmp_path: Path) -> None:
    columns = {**PLASTIC, "syn_type_id": 110, "theta_d": 0.0004, "theta_p": 0.0008, "Use_d_TM": 0.9}
    config = overrides({"modoverride": "GluSynapse", "spont_minis": 300.0}, {"delay": 10.0, "weight": 0.0})
    found = run(
        TinyCircuit([Edges("A__A", "A", "A", [(0, 1), (1, 2)], columns)], config=config),
        tmp_path,
        """
m, = prepare()
m.replay_connection(0, 1, [2.0, 5.0, 8.0])
node.init()
synapse = m.synapses[0]
rho, g = h.Vector().record(synapse._ref_rho_GB), h.Vector().record(synapse._ref_g_AMPA)
h.finitialize(-65)
node.solve()
out(rho=[rho[0], rho.max()], g=g.max(), minis=len(m.minis_stim.netcons), weights=[n.weight[0] for n in m.netcons],
    kinds=[n.weight[5] for n in (m.netcons[0], m.minis_stim.netcons[0], m.replay_stim.netcons[0])])
""",
    )
    assert found["rho"][0] == 0.0
    assert found["rho"][1] > 0.01  # calcium crossed the threshold of potentiation
    assert found["g"] > 1e-4
    assert found["minis"] == 2
    assert found["weights"] == [0.0, 0.0]  # switched off by the delayed override
    assert found["kinds"] == [0.0, 1.0, 2.0]
