TITLE Fast transient (A-type) potassium current of thalamocortical cells
COMMENT
Two components (60 % and 40 %) of m4h gating after Huguenard & McCormick (1992) J. Neurophysiol. 68:1373; rates given at
23 degC with a Q10 of 2.8 (Amarillo et al. 2014, J. Neurophysiol. 112:393). All constants come from that literature.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX TC_iA
    USEION k READ ek WRITE ik
    RANGE gk_max, ik
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
}

PARAMETER {
    gk_max = 5.5e-3 (S/cm2)
}

ASSIGNED {
    v (mV)
    celsius (degC)
    ek (mV)
    ik (mA/cm2)
    speedup
    m1Inf
    m2Inf
    hInf
    mTau (ms)
    h1Tau (ms)
    h2Tau (ms)
}

STATE {
    m1
    m2
    h1
    h2
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gk_max*(0.6*h1*m1*m1*m1*m1 + 0.4*h2*m2*m2*m2*m2)*(v - ek)
}

DERIVATIVE states {
    rates(v)
    m1' = (m1Inf - m1)/mTau
    m2' = (m2Inf - m2)/mTau
    h1' = (hInf - h1)/h1Tau
    h2' = (hInf - h2)/h2Tau
}

INITIAL {
    speedup = 2.8^((celsius - 23)/10)
    rates(v)
    m1 = m1Inf
    m2 = m2Inf
    h1 = hInf
    h2 = hInf
}

PROCEDURE rates(vm (mV)) {
    LOCAL fast
    UNITSOFF
    m1Inf = 1/(1 + exp(-(vm + 60)/8.5))
    m2Inf = 1/(1 + exp(-(vm + 36)/20))
    hInf = 1/(1 + exp((vm + 78)/6))
    mTau = (0.37 + 1/(exp((vm + 35.8)/19.7) + exp(-(vm + 79.7)/12.7)))/speedup
    h1Tau = 19/speedup
    h2Tau = 60/speedup
    if (vm < -63) {
        fast = (1/(exp((vm + 46)/5) + exp(-(vm + 238)/37.5)))/speedup
        h1Tau = fast
        if (vm < -73) {
            h2Tau = fast
        }
    }
    UNITSON
}
