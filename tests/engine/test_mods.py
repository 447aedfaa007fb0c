"""The core's mechanisms against their published formulas, each in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import run_python

pytestmark = [pytest.mark.neuron, pytest.mark.slow]

HERE = Path(__file__).resolve().parent
PRELUDE = f"""
import json, sys
sys.path.insert(0, {str(HERE)!r})
import numpy as np
from neurodamus_like.engine import mechanisms, nrn
mechanisms.load_library(mechanisms.build_mechanisms([]))
h = nrn.h
h.celsius = 34
h.dt = 0.025

def patch(v=None):
    soma = h.Section(name="soma")
    soma.L = soma.diam = 20
    soma.cm = 1
    if v is not None:
        clamp = h.SEClamp(soma(0.5))
        clamp.dur1, clamp.amp1, clamp.rs = 1e9, v, 1e-9
        KEEP.append(clamp)
    return soma

KEEP = []

def run(tstop, v=-65.0):
    h.finitialize(v)
    while h.t < tstop - 1e-9:
        h.fadvance()
"""


def simulate(code: str, timeout: float = 300) -> Any:
    """Run `code` behind the prelude and return what it printed as JSON in its last line."""
    done = run_python(PRELUDE + code, timeout)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_gates_follow_the_formulas_under_voltage_clamp() -> None:
    """A step from -80 mV to v: each gate relaxes exponentially, whatever the time constant; roots included."""
    worst = simulate("""
from mod_formulas import CHANNELS
worst = {}
for name, formula in CHANNELS.items():
    soma = h.Section(name="soma")
    soma.insert(name)
    mech = getattr(soma(0.5), name)
    for v in (-154.9, -101.3, -80.0, -66.0, -64.4, -60.0, -55.5, -48.0,
              -42.5, -38.0, -32.0, -30.5, -27.0, -15.5, 0.0, 31.7):
        h.v_init = v
        h.finitialize(v)
        gates = formula(v)
        for gate, (steady, tau) in gates.items():
            setattr(mech, gate, 0.3)
        h.fadvance()
        for gate, (steady, tau) in gates.items():
            # the membrane has moved a little by its own current before the gates do: take its new voltage
            steady, tau = formula(soma(0.5).v)[gate]
            expected = steady + (0.3 - steady) * np.exp(-0.025 / tau)
            worst[name] = max(worst.get(name, 0.0), abs(getattr(mech, gate) - expected))
print(json.dumps(worst))
""")
    assert len(worst) == 25
    assert max(worst.values()) < 2e-5, worst


def test_steady_states_and_currents() -> None:
    """After INITIAL: gates at their steady state, g = gbar*product of powers, i = g*(v - e)."""
    answer = simulate("""
from mod_formulas import CHANNELS, POWERS
reversal = {"na": 50.0, "k": -85.0, "ca": 132.0}
bars = {"Ca_HVA2": "Ca_HVA", "KdShu2007": "k"}
rows = []
for name, powers in POWERS.items():
    soma = h.Section(name="soma")
    soma.insert(name)
    mech = getattr(soma(0.5), name)
    stem = bars.get(name, "NaTg" if name.startswith("NaTg") else name.removeprefix("TC_"))
    stem = "h_max" if name == "TC_ih_Bud97" else stem + "bar"
    setattr(mech, "g" + stem, 0.002)
    for ion, e in reversal.items():
        if hasattr(soma, "e" + ion):
            setattr(soma, "e" + ion, e)
    for v in (-77.3, -51.2, -20.4, 12.8):
        h.finitialize(v)
        h.fcurrent()
        gates = CHANNELS[name](v)
        g = 0.002 * np.prod([gates[gate][0] ** power for gate, power in powers.items()])
        if name in ("Ih", "TC_ih_Bud97"):
            current, e = (mech.ihcn, -45.0) if name == "Ih" else (mech.ih, -43.0)
        elif name == "KdShu2007":
            current, e = mech.ik, -100.0
        else:
            ion = next(i for i in reversal if hasattr(mech, "i" + i))
            current, e = getattr(mech, "i" + ion), reversal[ion]
        rows.append((name, v, current, g * (v - e)))
