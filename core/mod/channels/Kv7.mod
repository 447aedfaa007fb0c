TITLE Axonal Kv7 (M-type) potassium current
COMMENT
Kinetics after Battefeld, Tran, Gavrilis, Cooper & Kole (2014) J. Neurosci. 34:3719. No temperature correction.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX Kv7
    USEION k READ ek WRITE ik
    RANGE gKv7bar, gKv7, ik
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
}

PARAMETER {
    gKv7bar = 0.00001 (S/cm2)
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
    gKv7 (S/cm2)
    nInf
    nTau (ms)
}

STATE {
    n
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    gKv7 = gKv7bar*n
    ik = gKv7*(v - ek)
}

DERIVATIVE states {
    rates(v)
    n' = (nInf - n)/nTau
}

INITIAL {
    rates(v)
    n = nInf
}

PROCEDURE rates(vm (mV)) {
    LOCAL alpha, beta
    UNITSOFF
    alpha = 0.036*exp(0.909*vm/26.55)
    beta = 0.002*exp(-1.102*vm/26.55)
    nInf = alpha/(alpha + beta)
    nTau = 1/(alpha + beta)
    UNITSON
}
