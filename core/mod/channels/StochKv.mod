TITLE Stochastic voltage-gated potassium channels
COMMENT
Channels that are open or closed and change by binomial numbers per step (kinetics after Sah et al. 1988, J. Neurophysiol.
59:1, and Hamill et al. 1991, Ann. N.Y. Acad. Sci. 625:15). With deterministic = 1 or dt above 1 ms: their mean.
The number of channels is gkbar/gamma per um2, without the factor between the units of the two, and temperature scales the
conductance as well as the rates: both as in the published e-models.
Random numbers: setRNG(a[, b[, c]]) names the Random123 stream by numbers, setRNG(Random) takes the name of a HOC Random
object (which must use Random123), setRNG() takes it away: urand() is 0 then.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX StochKv
    USEION k READ ek WRITE ik
    RANGE gkbar, gk, ik, gamma, eta, N, deterministic, usingR123
    RANGE N0, N1
    BBCOREPOINTER rng
}

UNITS {
    (S) = (siemens)
    (mA) = (milliamp)
    (mV) = (millivolt)
    (pS) = (picosiemens)
    (um) = (micron)
}

PARAMETER {
    gkbar = 0.75
    gamma = 30 (pS)
    tha = -40 (mV)
    qa = 9 (mV)
    Ra = 0.02 (/mV/ms)
    Rb = 0.002 (/mV/ms)
    q10 = 2.3
    temp = 23 (degC)
    deterministic = 0
}

ASSIGNED {
    v (mV)
    ek (mV)
    dt (ms)
    area (um2)
    celsius (degC)
    ik (mA/cm2)
    eta (/um2)
    N
    usingR123
    rng
    gk (pS/um2)
    tadj
    scale (pS/um2)
    nInf
    alpha (/ms)
    beta (/ms)
}

STATE {
    n
    N0
    N1
}

INITIAL {
    rewind()
    tadj = q10^((celsius - temp)/10)
    eta = gkbar/gamma
    rates(v)
    n = nInf
    scale = gamma/area
    N = floor(eta*area + 0.5)
    N1 = n*N
    if (!deterministic) {
        N1 = floor(N1 + 0.5)
    }
    N0 = N - N1
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    gk = N1*scale*tadj
    ik = 1e-4*gk*(v - ek)
}

DERIVATIVE states {
    rates(v)
    n' = alpha - (alpha + beta)*n
    move_channels()
}

PROCEDURE move_channels() {
    LOCAL opened, closed
    if (deterministic || dt > 1) {
        N1 = n*N
    } else {
        opened = binomial(probability(alpha*dt), N0)
        closed = binomial(probability(beta*dt), N1)
        N1 = N - not_negative(N0 - opened + closed)
    }
    N0 = N - N1
}

PROCEDURE rates(vm (mV)) {
    TABLE nInf, alpha, beta DEPEND dt, Ra, Rb, tha, qa, q10, temp, celsius FROM -120 TO 100 WITH 199
    UNITSOFF
    alpha = slope_rate(vm, tha, Ra, qa)*q10^((celsius - temp)/10)
    beta = slope_rate(-vm, -tha, Rb, qa)*q10^((celsius - temp)/10)
    nInf = alpha/(alpha + beta)
    UNITSON
}

FUNCTION slope_rate(x (mV), half (mV), rate (/mV/ms), width (mV)) {
    UNITSOFF
    if (fabs(x - half) > 1e-6) {
        slope_rate = rate*(x - half)/(1 - exp(-(x - half)/width))
    } else {
        slope_rate = rate*width
    }
    UNITSON
}

PROCEDURE setRNG() {
VERBATIM
#ifndef CORENEURON_BUILD
    uint32_t ids[3] = {0, 0, 0};
    uint32_t position = 0;
    char word = 0;
    clearRNG(_threadargs_);
    if (!ifarg(1)) {
        return 0.;
    }
    if (hoc_is_double_arg(1)) {
        for (int k = 0; k < 3 && ifarg(k + 1); ++k) {
            ids[k] = static_cast<uint32_t>(*getarg(k + 1));
        }
    } else {
        Rand* given = nrn_random_arg(1);
        if (!nrn_random_isran123(given, &ids[0], &ids[1], &ids[2])) {
            hoc_execerror("setRNG:", "the Random object must use Random123");
        }
        nrn_random123_getseq(given, &position, &word);
    }
    nrnran123_State* stream = nrnran123_newstream(ids[0], ids[1], ids[2]);
    nrnran123_setseq(stream, position, word);
    _p_rng = stream;
    usingR123 = 1;
#endif
ENDVERBATIM
}

PROCEDURE clearRNG() {
VERBATIM
    if (_p_rng) {
        nrnran123_deletestream(static_cast<nrnran123_State*>(_p_rng));
        _p_rng = nullptr;
    }
    usingR123 = 0;
ENDVERBATIM
}

PROCEDURE rewind() {
VERBATIM
    if (_p_rng) {
        nrnran123_setseq(static_cast<nrnran123_State*>(_p_rng), 0, 0);
    }
ENDVERBATIM
}

FUNCTION urand() {
    urand = 0
VERBATIM
    _lurand = _p_rng ? nrnran123_dblpick(static_cast<nrnran123_State*>(_p_rng)) : 0.;
ENDVERBATIM
}

