TITLE Persistent sodium current of the axon, adjustable
COMMENT
The activation of NaTg (after Colbert & Pan 2002, Nat. Neurosci. 5:533), without inactivation; free shift and slope;
rates scaled from 21 to 34 degC with a Q10 of 2.3 (a constant, whatever celsius is).
Tetrodotoxin blocks it: see TTXDynamicsSwitch.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX NaTg_persistent_axon
    USEION na READ ena WRITE ina
    USEION ttx READ ttxo, ttxi VALENCE 1
    RANGE gNaTgbar, gNaTg, ina, vshiftm, slopem
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
    (molar) = (1/liter)
    (mM) = (millimolar)
}

PARAMETER {
    gNaTgbar = 0.00001 (S/cm2)
    vshiftm = -10 (mV)
    slopem = 6 (mV)
}

ASSIGNED {
    v (mV)
    ena (mV)
    ttxo (mM)
    ttxi (mM)
    ina (mA/cm2)
    gNaTg (S/cm2)
    mInf
    mTau (ms)
}

STATE {
    m
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    gNaTg = gNaTgbar*m*m*m
    ina = gNaTg*(v - ena)
}

DERIVATIVE states {
    rates(v)
    m' = (mInf - m)/mTau
}

INITIAL {
    rates(v)
    m = mInf
}

PROCEDURE rates(vm (mV)) {
    LOCAL qt, alpha, beta, u, half
    UNITSOFF
    if (ttxi == 0.015625 && ttxo > 1e-12) {
        mInf = 0
        mTau = 1e-12
    } else {
        qt = 2.952882641412121
        u = vm
        half = -38 + vshiftm
        if (u == half) {
            u = u + 0.0001
        }
        alpha = (0.182*(u - half))/(1 - exp(-(u - half)/slopem))
        beta = (0.124*(-u + half))/(1 - exp(-(-u + half)/slopem))
        mTau = (1/(alpha + beta))/qt
        mInf = alpha/(alpha + beta)
    }
    UNITSON
}
