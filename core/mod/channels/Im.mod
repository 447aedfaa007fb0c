TITLE Muscarinic (M-type) potassium current
COMMENT
Kinetics after Adams, Brown & Constanti (1982) J. Physiol. 330:537; rates scaled from 21 to 34 degC with a Q10 of
2.3 (a constant, whatever celsius is).
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX Im
    USEION k READ ek WRITE ik
    RANGE gImbar, gIm, ik
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
}

PARAMETER {
    gImbar = 0.00001 (S/cm2)
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
    gIm (S/cm2)
    mInf
    mTau (ms)
}

STATE {
    m
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    gIm = gImbar*m
    ik = gIm*(v - ek)
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
    LOCAL qt, alpha, beta
    UNITSOFF
    qt = 2.952882641412121
    alpha = 3.3e-3*exp(0.1*(vm + 35))
    beta = 3.3e-3*exp(-0.1*(vm + 35))
    mInf = alpha/(alpha + beta)
    mTau = (1/(alpha + beta))/qt
    UNITSON
}
