TITLE Transient sodium current, adjustable
COMMENT
Kinetics after Colbert & Pan (2002) Nat. Neurosci. 5:533 with free shifts (vshiftm, vshifth) and slopes (slopem,
slopeh) of activation and inactivation; rates scaled from 21 to 34 degC with a Q10 of 2.3 (a constant, whatever
celsius is). Tetrodotoxin blocks it: see TTXDynamicsSwitch.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX NaTg
    USEION na READ ena WRITE ina
    USEION ttx READ ttxo, ttxi VALENCE 1
    RANGE gNaTgbar, gNaTg, ina, vshiftm, vshifth, slopem, slopeh
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
    vshifth = 0 (mV)
    vshiftm = 0 (mV)
    slopeh = 6 (mV)
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
    hInf
    hTau (ms)
}

STATE {
    m
    h
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    gNaTg = gNaTgbar*m*m*m*h
    ina = gNaTg*(v - ena)
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
    LOCAL qt, alpha, beta, u, half
    UNITSOFF
    if (ttxi == 0.015625 && ttxo > 1e-12) {
        mInf = 0
        mTau = 1e-12
        hInf = 1
        hTau = 1e-12
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

        half = -66 + vshifth
        if (u == half) {
            u = u + 0.0001
        }
        alpha = (-0.015*(u - half))/(1 - exp((u - half)/slopeh))
        beta = (-0.015*(-u + half))/(1 - exp((-u + half)/slopeh))
        hTau = (1/(alpha + beta))/qt
        hInf = alpha/(alpha + beta)
    }
    UNITSON
}