FUNCTION bbsavestate() {
    bbsavestate = 0
VERBATIM
#ifndef CORENEURON_BUILD
    double* direction = hoc_pgetarg(1);
    double* values = hoc_pgetarg(2);
    nrnran123_State* stream = static_cast<nrnran123_State*>(_p_rng);
    uint32_t position = 0;
    char word = 0;
    if (*direction == -1.) {
        *direction = stream ? 2. : 0.;
    } else if (stream && *direction == 0.) {
        nrnran123_getseq(stream, &position, &word);
        values[0] = position;
        values[1] = word;
    } else if (stream && *direction == 1.) {
        nrnran123_setseq(stream, static_cast<uint32_t>(values[0]), static_cast<char>(values[1]));
    }
#endif
ENDVERBATIM
}

VERBATIM
#ifdef CORENEURON_BUILD
// CoreNEURON forgets its instances, but not their streams, when a block of time ends, and begins the next one with new
// instances. So streams are listed here, and those of a block that has been handed back are deleted when the next begins.
static nrnran123_State** listed = nullptr;
static size_t n_listed = 0;
static size_t room = 0;
static bool handed_back = false;

static nrnran123_State* list_stream(nrnran123_State* stream) {
    if (n_listed == room) {
        room = 2*room + 64;
        listed = static_cast<nrnran123_State**>(realloc(listed, room*sizeof(nrnran123_State*)));
    }
    return listed[n_listed++] = stream;
}

static void forget_streams_handed_back() {
    if (handed_back) {
        handed_back = false;
        while (n_listed > 0) {
            nrnran123_deletestream(listed[--n_listed]);
        }
    }
}
#endif

static void bbcore_write(double* doubles, int* ints, int* d_offset, int* i_offset, _threadargsproto_) {
    if (ints) {
#ifdef CORENEURON_BUILD
        handed_back = true;
#endif
        uint32_t* out = reinterpret_cast<uint32_t*>(ints) + *i_offset;
        char word = 0;
        for (int k = 0; k < 5; ++k) {
            out[k] = 0;
        }
        if (_p_rng) {
            nrnran123_State* stream = static_cast<nrnran123_State*>(_p_rng);
            nrnran123_getids3(stream, &out[0], &out[1], &out[2]);
            nrnran123_getseq(stream, &out[3], &word);
            out[4] = static_cast<uint32_t>(word);
        }
    }
    *i_offset += 5;
}

static void bbcore_read(double* doubles, int* ints, int* d_offset, int* i_offset, _threadargsproto_) {
    uint32_t const* in = reinterpret_cast<uint32_t const*>(ints) + *i_offset;
    if (in[0] || in[1] || in[2]) {
        if (!_p_rng) {
#ifdef CORENEURON_BUILD
            #pragma omp critical(listed_streams)
            {
                forget_streams_handed_back();
                _p_rng = list_stream(nrnran123_newstream3(in[0], in[1], in[2]));
            }
#else
            _p_rng = nrnran123_newstream3(in[0], in[1], in[2]);
#endif
        }
        nrnran123_setseq(static_cast<nrnran123_State*>(_p_rng), in[3], static_cast<char>(in[4]));
    }
    *i_offset += 5;
}
ENDVERBATIM

: number of successes in count trials of probability prob, after the binomial deviate of Press et al., "Numerical Recipes":
: the choice of algorithm and every draw count, because streams must give the same channels as other simulators
FUNCTION binomial(prob, count) {
    LOCAL p, mean, k, product, limit, width, angle, y, em, logs, accept, searching
    if (prob <= 0.5) {
        p = prob
    } else {
        p = 1 - prob
    }
    mean = count*p
    em = 0
    if (count < 25) {
        k = 1
        while (k <= count) {
            if (urand() < p) {
                em = em + 1
            }
            k = k + 1
        }
    } else if (mean < 1) {
        limit = exp(-mean)
        product = 1
        searching = 1
        while (searching > 0 && em <= count) {
            product = product*urand()
            if (product < limit) {
                searching = 0
            } else {
                em = em + 1
            }
        }
        if (em > count) {
            em = count
        }
    } else {
        width = sqrt(2*mean*(1 - p))
        logs = loggamma(count + 1)
        searching = 1
        while (searching > 0) {
            em = -1
            while (em < 0 || em >= count + 1) {
                angle = urand()
                angle = 3.141592653589793*urand()
                y = tan(angle)
                em = width*y + mean
            }
            em = floor(em)
            accept = 1.2*width*(1 + y*y)*exp(logs - loggamma(em + 1) - loggamma(count - em + 1) + em*log(p) + (count - em)*log(1 - p))
            if (urand() <= accept) {
                searching = 0
            }
        }
    }
    if (prob > 0.5) {
        em = count - em
    }
    binomial = em
}

: logarithm of the gamma function, six-term series of Lanczos (1964)
FUNCTION loggamma(xx) {
    LOCAL x, base, series
    x = xx - 1
    base = x + 5.5
    base = base - (x + 0.5)*log(base)
    series = 1 + 76.18009173/(x + 1) - 86.50532033/(x + 2) + 24.01409822/(x + 3) - 1.231739516/(x + 4) + 0.120858003e-2/(x + 5) - 0.536382e-5/(x + 6)
    loggamma = -base + log(2.50662827465*series)
}

FUNCTION not_negative(x) {
    if (x < 0) {
        not_negative = 0
    } else {
        not_negative = x
    }
}

FUNCTION probability(x) {
    probability = x
    if (x < 0) {
        probability = 0
    }
    if (x > 1) {
        probability = 1
    }
}