print(json.dumps(rows))
""")
    assert len({row[0] for row in answer}) == 21
    for name, v, current, expected in answer:
        assert current == pytest.approx(expected, rel=1e-6), (name, v)


def test_calcium_mechanisms() -> None:
    """Shells: influx by the formula and decay; SK by its Hill curve; GHK currents of the thalamic channels."""
    answer = simulate("""
from mod_formulas import CHANNELS
F, R = 96485.33212, 8.314462618
out = {}
for name, minimum, decay, gamma in (("CaDynamics_E2", 1e-4, 80, 0.05),
        ("CaDynamics_DC0", 6.5e-5, 70, 0.01), ("TC_cad", 5e-5, 5, 0.05)):
    soma = h.Section(name="soma"); soma.L = soma.diam = 12.5
    soma.insert(name); soma.insert("Ca")
    soma(0.5).Ca.gCabar = 1e-3
    soma.eca = 120
    h.finitialize(-15)
    before = soma(0.5).cai
    h.fadvance()
    volume = 4 / 12.5 if name == "CaDynamics_DC0" else 1 / 0.1
    drive = -1e4 * soma(0.5).ica * gamma * volume / (2 * F)
    end = minimum + drive * decay
    exact = end + (before - end) * np.exp(-0.025 / decay)
    implicit = (before + 0.025 * end / decay) / (1 + 0.025 / decay)
    out[name] = (before, soma(0.5).cai - before, (implicit if name == "TC_cad" else exact) - before)
soma = h.Section(name="soma"); soma.insert("SK_E2"); soma.ek = -85
soma(0.5).SK_E2.gSK_E2bar = 0.01
soma(0.5).cai = 6e-4
h.cai0_ca_ion = 6e-4
h.finitialize(-60); h.fcurrent()
out["SK_E2"] = (0, soma(0.5).SK_E2.ik, 0.01 / (1 + (4.3e-4 / 6e-4) ** 4.8) * 25)
def ghk(v, inside, outside):
    z = 1e-3 * 2 * F * v / (R * (34 + 273.15))
    return 1e-3 * 2 * F * (inside * -z / (np.exp(-z) - 1) - outside * z / (np.exp(z) - 1))
for name, gates in (("TC_iT_Des98", {"m": 2, "h": 1}), ("TC_iL", {"m": 2})):
    soma = h.Section(name="soma"); soma.insert(name)
    h.finitialize(-42.0)
    mech = getattr(soma(0.5), name)
    mech.m = 0.6
    if "h" in gates: mech.h = 0.4
    h.fcurrent()
    open_ = 0.6**2 * (0.4 if "h" in gates else 1)
    out[name] = (0, mech.ica, mech.pcabar * open_ * ghk(-42.0, soma(0.5).cai, soma(0.5).cao))
print(json.dumps(out))
""")
    assert answer["CaDynamics_DC0"][0] == 6.5e-5
    assert answer["TC_cad"][0] == 5e-5
    for name, (_, measured, expected) in answer.items():
        assert measured == pytest.approx(expected, rel=2e-4), name


def test_tetrodotoxin_blocks_sodium_only_when_switched_on() -> None:
    answer = simulate("""
out = {}
for name in ("NaTa_t", "NaTs2_t", "NaTg", "NaTg_axon", "NaTg_somadend", "Nap_Et2",
             "NaTg_persistent_axon", "NaTg_persistent_somadend"):
    soma = h.Section(name="soma"); soma.insert(name)
    mech = getattr(soma(0.5), name)
    setattr(mech, "gNaTgbar" if name.startswith("NaTg") else f"g{name}bar", 0.1)
    currents = []
    h.finitialize(-30); h.fcurrent(); currents.append(mech.ina)
    soma.insert("TTXDynamicsSwitch")
    for level in (1e-12, 1.0, 1e-14):
        soma(0.5).TTXDynamicsSwitch.ttxo_level = level
        h.finitialize(-30); h.fcurrent(); currents.append(mech.ina)
    out[name] = currents
    soma(0.5).TTXDynamicsSwitch.ttxo_level = 1e-12
    h.finitialize(-30); h.fadvance()
    soma(0.5).TTXDynamicsSwitch.ttxo_level = 1.0
    h.fadvance(); h.fadvance(); h.fadvance()
    currents.append(mech.m)
