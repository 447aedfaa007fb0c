TITLE High-voltage-activated calcium current
COMMENT
Kinetics after Reuveni, Friedman, Amitai & Gutnick (1993) J. Neurosci. 13:4609. No temperature correction.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX Ca_HVA
    USEION ca READ eca WRITE ica
    RANGE gCa_HVAbar, gCa_HVA, ica
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
}

PARAMETER {
    gCa_HVAbar = 0.00001 (S/cm2)
}

ASSIGNED {
    v (mV)
    eca (mV)
    ica (mA/cm2)
    gCa_HVA (S/cm2)
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
    gCa_HVA = gCa_HVAbar*m*m*h
    ica = gCa_HVA*(v - eca)
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
    LOCAL alpha, beta, u
    UNITSOFF
    u = vm
    if (u == -27) {
        u = u + 0.0001
    }
    alpha = (0.055*(-27 - u))/(exp((-27 - u)/3.8) - 1)
    beta = 0.94*exp((-75 - u)/17)
    mInf = alpha/(alpha + beta)
    mTau = 1/(alpha + beta)
    alpha = 0.000457*exp((-13 - u)/50)
    beta = 0.0065/(exp((-u - 15)/28) + 1)
    hInf = alpha/(alpha + beta)
    hTau = 1/(alpha + beta)
    UNITSON
}
