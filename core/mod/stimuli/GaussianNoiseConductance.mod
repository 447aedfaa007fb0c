COMMENT
Gaussian noise conductance, part of the membrane, computed as the simulation goes, so that nothing is stored.

The samples of the conductance (uS) are made as in GaussianNoiseCurrent. What is interpolated between samples is their resistance, as when
the series resistance of a clamp is driven by a Vector: 1 / g, or 1e9 MOhm where g is not between 1e-9 and 1e9 uS. Before `start` and at
`stop` the resistance is 1e9 MOhm; from `stop` on no current flows.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS GaussianNoiseConductance
    NONSPECIFIC_CURRENT i
    RANGE start, stop, interval, samples, mean, decay, scale, from_zero, first_word, reversal, rs, i
    RANDOM noise
}

UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
    (uS) = (microsiemens)
    (Mohm) = (megohm)
}

PARAMETER {
    start = 0 (ms)
    stop = 0 (ms)
    interval = 0.25 (ms)
    samples = 0
    mean = 0 (uS)
    decay = 0
    scale = 0 (uS)
    from_zero = 1
    first_word = 0
    reversal = 0 (mV)
}

ASSIGNED {
    v (mV)
    i (nA)
    rs (Mohm)
    on
    begun
    k
    x (uS)
    left (Mohm)
    right (Mohm)
    left_t (ms)
    right_t (ms)
    kept
    has_kept
}

INITIAL {
    LOCAL dropped
    random_setseq(noise, first_word)
    has_kept = 0
    dropped = standard_normal()
    k = 0
    x = scale * standard_normal()
    if (from_zero) {
        x = 0
    }
    left_t = start
    left = resistance(x + mean)
    next_point()
    rs = 1e9
    on = 0
    begun = 0
    i = 0
}

BREAKPOINT {
    SOLVE current METHOD after_cvode
    on = t < stop
    begun = t >= start
    if (on && begun) {
        seek(t)
    }
    current()
}

: solved once more after the step, so that the recorded current belongs to the new voltage; as with a played Vector, the
: resistance then follows the line it was on in the middle of the step
PROCEDURE current() {
    i = 0
    rs = 1e9
    if (on) {
        if (begun) {
            rs = left + (right - left) * ((t - left_t) / (right_t - left_t))
        }
        i = (v - reversal) / rs
    }
}

PROCEDURE seek(now (ms)) {
    while (now >= right_t && right_t < stop) {
        left_t = right_t
        left = right
        next_point()
    }
}

PROCEDURE next_point() {
    k = k + 1
    if (k < samples) {
        x = x * decay + standard_normal() * scale
        right_t = start + interval * k
        right = resistance(x + mean)
    } else {
        right_t = stop
        right = 1e9
    }
}

FUNCTION resistance(g (uS)) (Mohm) {
    resistance = 1e9
    if (g > 1e-9 && g < 1e9) {
        resistance = 1 / g
    }
}

FUNCTION standard_normal() {
    LOCAL v1, v2, w
    if (has_kept == 1) {
        has_kept = 0
        standard_normal = kept
    } else {
        w = 2
        while (w > 1) {
            v1 = 2 * random_dpick(noise) - 1
            v2 = 2 * random_dpick(noise) - 1
            w = v1 * v1 + v2 * v2
        }
        w = sqrt((-2 * log(w)) / w)
        kept = v2 * w
        has_kept = 1
        standard_normal = v1 * w
    }
}