print(json.dumps(out))
""")
    for name, (without, off, on, disabled, m_later) in answer.items():
        assert without < 0, name
        assert off == disabled == without, name
        assert on == 0, name
        assert m_later == 0, name


SYNAPSE = """
def dual(t, rise, decay):
    peak = rise * decay / (decay - rise) * np.log(decay / rise)
    scale = 1 / (np.exp(-peak / decay) - np.exp(-peak / rise))
    return np.where(t > 0, scale * (np.exp(-np.clip(t, 0, None) / decay) - np.exp(-np.clip(t, 0, None) / rise)), 0)

def driven(name, times, weight=2.0):
    soma = patch()
    soma.insert("pas")
    synapse = getattr(h, name)(soma(0.5))
    stim, vector = h.VecStim(), h.Vector(times)
    stim.play(vector)
    netcon = h.NetCon(stim, synapse, 0, 0.1, weight)
    KEEP.extend([soma, stim, vector, netcon])
    return soma, synapse, netcon
"""


def test_conductances_are_dual_exponentials() -> None:
    answer = simulate(
        SYNAPSE
        + """
out = []
cases = (
    ("ProbAMPANMDA_EMS", "AMPA", 1.7, 0.2, 1), ("ProbAMPANMDA_EMS", "NMDA", 43, 0.29, 0.71),
    ("ProbGABAAB_EMS", "GABAA", 8, 0.2, 1), ("ProbGABAAB_EMS", "GABAB", 260.9, 3.5, 0.4),
    ("DetAMPANMDA", "AMPA", 1.7, 0.2, 1), ("DetGABAAB", "GABAB", 260.9, 3.5, 0.4), ("DetGABAAB", "GABAA", 8, 0.2, 1),
)
for name, receptor, decay, rise, ratio in cases:
    soma, synapse, netcon = driven(name, [4.9])
    if name.startswith("Prob"):
        synapse.setRNG(1, 2, 3)
    if "GABA" in name:
        synapse.GABAB_ratio = 0.4
    synapse.Use = 1
    g = h.Vector().record(getattr(synapse, "_ref_g_" + receptor))
    v = h.Vector().record(soma(0.5)._ref_v)
    t = h.Vector().record(h._ref_t)
    run(40)
    g, v, t = (np.array(x) for x in (g, v, t))
    expected = 1e-3 * 2.0 * ratio * dual(t - 5.0, rise, decay)
    if receptor == "NMDA":
        # the block sees the voltage before the step
        expected[1:] /= 1 + np.exp(-0.07207477 * v[:-1]) / 2.5522415
    # a delivered event acts in the step that follows
    shift = int(np.argmax(g > 0)) - int(np.argmax(expected > 0))
    late = slice(400, 1500)
    out.append((name, receptor, shift, float(np.max(np.abs(g[late] - expected[late]))), float(expected.max())))
print(json.dumps(out))
"""
    )
    assert len(answer) == 7
    for name, receptor, _, difference, peak in answer:
        assert difference < 0.02 * peak, (name, receptor)


def test_mean_field_plasticity_of_deterministic_synapses() -> None:
    """U, D and F against the recursion of Tsodyks and Markram, per NetCon."""
    answer = simulate(
        SYNAPSE
        + """
from math import exp
times = [5.0, 12.0, 14.5, 60.0, 61.0]
out = []
for name in ("DetAMPANMDA", "DetGABAAB"):
    for use, dep, fac in ((0.5, 100, 20), (0.3, 500, 0), (0.08, 40, 300)):
        soma, synapse, netcon = driven(name, times)
        synapse.Use, synapse.Dep, synapse.Fac = use, dep, fac
        run(80)
        u, r, last = 0.0, 1.0, 0.0
        for event in times:
            gap = event + 0.1 - last
            u = use if fac == 0 else u * exp(-gap / fac) + use * (1 - u * exp(-gap / fac))
            r = 1 - (1 - r) * exp(-gap / dep)
            release = u * r
            r -= release
            last = event + 0.1
        out.append((name, netcon.weight[3], r, netcon.weight[4], release, netcon.weight[5], u))
