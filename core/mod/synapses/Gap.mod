TITLE Half of a gap junction
COMMENT
Ohmic coupling to the voltage vgap on the other side, which ParallelContext.target_var brings here.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS Gap
    RANGE vgap, g, i, synapseID, selected_for_report
    NONSPECIFIC_CURRENT i
}

UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
    (nS) = (nanosiemens)
}

PARAMETER {
    g = 1 (nS)
    synapseID = 0
    selected_for_report = 0
}

ASSIGNED {
    v (mV)
    vgap (mV)
    i (nA)
}

BREAKPOINT {
    i = (v - vgap)*(g*1e-3)
}
