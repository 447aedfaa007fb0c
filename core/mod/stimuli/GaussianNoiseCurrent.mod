COMMENT
Gaussian noise injected as a membrane current and computed as the simulation goes, so that nothing is stored.

The noise has `samples` values, `interval` ms apart from `start` on, and is interpolated in between; from the last sample it goes to 0 at `stop`.
The samples are mean + x, where x is an Ornstein-Uhlenbeck process in its exact discrete form
(Gillespie 1996, Phys Rev E 54:2084): x[k] = decay x[k-1] + scale z[k], where x[0] is 0, or scale z[0] when from_zero is 0.
With decay = 0 the noise is white.

The normal variates z come from the Random123 stream `noise` by Marsaglia's polar method, as HOC's Random.normal gives them: the second
of a pair is kept for the next call, and one variate is drawn and dropped at first. The numbers are therefore those of a Vector filled
by Random.normal and played with interpolation.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS GaussianNoiseCurrent
    NONSPECIFIC_CURRENT i
    RANGE start, stop, interval, samples, mean, decay, scale, from_zero, first_word, amp, i
    RANDOM noise
}

UNITS {
    (nA) = (nanoamp)
}

PARAMETER {
    start = 0 (ms)
    stop = 0 (ms)
    interval = 0.25 (ms)
    samples = 0
    mean = 0 (nA)
    decay = 0
    scale = 0 (nA)
    from_zero = 1
    first_word = 0
}

ASSIGNED {
    amp (nA)
    i (nA)
    k
    x (nA)
    left (nA)
    right (nA)
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
    left = x + mean
    next_point()
    amp = 0
    i = 0
}

BREAKPOINT {
    amp = 0
    if (t >= start && t < stop) {
        seek(t)
        amp = left + (right - left) * ((t - left_t) / (right_t - left_t))
    }
    i = -amp
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
        right = x + mean
    } else {
        right_t = stop
        right = 0
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
