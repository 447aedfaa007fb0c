TITLE Current source that counts as a membrane current
COMMENT
Like IClamp (amp > 0 depolarises), but part of the membrane current: it shows up in i_membrane and in the extracellular
potential computed from it.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS MembraneCurrentSource
    RANGE del, dur, amp, i
    NONSPECIFIC_CURRENT i
}

UNITS {
    (nA) = (nanoamp)
}

PARAMETER {
    del = 0 (ms)
    dur = 0 (ms)
    amp = 0 (nA)
}

ASSIGNED {
    i (nA)
}

INITIAL {
    i = 0
}

BREAKPOINT {
    at_time(del)
    at_time(del + dur)
    if (t < del + dur && t >= del) {
        i = -amp
    } else {
        i = 0
    }
}
