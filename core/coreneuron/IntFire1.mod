TITLE Leaky integrate-and-fire cell that NEURON has built in, for CoreNEURON
COMMENT
Events add their weight to m, which decays with tau; when m exceeds 1 the cell fires and ignores events for refrac.
Variables stand in the order of NEURON's own IntFire1, from which CoreNEURON copies them.
ENDCOMMENT

NEURON {
    THREADSAFE
    ARTIFICIAL_CELL IntFire1
    RANGE tau, refrac, m
}

PARAMETER {
    tau = 10 (ms)
    refrac = 5 (ms)
}

ASSIGNED {
    m
    t0 (ms)
    refractory
}

INITIAL {
    m = 0
    t0 = t
    refractory = 0
}

NET_RECEIVE (w) {
    if (refractory == 0) {
        m = m * exp(-(t - t0) / tau) + w
        t0 = t
        if (m > 1) {
            refractory = 1
            m = 2
            net_send(refrac, 1)
            net_event(t)
        }
    } else if (flag == 1) {
        refractory = 0
        t0 = t
        m = 0
    }
}
