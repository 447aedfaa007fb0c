TITLE High-threshold (L-type) calcium current of thalamocortical cells
COMMENT
m2 gating and Goldman-Hodgkin-Katz driving force after McCormick & Huguenard (1992) J. Neurophysiol. 68:1384 with its
errata (time constant) and Amarillo et al. (2014) J. Neurophysiol. 112:393 (steady state); rates given at 23.5 degC with
a Q10 of 3. All constants come from that literature. The gate starts closed (0), which is how the published e-models were
fitted.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX TC_iL
    USEION ca READ cai, cao WRITE ica
    RANGE pcabar, ica
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (molar) = (1/liter)
    (mM) = (millimolar)
    FARADAY = (faraday) (coulomb)
}

PARAMETER {
    pcabar = 1e-4 (cm/s)
}

ASSIGNED {
    v (mV)
    celsius (degC)
    cai (mM)
    cao (mM)
    ica (mA/cm2)
    speedup
    mInf
    mTau (ms)
}

STATE {
    m
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ica = pcabar*m*m*ghk(v, cai, cao)
}

DERIVATIVE states {
    rates(v)
    m' = (mInf - m)/mTau
}

INITIAL {
    speedup = 3^((celsius - 23.5)/10)
    rates(v)
    m = 0
}

PROCEDURE rates(vm (mV)) {
    LOCAL alpha, beta, x
    UNITSOFF
    alpha = 1.6/(1 + exp(-0.072*(vm - 5)))
    x = -(vm - 1.31)
    if (fabs(x/5.36) < 1e-6) {
        beta = 0.02*(5.36 + x/2)
    } else {
        beta = 0.02*x/(1 - exp(-x/5.36))
    }
    mTau = 1/(alpha + beta)/speedup
    mInf = 1/(1 + exp((vm + 10)/(-10)))
    UNITSON
}

FUNCTION ghk(vm (mV), inside (mM), outside (mM)) (0.001 coul/cm3) {
    LOCAL z
    UNITSOFF
    z = vm*0.001*2*FARADAY/(8.314*(celsius + 273.15))
    ghk = 0.001*2*FARADAY*(inside*flux(-z) - outside*flux(z))
    UNITSON
}

FUNCTION flux(z) {
    UNITSOFF
    if (fabs(z) < 1e-4) {
        flux = 1 - z/2
    } else {
        flux = z/(exp(z) - 1)
    }
    UNITSON
}
