TITLE Transient sodium current of the soma
COMMENT
Kinetics after Colbert & Pan (2002) Nat. Neurosci. 5:533 (half points 6 mV above the axon's); rates scaled from 21 to
34 degC with a Q10 of 2.3 (a constant, whatever celsius is). Tetrodotoxin blocks it: see TTXDynamicsSwitch.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX NaTs2_t
    USEION na READ ena WRITE ina
    USEION ttx READ ttxo, ttxi VALENCE 1
    RANGE gNaTs2_tbar, gNaTs2_t, ina
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
    (molar) = (1/liter)
    (mM) = (millimolar)
}

PARAMETER {
    gNaTs2_tbar = 0.00001 (S/cm2)
}

ASSIGNED {
    v (mV)
    ena (mV)
    ttxo (mM)
    ttxi (mM)
    ina (mA/cm2)
    gNaTs2_t (S/cm2)
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
    gNaTs2_t = gNaTs2_tbar*m*m*m*h
    ina = gNaTs2_t*(v - ena)
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
        if (u == -32) {
            u = u + 0.0001
        }
        alpha = (0.182*(u + 32))/(1 - exp(-(u + 32)/6))
        beta = (0.124*(-u - 32))/(1 - exp(-(-u - 32)/6))
        mTau = (1/(alpha + beta))/qt
        mInf = alpha/(alpha + beta)

        if (u == -60) {
            u = u + 0.0001
        }
        alpha = (-0.015*(u + 60))/(1 - exp((u + 60)/6))
        beta = (-0.015*(-u - 60))/(1 - exp((-u - 60)/6))
        hTau = (1/(alpha + beta))/qt
        hInf = alpha/(alpha + beta)
    }
    UNITSON
}
