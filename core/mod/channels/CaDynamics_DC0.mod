TITLE Calcium concentration in the whole cross section
COMMENT
First-order removal and influx spread over the segment's volume (surface over volume of a cylinder: 4/diam), after
Destexhe, Mainen & Sejnowski (1994) Neural Comput. 6:14; gamma is the share of free (unbuffered) calcium.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX CaDynamics_DC0
    USEION ca READ ica WRITE cai
    RANGE decay, gamma, minCai
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    FARADAY = (faraday) (coulomb)
    (molar) = (1/liter)
    (mM) = (millimolar)
    (um) = (micron)
}

PARAMETER {
    gamma = 0.01 (1)
    decay = 70 (ms)
    minCai = 6.5e-5 (mM)
}

ASSIGNED {
    ica (mA/cm2)
    diam (um)
    surftovol (/um)
}

STATE {
    cai (mM)
}

BREAKPOINT {
    SOLVE states METHOD cnexp
}

INITIAL {
    surftovol = 4/diam
    cai = minCai
}

DERIVATIVE states {
    cai' = -(10000)*(ica*surftovol*gamma/(2*FARADAY)) - (cai - minCai)/decay
}
