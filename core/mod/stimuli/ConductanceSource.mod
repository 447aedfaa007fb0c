TITLE Conductance source that counts as a membrane current
COMMENT
The interface of SEClamp: three phases of given duration and reversal potential (amp1..3), series resistance rs, which a
Vector may be played into. Unlike SEClamp's, the current is a membrane current (outward positive): it shows up in
i_membrane and in the extracellular potential computed from it.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS ConductanceSource
    RANGE dur1, amp1, dur2, amp2, dur3, amp3, rs, vc, i
    NONSPECIFIC_CURRENT i
}

UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
}

PARAMETER {
    rs = 1 (megohm) <1e-9, 1e9>
    dur1 = 0 (ms)
    amp1 = 0 (mV)
    dur2 = 0 (ms)
    amp2 = 0 (mV)
    dur3 = 0 (ms)
    amp3 = 0 (mV)
}

ASSIGNED {
    v (mV)
    i (nA)
    vc (mV)
    on
}

INITIAL {
    on = 0
    vc = 0
    i = 0
}

BREAKPOINT {
    SOLVE current METHOD after_cvode
    choose_phase()
    current()
}

: solved once more after the step, so that the recorded current belongs to the new voltage
PROCEDURE current() {
    if (on) {
        i = (v - vc)/rs
    } else {
        i = 0
    }
}

PROCEDURE choose_phase() {
    on = 1
    if (dur1) {
        at_time(dur1)
    }
    if (dur2) {
        at_time(dur1 + dur2)
    }
    if (dur3) {
        at_time(dur1 + dur2 + dur3)
    }
    if (t < dur1) {
        vc = amp1
    } else if (t < dur1 + dur2) {
        vc = amp2
    } else if (t < dur1 + dur2 + dur3) {
        vc = amp3
    } else {
        vc = 0
        on = 0
    }
}
