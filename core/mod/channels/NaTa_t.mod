TITLE Transient sodium current of the axon
COMMENT
Kinetics after Colbert & Pan (2002) Nat. Neurosci. 5:533 (axonal half points); rates scaled from 21 to
34 degC with a Q10 of 2.3 (a constant, whatever celsius is). Tetrodotoxin blocks it: see TTXDynamicsSwitch.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX NaTa_t
    USEION na READ ena WRITE ina
    USEION ttx READ ttxo, ttxi VALENCE 1
    RANGE gNaTa_tbar, gNaTa_t, ina
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
    (molar) = (1/liter)
    (mM) = (millimolar)
}

PARAMETER {
    gNaTa_tbar = 0.00001 (S/cm2)
}

ASSIGNED {
    v (mV)
    ena (mV)
    ttxo (mM)
    ttxi (mM)
    ina (mA/cm2)
    gNaTa_t (S/cm2)
    mInf
    mTau (ms)
    hInf
    hTau (ms)
}

STATE {
    m
    h
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    gNaTa_t = gNaTa_tbar*m*m*m*h
    ina = gNaTa_t*(v - ena)
}

DERIVATIVE states {
    rates(v)
    m' = (mInf - m)/mTau
    h' = (hInf - h)/hTau
}

INITIAL {
    rates(v)
    m = mInf
    h = hInf
}

PROCEDURE rates(vm (mV)) {
    LOCAL qt, alpha, beta, u
    UNITSOFF
    if (ttxi == 0.015625 && ttxo > 1e-12) {
        mInf = 0
        mTau = 1e-12
        hInf = 1
        hTau = 1e-12
    } else {
        qt = 2.952882641412121
        u = vm
        if (u == -38) {
            u = u + 0.0001
        }
        alpha = (0.182*(u + 38))/(1 - exp(-(u + 38)/6))
        beta = (0.124*(-u - 38))/(1 - exp(-(-u - 38)/6))
        mTau = (1/(alpha + beta))/qt
        mInf = alpha/(alpha + beta)

        if (u == -66) {
            u = u + 0.0001
        }
        alpha = (-0.015*(u + 66))/(1 - exp((u + 66)/6))
        beta = (-0.015*(-u - 66))/(1 - exp((-u - 66)/6))
        hTau = (1/(alpha + beta))/qt
        hInf = alpha/(alpha + beta)
    }
    UNITSON
}
