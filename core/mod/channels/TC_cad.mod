TITLE Calcium concentration in a shell below the membrane of thalamocortical cells
COMMENT
First-order removal (time constant taur, towards cainf) and influx into a shell of given depth after Destexhe, Mainen &
Sejnowski (1994) Neural Comput. 6:14; gamma is the share of free (unbuffered) calcium; cainf after Amarillo et al. (2014)
J. Neurophysiol. 112:393. All constants come from that literature.
One implicit Euler step per dt, in closed form because the equation is linear.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX TC_cad
    USEION ca READ ica WRITE cai
    RANGE depth, gamma, taur, cainf
}

UNITS {
    (mA) = (milliamp)
    (molar) = (1/liter)
    (mM) = (millimolar)
    (um) = (micron)
    FARADAY = (faraday) (coulomb)
}

PARAMETER {
    depth = 0.1 (um)
    gamma = 0.05 (1)
    taur = 5 (ms)
    cainf = 5e-5 (mM)
}

ASSIGNED {
    ica (mA/cm2)
    dt (ms)
}

STATE {
    cai (mM)
}

BREAKPOINT {
    SOLVE next_value
}

INITIAL {
    cai = cainf
}

PROCEDURE next_value() {
    UNITSOFF
    cai = (cai + dt*(cainf/taur - (10000)*(ica*gamma/(2*FARADAY*depth))))/(1 + dt/taur)
    UNITSON
}