print(json.dumps(out))
"""
    )
    assert len(answer) == 6
    for name, r, r_expected, release, release_expected, u, u_expected in answer:
        assert r == pytest.approx(r_expected, rel=1e-9), name
        assert release == pytest.approx(release_expected, rel=1e-9), name
        assert u == pytest.approx(u_expected, rel=1e-9), name


@pytest.mark.parametrize("name", ["ProbAMPANMDA_EMS", "ProbGABAAB_EMS"])
@pytest.mark.parametrize("depleted", [0, 1])
def test_release_draws_in_the_published_order(name: str, depleted: int) -> None:
    """Sites recover first, then release, from one stream that INITIAL rewinds: every state after every event."""
    got, expected, again = simulate(
        SYNAPSE
        + f"""
from math import exp
name, depleted = {name!r}, {depleted}
times = [3.0, 5.0, 6.5, 20.0, 21.0, 22.0, 60.0, 62.0, 140.0, 141.0]
setattr(h, "init_depleted_" + name, depleted)
soma, synapse, netcon = driven(name, times)
synapse.Use, synapse.Dep, synapse.Fac, synapse.Nrrp = 0.45, 30, 25, 4
synapse.setRNG(7, 8, 9)
def measure():
    states = []
    h.finitialize(-65)
    for event in times:
        while h.t < event + 0.4:
            h.fadvance()
        states.append((synapse.u, synapse.occupied, synapse.unoccupied, synapse.tsyn))
    return states
got = measure()
random = h.Random(); random.Random123(7, 8, 9); random.uniform(0, 1)
random.seq(0)
u, occupied, last, expected = 0.0, 0 if depleted else 4, 0.0, []
for event in times:
    gap = event + 0.1 - last
    u = u * exp(-gap / 25); u += 0.45 * (1 - u)
    survive = exp(-gap / 30)
    occupied += sum(random.repick() > survive for _ in range(4 - occupied))
    occupied -= sum(random.repick() < u for _ in range(occupied))
    last = event + 0.1
    expected.append((u, occupied, 4 - occupied, last))
print(json.dumps((got, expected, measure() == got)))
"""
    )
    assert again
    for after, wanted in zip(got, expected, strict=True):
        assert after == pytest.approx(wanted, rel=1e-12)
    assert len({row[1] for row in got}) > 1


def test_delayed_weights_change_presynaptic_netcons_only() -> None:
    answer = simulate(
        SYNAPSE
        + """
out = {}
for name, kinds in (("ProbAMPANMDA_EMS", 4), ("DetGABAAB", 7), ("GluSynapse", 5)):
    soma, synapse, netcon = driven(name, [1.0])
    mini = h.NetCon(None, synapse, 0, 0.1, 1.0)
    netcon.weight[kinds], mini.weight[kinds] = 0, 1
    assert getattr(h, "nc_type_param_" + name) == kinds
    if name != "DetGABAAB":
        synapse.setRNG(1, 2, 3)
    synapse.conductance = 3.0
    times, weights = h.Vector([10, 20]), h.Vector([0.5, 2.0])
    synapse.setup_delay_vecs(times, weights)
    seen = []
    h.finitialize(-65)
    for stop in (9, 11, 21):
        while h.t < stop: h.fadvance()
        seen.append((netcon.weight[0], mini.weight[0]))
    out[name] = seen
print(json.dumps(out))
"""
    )
    for name in ("ProbAMPANMDA_EMS", "DetGABAAB"):
        assert answer[name] == [[2, 1], [1.5, 1], [6, 1]]
    assert answer["GluSynapse"] == [[1, 1], [1.5, 1], [6, 1]]


def test_plastic_synapse_moves_with_calcium() -> None:
    """Paired strong input raises calcium: WATCH flags switch, rho moves, and Use follows slowly; no input: nothing."""
    answer = simulate(
        SYNAPSE
        + """
