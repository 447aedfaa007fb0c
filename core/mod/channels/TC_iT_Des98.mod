TITLE Low-threshold (T-type) calcium current of thalamocortical cells
COMMENT
m2h gating and Goldman-Hodgkin-Katz driving force after Huguenard & McCormick (1992) J. Neurophysiol. 68:1373 and
Destexhe, Neubig, Ulrich & Huguenard (1998) J. Neurosci. 18:3574; rates given at 24 degC, Q10 of 2.5 (Amarillo et al.
2014, J. Neurophysiol. 112:393). All constants come from that literature.
shift: screening charge of 2 mM external calcium; actshift: activation moved towards hyperpolarisation.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX TC_iT_Des98
    USEION ca READ cai, cao WRITE ica
    RANGE pcabar, shift, actshift, ica
    GLOBAL qm, qh
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (molar) = (1/liter)
    (mM) = (millimolar)
    FARADAY = (faraday) (coulomb)
    R = (k-mole) (joule/degC)
}

PARAMETER {
    pcabar = 0.2e-3 (cm/s)
    shift = 2 (mV)
    actshift = 0 (mV)
    qm = 2.5
    qh = 2.5
}

ASSIGNED {
    v (mV)
    celsius (degC)
    cai (mM)
    cao (mM)
    ica (mA/cm2)
    speedupM
    speedupH
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
    ica = pcabar*m*m*h*ghk(v, cai, cao)
}

DERIVATIVE states {
    rates(v)
    m' = (mInf - m)/mTau
    h' = (hInf - h)/hTau
}

INITIAL {
    speedupM = qm^((celsius - 24)/10)
    speedupH = qh^((celsius - 24)/10)
    rates(v)
    m = mInf
    h = hInf
}

PROCEDURE rates(vm (mV)) {
    LOCAL u, w
    UNITSOFF
    w = vm + shift
    u = w + actshift
    mInf = 1/(1 + exp(-(u + 57)/6.2))
    mTau = (0.612 + 1/(exp(-(u + 132)/16.7) + exp((u + 16.8)/18.2)))/speedupM
    hInf = 1/(1 + exp((w + 81)/4))
    if (w < -80) {
        hTau = exp((w + 467)/66.6)/speedupH
    } else {
        hTau = (28 + exp(-(w + 22)/10.5))/speedupH
    }
    UNITSON
}

FUNCTION ghk(vm (mV), inside (mM), outside (mM)) (0.001 coul/cm3) {
    LOCAL z
    UNITSOFF
    z = 0.001*2*FARADAY*vm/(R*(celsius + 273.15))
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
