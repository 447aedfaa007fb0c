TITLE Persistent sodium current of thalamocortical cells
COMMENT
Time constants after Magistretti & Alonso (1999) J. Gen. Physiol. 114:491, steady states of thalamic cells as published
with the model of Iavarone et al. (2019) PLoS Comput. Biol. 15:e1006753; rates scaled from 21 to 34 degC with a Q10 of 2.3
(a constant, whatever celsius is). All constants come from that literature.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX TC_Nap_Et2
    USEION na READ ena WRITE ina
    RANGE gNap_Et2bar, gNap_Et2, ina
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
}

PARAMETER {
    gNap_Et2bar = 0.00001 (S/cm2)
}

ASSIGNED {
    v (mV)
    ena (mV)
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
    qt = 2.952882641412121
    u = vm
    mInf = 1/(1 + exp(-(u + 56.93)/9.09))
    if (u == -38) {
        u = u + 0.0001
    }
    alpha = (0.182*(u + 38))/(1 - exp(-(u + 38)/6))
    beta = (0.124*(-u - 38))/(1 - exp(-(-u - 38)/6))
    mTau = 6*(1/(alpha + beta))/qt

    hInf = 1/(1 + exp((u + 58.7)/14.2))
    if (u == -17) {
        u = u + 0.0001
    }
    if (u == -64.4) {
        u = u + 0.0001
    }
    alpha = -2.88e-6*(u + 17)/(1 - exp((u + 17)/4.63))
    beta = 6.94e-6*(u + 64.4)/(1 - exp(-(u + 64.4)/2.63))
    hTau = (1/(alpha + beta))/qt
    UNITSON
}