out = []
for times in ([], list(range(10, 400, 10))):
    soma, synapse, netcon = driven("GluSynapse", times)
    soma.e_pas = -20 if times else -70
    synapse.setRNG(3, 2, 1); synapse.Use = 0.9; synapse.Nrrp = 5
    run(500)
    out.append((synapse.rho_GB, synapse.Use_GB, synapse.cai_CR, synapse.effcai_GB,
                synapse.pot_GB, synapse.dep_GB))
print(json.dumps(out))
"""
    )
    rest, driven = answer
    assert rest[0] == rest[4] == rest[5] == 0
    assert 0.89 < rest[1] < 0.9
    assert driven[3] > rest[3]
    assert driven[0] > 0
    assert driven[5] == 1


def test_current_and_conductance_sources() -> None:
    answer = simulate("""
soma = patch(); soma.insert("pas")
h.CVode().use_fast_imem(1)
source = h.MembraneCurrentSource(soma(0.5)); setattr(source, "del", 2); source.dur, source.amp = 3, 0.05
i = h.Vector().record(source._ref_i); v = h.Vector().record(soma(0.5)._ref_v)
run(8); i = np.array(i); v1 = np.array(v)
other = patch(); other.insert("pas")
clamp = h.IClamp(other(0.5)); clamp.delay, clamp.dur, clamp.amp = 2, 3, 0.05
w = h.Vector().record(other(0.5)._ref_v)
third = patch(); third.insert("pas")
g = h.ConductanceSource(third(0.5)); g.dur1, g.amp1, g.dur2, g.amp2, g.dur3, g.amp3, g.rs = 2, -60, 2, -50, 2, -40, 5
fourth = patch(); fourth.insert("pas")
se = h.SEClamp(fourth(0.5)); se.dur1, se.amp1, se.dur2, se.amp2, se.dur3, se.amp3, se.rs = 2, -60, 2, -50, 2, -40, 5
gi, si = h.Vector().record(g._ref_i), h.Vector().record(se._ref_i)
gv, sv = h.Vector().record(third(0.5)._ref_v), h.Vector().record(fourth(0.5)._ref_v)
run(8)
print(json.dumps((
    sorted(set(i.tolist())), float(i[int(3 / 0.025)]), float(np.max(np.abs(v1 - np.array(w)))),
    float(np.max(np.abs(np.array(gv) - np.array(sv)))), float(np.max(np.abs(np.array(gi) + np.array(si))[2:])),
    float(np.ptp(np.array(gv))), float(gi[300]),
)))
""")
    values, during, like_iclamp, like_seclamp, currents, moved, off = answer
    assert values == [-0.05, 0]
    assert during == -0.05
    assert like_iclamp < 1e-9
    assert like_seclamp < 1e-9
    assert currents < 1e-9
    assert moved > 5
    assert off == 0


def test_gap_couples_to_the_other_voltage() -> None:
    answer = simulate("""
soma = patch()
gap = h.Gap(soma(0.5)); default = gap.g; gap.g = 3; gap.vgap = -70
h.finitialize(-60); h.fcurrent()
print(json.dumps((default, gap.i)))
""")
    assert answer == [1, pytest.approx(0.03)]


def test_vecstim_fires_at_its_times_and_skips_the_past() -> None:
    answer = simulate("""
stim, vector, spikes = h.VecStim(), h.Vector([-3, 0, 1.23, 1.23, 7.5, 40]), h.Vector()
stim.play(vector)
netcon = h.NetCon(stim, None); netcon.record(spikes)
run(20); first = spikes.to_python()
h.finitialize(-65)
while h.t < 5: h.fadvance()
spikes.resize(0)
state = h.SaveState(); state.save()
h.finitialize(-65); state.restore(); spikes.resize(0)
while h.t < 20: h.fadvance()
restored = spikes.to_python()
stim.play(); run(20)
print(json.dumps((first, restored, spikes.size())))
""")
    assert answer == [[0, 1.23, 1.23, 7.5], [7.5], 0]


def test_inhomogeneous_poisson_cell() -> None:
    """Same ids, same events; the rate of each bin within four standard deviations; resumed exactly."""
    answer = simulate("""
