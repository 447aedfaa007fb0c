TITLE Hyperpolarisation-activated cation current of thalamocortical cells
COMMENT
Steady state after Budde, Biella, Munsch & Pape (1997) J. Physiol. 503:79, time constant after Huguenard & McCormick
(1992) J. Neurophysiol. 68:1373; rates given at 34 degC with a Q10 of 4 (Santoro et al. 2000, J. Neurosci. 20:5264). All
constants come from that literature.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX TC_ih_Bud97
    NONSPECIFIC_CURRENT ih
    RANGE gh_max, g_h, ih
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
}

PARAMETER {
    gh_max = 2.2e-5 (S/cm2)
    e_h = -43 (mV)
    q10 = 4
}

ASSIGNED {
    v (mV)
    celsius (degC)
    ih (mA/cm2)
    g_h (S/cm2)
    speedup
    mInf
    mTau (ms)
}

STATE {
    m
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    g_h = gh_max*m
    ih = g_h*(v - e_h)
}

DERIVATIVE states {
    rates(v)
    m' = (mInf - m)/mTau
}

INITIAL {
    speedup = q10^((celsius - 34)/10)
    rates(v)
    m = mInf
}

PROCEDURE rates(vm (mV)) {
    UNITSOFF
    mInf = 1/(1 + exp((vm + 86.4)/11.2))
    mTau = (1/(exp(-14.59 - 0.086*vm) + exp(-1.87 + 0.0701*vm)))/speedup
    UNITSON
}
