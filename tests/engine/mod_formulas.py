"""Published formulas of the core's ion channels in numpy, written independently of the MOD files.

Each entry of :data:`CHANNELS` gives, at a clamped voltage v (mV): the steady state of the gates, and the conductance
density per unit of maximal conductance.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp

QT = 2.3 ** ((34 - 21) / 10)
Gate = tuple[float, float]


def linoid(x: float, slope: float) -> float:
    """x/(1 - exp(-x/slope)), with its limit at 0."""
    return slope if abs(x) < 1e-9 else x / (1 - exp(-x / slope))


def from_rates(alpha: float, beta: float, speedup: float = 1.0) -> Gate:
    return alpha / (alpha + beta), 1 / (alpha + beta) / speedup


def sodium_m(v: float, half: float, slope: float) -> Gate:
    return from_rates(0.182 * linoid(v - half, slope), 0.124 * linoid(half - v, slope), QT)


def sodium_h(v: float, half: float, slope: float) -> Gate:
    return from_rates(0.015 * linoid(half - v, slope), 0.015 * linoid(v - half, slope), QT)


def hva(v: float, shift: float = 0.0) -> dict[str, Gate]:
    w = v + shift
    return {
        "m": from_rates(0.055 * linoid(27 + v, 3.8), 0.94 * exp((-75 - v) / 17)),
        "h": from_rates(0.000457 * exp((-13 - w) / 50), 0.0065 / (exp((-w - 15) / 28) + 1)),
    }


def nap_h_tau(v: float) -> float:
    return 1 / (2.88e-6 * linoid(-(v + 17), 4.63) + 6.94e-6 * linoid(v + 64.4, 2.63)) / QT


def k_pst(v: float) -> dict[str, Gate]:
    u = v + 10
    tau_m = 1.25 + 175.03 * exp(0.026 * u) if u < -50 else 1.25 + 13 * exp(-0.026 * u)
    tau_h = 360 + (1010 + 24 * (u + 55)) * exp(-(((u + 75) / 48) ** 2))
    return {
        "m": (1 / (1 + exp(-(u + 1) / 12)), tau_m / QT),
        "h": (1 / (1 + exp((u + 54) / 11)), tau_h / QT),
    }


def k_tst(v: float) -> dict[str, Gate]:
    u = v + 10
    return {
        "m": (1 / (1 + exp(-u / 19)), (0.34 + 0.92 * exp(-(((u + 71) / 59) ** 2))) / QT),
        "h": (1 / (1 + exp((u + 66) / 10)), (8 + 49 * exp(-(((u + 73) / 23) ** 2))) / QT),
    }


def lva(v: float) -> dict[str, Gate]:
    u = v + 10
    return {
        "m": (1 / (1 + exp(-(u + 30) / 6)), (5 + 20 / (1 + exp((u + 25) / 5))) / QT),
        "h": (1 / (1 + exp((u + 80) / 6.4)), (20 + 50 / (1 + exp((u + 40) / 7))) / QT),
    }


def sodium(
    half_m: float, half_h: float, slope_m: float = 6, slope_h: float = 6
) -> Callable[[float], dict[str, Gate]]:
    return lambda v: {"m": sodium_m(v, half_m, slope_m), "h": sodium_h(v, half_h, slope_h)}


def persistent(half: float, slope: float) -> Callable[[float], dict[str, Gate]]:
    return lambda v: {"m": sodium_m(v, half, slope)}


def nap(half_m: float, k_m: float, half_h: float, k_h: float) -> Callable[[float], dict[str, Gate]]:
    return lambda v: {
        "m": (1 / (1 + exp(-(v - half_m) / k_m)), 6 * sodium_m(v, -38, 6)[1]),
        "h": (1 / (1 + exp((v - half_h) / k_h)), nap_h_tau(v)),
    }


def tc_hh(v: float) -> dict[str, Gate]:
    q = 3 ** ((34 - 36) / 10)
    u, w = v + 55.5, v + 45.5
    return {
        "m": from_rates(0.32 * linoid(u - 13, 4), 0.28 * linoid(40 - u, 5), q),
        "h": from_rates(0.128 * exp((17 - u) / 18), 4 / (1 + exp((40 - u) / 5)), q),
        "n": from_rates(0.032 * linoid(w - 15, 5), 0.5 * exp((10 - w) / 40), q),
    }


def tc_ia(v: float) -> dict[str, Gate]:
    q = 2.8 ** ((34 - 23) / 10)
    m_tau = (0.37 + 1 / (exp((v + 35.8) / 19.7) + exp(-(v + 79.7) / 12.7))) / q
    fast = 1 / (exp((v + 46) / 5) + exp(-(v + 238) / 37.5)) / q
    h = 1 / (1 + exp((v + 78) / 6))
    return {
        "m1": (1 / (1 + exp(-(v + 60) / 8.5)), m_tau),
        "m2": (1 / (1 + exp(-(v + 36) / 20)), m_tau),
        "h1": (h, fast if v < -63 else 19 / q),
        "h2": (h, fast if v < -73 else 60 / q),
    }


def tc_it(v: float) -> dict[str, Gate]:
    q = 2.5 ** ((34 - 24) / 10)
    u = v + 2
    h_tau = exp((u + 467) / 66.6) if u < -80 else 28 + exp(-(u + 22) / 10.5)
    m_tau = 0.612 + 1 / (exp(-(u + 132) / 16.7) + exp((u + 16.8) / 18.2))
    return {"m": (1 / (1 + exp(-(u + 57) / 6.2)), m_tau / q), "h": (1 / (1 + exp((u + 81) / 4)), h_tau / q)}


def tc_il(v: float) -> dict[str, Gate]:
    _, tau = from_rates(
        1.6 / (1 + exp(-0.072 * (v - 5))), 0.02 * linoid(1.31 - v, 5.36), 3 ** ((34 - 23.5) / 10)
    )
    return {"m": (1 / (1 + exp(-(v + 10) / 10)), tau)}


CHANNELS: dict[str, Callable[[float], dict[str, Gate]]] = {
    "Ca": hva,
    "Ca_HVA": hva,
    "Ca_HVA2": lambda v: {"m": hva(v)["m"], "h": hva(v, 12.3)["h"]},
    "Ca_LVAst": lva,
    "Ih": lambda v: {"m": from_rates(0.00643 * linoid(-(v + 154.9), 11.9), 0.193 * exp(v / 33.1))},
    "Im": lambda v: {"m": from_rates(3.3e-3 * exp(0.1 * (v + 35)), 3.3e-3 * exp(-0.1 * (v + 35)), QT)},
    "K_Pst": k_pst,
    "K_Tst": k_tst,
    "KdShu2007": lambda v: {
        "m": (1 - 1 / (1 + exp((v + 43) / 8)), 0.6),
        "h": (1 / (1 + exp((v + 67) / 7.3)), 1500.0),
    },
    "Kv7": lambda v: {"n": from_rates(0.036 * exp(0.909 * v / 26.55), 0.002 * exp(-1.102 * v / 26.55))},
    "NaTa_t": sodium(-38, -66),
    "NaTs2_t": sodium(-32, -60),
    "NaTg": sodium(-38, -66),
    "NaTg_axon": sodium(-48, -80, 6, 5.5),
    "NaTg_somadend": sodium(-37, -67, 7, 7),
    "NaTg_persistent_axon": persistent(-48, 6),
    "NaTg_persistent_somadend": persistent(-37, 7),
    "Nap_Et2": nap(-52.6, 4.6, -48.8, 10),
    "SKv3_1": lambda v: {"m": (1 / (1 + exp(-(v - 18.7) / 9.7)), 4 / (1 + exp(-(v + 46.56) / 44.14)))},
    "TC_HH": tc_hh,
    "TC_Nap_Et2": nap(-56.93, 9.09, -58.7, 14.2),
    "TC_iA": tc_ia,
    "TC_iL": tc_il,
    "TC_iT_Des98": tc_it,
    "TC_ih_Bud97": lambda v: {
        "m": (1 / (1 + exp((v + 86.4) / 11.2)), 1 / (exp(-14.59 - 0.086 * v) + exp(-1.87 + 0.0701 * v)))
    },
}
"""Mechanism -> v -> gate -> (steady state, time constant in ms); at 34 degC."""

POWERS: dict[str, dict[str, int]] = {
    "Ca": {"m": 2, "h": 1},
    "Ca_HVA": {"m": 2, "h": 1},
    "Ca_HVA2": {"m": 2, "h": 1},
    "Ca_LVAst": {"m": 2, "h": 1},
    "K_Pst": {"m": 2, "h": 1},
    "K_Tst": {"m": 4, "h": 1},
    **{name: {"m": 3, "h": 1} for name in ("NaTa_t", "NaTs2_t", "NaTg", "NaTg_axon", "NaTg_somadend")},
    **{name: {"m": 3, "h": 1} for name in ("Nap_Et2", "TC_Nap_Et2")},
    **{name: {"m": 3} for name in ("NaTg_persistent_axon", "NaTg_persistent_somadend")},
    "Ih": {"m": 1},
    "Im": {"m": 1},
    "Kv7": {"n": 1},
    "KdShu2007": {"m": 1, "h": 1},
    "SKv3_1": {"m": 1},
    "TC_ih_Bud97": {"m": 1},
}
"""Exponents of the gates in the conductance."""