stim, spikes = h.InhPoissonStim(), h.Vector()
bins, rates = h.Vector([100, 5100, 10100]), h.Vector([40, 0, 200])
stim.setTbins(bins); stim.setRate(rates); stim.duration = 15000
netcon = h.NetCon(stim, None); netcon.record(spikes)
h.dt = 1
def go(*ids):
    stim.setRNGs(*ids); run(16000); return spikes.to_python()
a, b, c = go(1, 2, 3, 4, 5, 6), go(1, 2, 3, 4, 5, 6), go(1, 2, 4, 4, 5, 6)
random = h.Random(); random.Random123(1, 2, 3); random.negexp(1); random.seq(0); random.repick()
first = 1000 / 200 * random.repick()
silent = go()
stim.setRNGs(1, 2, 3, 4, 5, 6)
h.finitialize(-65)
while h.t < 12000: h.fadvance()
stim.resumeEvent(); spikes.resize(0)
while h.t < 16000: h.fadvance()
t0 = min(spikes.to_python())
print(json.dumps((a == b, a == c, stim.rmax, len([x for x in a if x < 5100]), len([x for x in a if 5100 < x < 10100]),
    len([x for x in a if x > 10100]), max(a), len(silent),
    spikes.to_python() == [x for x in a if x >= t0], first, a[0])))
""")
    same, other, rmax, low, none, high, last, silent, resumed, candidate, first_spike = answer
    assert same
    assert not other
    assert resumed
    assert rmax == 200
    assert silent == 0
    assert abs(low - 204) < 4 * 204**0.5
    assert none == 0
    assert abs(high - 1000) < 4 * 1000**0.5
    assert last < 15100
    assert first_spike >= candidate


@pytest.mark.parametrize(("name", "gate"), [("StochKv", "n"), ("StochKv3", "n*l")])
def test_stochastic_channels(name: str, gate: str) -> None:
    """deterministic = 1 is the mean; channels are whole numbers, repeatable, and near the mean."""
    answer = simulate(f"""
name = {name!r}
soma = patch(); soma.insert(name); soma.insert("pas"); soma.ek = -85
mech = getattr(soma(0.5), name)
h.v_init = -20
clamp = h.SEClamp(soma(0.5)); clamp.dur1, clamp.amp1, clamp.rs = 1e9, 5, 1e-6
getattr(h, "setdata_" + name)(soma(0.5))
def go(deterministic, *ids):
    mech.deterministic = deterministic
    getattr(h, "setdata_" + name)(soma(0.5)); getattr(h, "setRNG_" + name)(*ids)
    open_ = h.Vector().record(mech._ref_N1 if name == "StochKv" else mech._ref_N1L1)
    run(200, -20)
    return np.array(open_)
a, b, c = go(0, 1, 2, 3), go(0, 1, 2, 3), go(0, 1, 2, 4)
d = go(1)
n = mech.n * (mech.l if name == "StochKv3" else 1)
per_channel = mech.gamma / soma(0.5).area() * (1e-4 if name == "StochKv3" else 2.3 ** ((34 - 23) / 10))
current = mech.gk * (soma(0.5).v + 85) * (1 if name == "StochKv3" else 1e-4)
print(json.dumps((bool((a == b).all()), bool((a == c).all()), bool((a == a.round()).all()),
    float(a[2000:].mean()), float(d[2000:].mean()),
    mech.N, d[-1], n * mech.N, mech.gk, d[-1] * per_channel, mech.ik, current, float(a.std()))))
""")
    same, other, whole, mean, limit, n, last, gate_n, gk, gk_expected, ik, ik_expected, spread = answer
    assert same
    assert not other
    assert whole
    assert n > 10
    assert last == pytest.approx(gate_n, rel=1e-9)
    assert gk == pytest.approx(gk_expected, rel=1e-9)
    assert ik == pytest.approx(ik_expected, rel=1e-3)
    assert abs(mean - limit) < 0.25 * n**0.5 + 0.02 * n
    assert spread > 0


CORENEURON = """
import json, sys, tempfile
from neurodamus_like.engine import mechanisms, nrn
mechanisms.load_library(mechanisms.build_mechanisms([], coreneuron=True))
from neuron import coreneuron
h, pc = nrn.h, nrn.pc
h.celsius = 34
soma = h.Section(name="soma"); soma.L = soma.diam = 20
for name in ("pas", "NaTs2_t", "SKv3_1", "StochKv3", "Ih", "Ca_HVA", "CaDynamics_E2", "SK_E2", "TTXDynamicsSwitch"):
    soma.insert(name)
