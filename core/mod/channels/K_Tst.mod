TITLE Transient potassium current of the soma
COMMENT
Kinetics after Korngreen & Sakmann (2000) J. Physiol. 525:621, recorded at 21 degC with a junction potential of
10 mV; rates scaled to 34 degC with a Q10 of 2.3 (a constant, whatever celsius is).
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX K_Tst
    USEION k READ ek WRITE ik
    RANGE gK_Tstbar, gK_Tst, ik
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
}

PARAMETER {
    gK_Tstbar = 0.00001 (S/cm2)
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
    gK_Tst (S/cm2)
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
    gK_Tst = gK_Tstbar*m*m*m*m*h
    ik = gK_Tst*(v - ek)
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
    LOCAL qt, u, xm, xh
    UNITSOFF
    qt = 2.952882641412121
    u = vm + 10
    xm = (u + 71)/59
    xh = (u + 73)/23
    mInf = 1/(1 + exp(-u/19))
    mTau = (0.34 + 0.92*exp(-xm*xm))/qt
    hInf = 1/(1 + exp((u + 66)/10))
    hTau = (8 + 49*exp(-xh*xh))/qt
    UNITSON
}
