TITLE Hyperpolarisation-activated cation current
COMMENT
Kinetics after Kole, Hallermann & Stuart (2006) J. Neurosci. 26:1677. No temperature correction.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX Ih
    NONSPECIFIC_CURRENT ihcn
    RANGE gIhbar, gIh, ihcn
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
}

PARAMETER {
    gIhbar = 0.00001 (S/cm2)
    ehcn = -45.0 (mV)
}

ASSIGNED {
    v (mV)
    ihcn (mA/cm2)
    gIh (S/cm2)
    mInf
    mTau (ms)
}

STATE {
    m
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    gIh = gIhbar*m
    ihcn = gIh*(v - ehcn)
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
    LOCAL alpha, beta, u
    UNITSOFF
    u = vm
    if (u == -154.9) {
        u = u + 0.0001
    }
    alpha = 0.001*6.43*(u + 154.9)/(exp((u + 154.9)/11.9) - 1)
    beta = 0.001*193*exp(u/33.1)
    mInf = alpha/(alpha + beta)
    mTau = 1/(alpha + beta)
    UNITSON
}