soma.ek, soma.ena = -85, 50
soma(0.5).NaTs2_t.gNaTs2_tbar = 0.9
soma(0.5).SKv3_1.gSKv3_1bar = 0.2
soma(0.5).StochKv3.gkbar = 5e-4
h.setdata_StochKv3(soma(0.5)); h.setRNG_StochKv3(1, 2, 3)
pc.set_gid2node(1, 0); pc.cell(1, h.NetCon(soma(0.5)._ref_v, None, sec=soma))
keep, synapses, netcons = [], [], []
for k, name in enumerate(("ProbAMPANMDA_EMS", "ProbGABAAB_EMS", "DetAMPANMDA", "DetGABAAB", "GluSynapse")):
    synapse = getattr(h, name)(soma(0.5))
    synapses.append(synapse)
    if hasattr(synapse, "setRNG"):
        synapse.Nrrp = 3
    synapse.Use = 0.5
    synapse.conductance = 1.5
    times, weights = h.Vector([20, 40]), h.Vector([0.5, 2.0])
    synapse.setup_delay_vecs(times, weights)
    for gid, make in ((100 + k, h.VecStim), (200 + k, h.InhPoissonStim)):
        stim = make()
        if gid < 200:
            vector = h.Vector([5 + k, 11, 30.5]); stim.play(vector); keep.append(vector)
        else:
            bins, rates = h.Vector([0, 30]), h.Vector([100, 300])
            stim.setTbins(bins); stim.setRate(rates); stim.setRNGs(k, 1, 2, k, 4, 5); keep += [bins, rates]
        pc.set_gid2node(gid, 0); pc.cell(gid, h.NetCon(stim, None))
        netcon = pc.gid_connect(gid, synapse); netcon.delay = 0.5
        keep.append(stim); netcons.append(netcon)
    keep += [times, weights]
current = h.MembraneCurrentSource(soma(0.5)); current.dur, current.amp = 30, 0.5
spikes, gids = h.Vector(), h.Vector()
pc.spike_record(-1, spikes, gids)
v = h.Vector().record(soma(0.5)._ref_v)
h.cvode.cache_efficient(1)
def go(chunks):
    spikes.resize(0); gids.resize(0); v.resize(0)
    for netcon in netcons:
        netcon.weight[0] = 0.8  # delayed weights stay after a run
    for k, synapse in enumerate(synapses):
        if hasattr(synapse, "setRNG"):
            synapse.setRNG(k, 2, 3)  # INITIAL of GluSynapse leaves its stream where it is
    pc.set_maxstep(10); h.finitialize(-70)
    for k in range(chunks):
        pc.psolve(60 * (k + 1) / chunks)
    assert [netcon.weight[0] for netcon in netcons] == [3.0] * len(netcons)  # conductance * the last weight
    return sorted(zip(spikes.to_python(), gids.to_python())), v.to_python()
plain, v0 = go(1)
coreneuron.enable = True; coreneuron.verbose = 0
core, v1 = go(1)
chunked, v2 = go(3)
print(json.dumps((len(plain), len([1 for _, gid in plain if gid == 1]), plain == core, plain == chunked,
    max(abs(a - b) for a, b in zip(v0, v1)), max(abs(a - b) for a, b in zip(v0, v2)), len(v0), len(v1))))
"""


def test_coreneuron_gives_the_same_spikes() -> None:
    """All synapses, stimuli and a stochastic channel in one cell: NEURON, CoreNEURON, and CoreNEURON in pieces."""
    done = run_python(CORENEURON, 900)
    assert done.returncode == 0, done.stderr[-3000:]
    count, own, same, same_in_pieces, difference, in_pieces, n0, n1 = json.loads(done.stdout.splitlines()[-1])
    assert count > 20
    assert own > 0
    assert same
    assert same_in_pieces
    assert n0 == n1
    assert difference < 1e-6
    assert in_pieces < 1e-6
