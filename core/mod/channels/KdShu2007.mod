TITLE Slowly inactivating D-type potassium current of the axon
COMMENT
Kinetics after Shu, Yu, Yang & McCormick (2007) PNAS 104:11453. No temperature correction. The reversal potential
is this mechanism's own parameter: it does not follow the potassium ion's.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX KdShu2007
    USEION k WRITE ik
    RANGE gkbar, gk, ik, ek
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
}

PARAMETER {
    gkbar = 0.1 (S/cm2)
    ek = -100 (mV)
    mTau = 0.6 (ms)
    hTau = 1500 (ms)
}

ASSIGNED {
    v (mV)
    ik (mA/cm2)
    gk (S/cm2)
    mInf
    hInf
}

STATE {
    m
    h
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    gk = gkbar*m*h
    ik = gk*(v - ek)
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
    UNITSOFF
    mInf = 1 - 1/(1 + exp((vm + 43)/8))
    hInf = 1/(1 + exp((vm + 67)/7.3))
    UNITSON
}
