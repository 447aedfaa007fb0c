TITLE Persistent sodium current
COMMENT
Kinetics after Magistretti & Alonso (1999) J. Gen. Physiol. 114:491 (activation three times slower than the transient
current's); rates scaled from 21 to 34 degC with a Q10 of 2.3 (a constant, whatever celsius is).
Tetrodotoxin blocks it: see TTXDynamicsSwitch.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX Nap_Et2
    USEION na READ ena WRITE ina
    USEION ttx READ ttxo, ttxi VALENCE 1
    RANGE gNap_Et2bar, gNap_Et2, ina
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
    (molar) = (1/liter)
    (mM) = (millimolar)
}

PARAMETER {
    gNap_Et2bar = 0.00001 (S/cm2)
}

ASSIGNED {
    v (mV)
    ena (mV)
    ttxo (mM)
    ttxi (mM)
    ina (mA/cm2)
    gNap_Et2 (S/cm2)
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
    gNap_Et2 = gNap_Et2bar*m*m*m*h
    ina = gNap_Et2*(v - ena)
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
        mInf = 1/(1 + exp((u + 52.6)/(-4.6)))
        if (u == -38) {
            u = u + 0.0001
        }
        alpha = (0.182*(u + 38))/(1 - exp(-(u + 38)/6))
        beta = (0.124*(-u - 38))/(1 - exp(-(-u - 38)/6))
        mTau = 6*(1/(alpha + beta))/qt

        hInf = 1/(1 + exp((u + 48.8)/10))
        if (u == -17) {
            u = u + 0.0001
        }
        if (u == -64.4) {
            u = u + 0.0001
        }
        alpha = -2.88e-6*(u + 17)/(1 - exp((u + 17)/4.63))
        beta = 6.94e-6*(u + 64.4)/(1 - exp(-(u + 64.4)/2.63))
        hTau = (1/(alpha + beta))/qt
    }
    UNITSON
}
