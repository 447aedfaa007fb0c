TITLE Fast sodium and delayed-rectifier potassium currents of thalamocortical cells
COMMENT
Equations of Traub & Miles (1991), "Neuronal Networks of the Hippocampus", in the form of Destexhe et al. (1998)
J. Neurosci. 18:3574: voltages are measured from vtraub (sodium) and vtraub2 (potassium), rates given at 36 degC with a
Q10 of 3. All constants come from that literature and from Amarillo et al. (2014) J. Neurophysiol. 112:393 (shifts).
Gates start closed (0), which is how the published e-models were fitted.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX TC_HH
    USEION na READ ena WRITE ina
    USEION k READ ek WRITE ik
    RANGE gna_max, gk_max, vtraub, vtraub2, ina, ik
}

UNITS {
    (S) = (siemens)
    (mV) = (millivolt)
    (mA) = (milliamp)
}

PARAMETER {
    gna_max = 0.1 (S/cm2)
    gk_max = 0.1 (S/cm2)
    vtraub = -55.5 (mV)
    vtraub2 = -45.5 (mV)
}

ASSIGNED {
    v (mV)
    celsius (degC)
    ena (mV)
    ek (mV)
    ina (mA/cm2)
    ik (mA/cm2)
    speedup
    mInf
    mTau (ms)
    hInf
    hTau (ms)
    nInf
    nTau (ms)
}

STATE {
    m
    h
    n
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ina = gna_max*m*m*m*h*(v - ena)
    ik = gk_max*n*n*n*n*(v - ek)
}

DERIVATIVE states {
    rates(v)
    m' = (mInf - m)/mTau
    h' = (hInf - h)/hTau
    n' = (nInf - n)/nTau
}

INITIAL {
    speedup = 3^((celsius - 36)/10)
    rates(v)
    m = 0
    h = 0
    n = 0
}

PROCEDURE rates(vm (mV)) {
    LOCAL alpha, beta, u, w
    UNITSOFF
    u = vm - vtraub
    w = vm - vtraub2
    if (u == 13 || u == 40) {
        u = u + 0.0001
    }
    if (w == 15) {
        w = w + 0.0001
    }
    alpha = 0.32*(13 - u)/(exp((13 - u)/4) - 1)
    beta = 0.28*(u - 40)/(exp((u - 40)/5) - 1)
    mTau = 1/(alpha + beta)/speedup
    mInf = alpha/(alpha + beta)

    alpha = 0.128*exp((17 - u)/18)
    beta = 4/(1 + exp((40 - u)/5))
    hTau = 1/(alpha + beta)/speedup
    hInf = alpha/(alpha + beta)

    alpha = 0.032*(15 - w)/(exp((15 - w)/5) - 1)
    beta = 0.5*exp((10 - w)/40)
    nTau = 1/(alpha + beta)/speedup
    nInf = alpha/(alpha + beta)
    UNITSON
}
