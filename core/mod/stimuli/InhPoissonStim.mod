TITLE Artificial cell that fires as an inhomogeneous Poisson process
COMMENT
Thinning (Lewis & Shedler 1979, Nav. Res. Logist. Q. 26:403; as used by Muller et al. 2007, Neural Comput. 19:2958):
candidates come at the largest rate and are kept with the probability rate/rmax.
setTbins(Vector): starts of the bins (ms, ascending); setRate(Vector): rate in each (Hz).
setRNGs(a1, a2, a3, b1, b2, b3) names two Random123 streams (intervals, acceptance); setRNGs(Random, Random) takes the
names of two HOC Random objects, which must use Random123; setRNGs() takes them away: the cell is silent then.
restartEvent() sends the pending candidate anew; resumeEvent() rebuilds it from the beginning of the streams. Both serve
after a restored state that has no event queue.
ENDCOMMENT

NEURON {
    THREADSAFE
    ARTIFICIAL_CELL InhPoissonStim
    RANGE duration, rmax
    RANDOM interval_rng, acceptance_rng
    BBCOREPOINTER tbins, rates
}

PARAMETER {
    duration = 1e6 (ms)
}

ASSIGNED {
    rmax (/s)
    start (ms)
    curRate (/s)
    bin
    event (ms)
    candidate (ms)
    activeFlag
    usingR123
    tbins
    rates
}

INITIAL {
    activeFlag = 0
    begin()
    if (candidate < start + duration) {
        net_send(event, activeFlag)
    }
}

NET_RECEIVE (w) {
    if (activeFlag == flag && usingR123 > 0) {
        find_rate(t)
        event = next_interval()
        candidate = t + event
        if (candidate < start + duration) {
            net_send(event, activeFlag)
        }
        if (random_uniform(acceptance_rng) < curRate/rmax) {
            net_event(t)
        }
    }
}

: first candidate, counted from t = now; one interval is drawn and thrown away
PROCEDURE begin() {
    LOCAL discarded
    find_limits()
    if (usingR123 > 0 && rmax > 0) {
        random_setseq(interval_rng, 0)
        random_setseq(acceptance_rng, 0)
        discarded = random_negexp(interval_rng)
        event = next_interval()
        candidate = t + event
    } else {
        candidate = 1e300
    }
}

FUNCTION next_interval() (ms) {
    next_interval = 1000/rmax*random_negexp(interval_rng)
    if (next_interval < 0) {
        next_interval = 0
    }
}

PROCEDURE find_limits() {
VERBATIM
    IvocVect* rate_vec = static_cast<IvocVect*>(_p_rates);
    IvocVect* bin_vec = static_cast<IvocVect*>(_p_tbins);
    int const size = rate_vec ? vector_capacity(rate_vec) : 0;
    bin = 0;
    rmax = 0;
    start = 0;
    curRate = 0;
    if (size && bin_vec && vector_capacity(bin_vec)) {
        double const* values = vector_vec(rate_vec);
        for (int k = 0; k < size; ++k) {
            if (values[k] > rmax) {
                rmax = values[k];
            }
        }
        curRate = values[0];
        double const first = vector_vec(bin_vec)[0];
        start = first > 0 ? first : 0;
    }
ENDVERBATIM
}

PROCEDURE find_rate(now (ms)) {
VERBATIM
    IvocVect* rate_vec = static_cast<IvocVect*>(_p_rates);
    IvocVect* bin_vec = static_cast<IvocVect*>(_p_tbins);
    double const* starts = vector_vec(bin_vec);
    int const n_rates = vector_capacity(rate_vec);
    int const n_bins = vector_capacity(bin_vec);
    int const size = n_rates < n_bins ? n_rates : n_bins;
    int place = static_cast<int>(bin);
    while (place + 1 < size && starts[place + 1] <= _lnow) {
        ++place;
    }
    bin = place;
    curRate = vector_vec(rate_vec)[place];
ENDVERBATIM
}

PROCEDURE restartEvent() {
    activeFlag = activeFlag + 1
VERBATIM
#ifndef CORENEURON_BUILD
    if (usingR123 > 0 && candidate < start + duration) {
        artcell_net_send(_tqitem, nullptr, _ppvar[1].get<Point_process*>(), candidate, activeFlag);
    }
#endif
ENDVERBATIM
}

PROCEDURE resumeEvent() {
    LOCAL now, discarded
    now = t
    find_limits()
    if (usingR123 > 0 && rmax > 0) {
        random_setseq(interval_rng, 0)
        random_setseq(acceptance_rng, 0)
        discarded = random_negexp(interval_rng)
        candidate = next_interval()
        while (candidate <= now) {
            find_rate(candidate)
            candidate = candidate + next_interval()
            discarded = random_uniform(acceptance_rng)
        }
        restartEvent()
    }
}

PROCEDURE setRNGs() {
VERBATIM
#ifndef CORENEURON_BUILD
    usingR123 = 0;
    if (!ifarg(1)) {
        return 0.;
    }
    uint32_t ids[2][3];
    if (hoc_is_double_arg(1)) {
        for (int k = 0; k < 6; ++k) {
            ids[k / 3][k % 3] = static_cast<uint32_t>(*getarg(k + 1));
        }
    } else {
        for (int k = 0; k < 2; ++k) {
            if (!nrn_random_isran123(nrn_random_arg(k + 1), &ids[k][0], &ids[k][1], &ids[k][2])) {
                hoc_execerror("setRNGs:", "the Random objects must use Random123");
            }
        }
    }
    nrnran123_setids(interval_rng, ids[0][0], ids[0][1], ids[0][2]);
    nrnran123_setids(acceptance_rng, ids[1][0], ids[1][1], ids[1][2]);
    nrnran123_setseq(interval_rng, 0, 0);
    nrnran123_setseq(acceptance_rng, 0, 0);
    usingR123 = 1;
#endif
ENDVERBATIM
}

PROCEDURE setTbins() {
VERBATIM
#ifndef CORENEURON_BUILD
    IvocVect* given = vector_arg(1);
    hoc_obj_ref(*vector_pobj(given));
    if (_p_tbins) {
        hoc_obj_unref(*vector_pobj(static_cast<IvocVect*>(_p_tbins)));
    }
    _p_tbins = given;
#endif
ENDVERBATIM
}

PROCEDURE setRate() {
VERBATIM
#ifndef CORENEURON_BUILD
    IvocVect* given = vector_arg(1);
    hoc_obj_ref(*vector_pobj(given));
    if (_p_rates) {
        hoc_obj_unref(*vector_pobj(static_cast<IvocVect*>(_p_rates)));
    }
    _p_rates = given;
#endif
ENDVERBATIM
}

DESTRUCTOR {
VERBATIM
#ifndef CORENEURON_BUILD
    if (_p_tbins) {
        hoc_obj_unref(*vector_pobj(static_cast<IvocVect*>(_p_tbins)));
    }
    if (_p_rates) {
        hoc_obj_unref(*vector_pobj(static_cast<IvocVect*>(_p_rates)));
    }
#endif
ENDVERBATIM
}

VERBATIM
static void bbcore_write(double* doubles, int* ints, int* d_offset, int* i_offset, _threadargsproto_) {
    IvocVect* rate_vec = static_cast<IvocVect*>(_p_rates);
    IvocVect* bin_vec = static_cast<IvocVect*>(_p_tbins);
    int const n_rates = rate_vec ? vector_capacity(rate_vec) : 0;
    int const n_bins = bin_vec ? vector_capacity(bin_vec) : 0;
    if (ints) {
        ints[*i_offset] = n_rates;
        ints[*i_offset + 1] = n_bins;
    }
    if (doubles) {
        double* out = doubles + *d_offset;
        for (int k = 0; k < n_rates; ++k) {
            out[k] = vector_vec(rate_vec)[k];
        }
        for (int k = 0; k < n_bins; ++k) {
            out[n_rates + k] = vector_vec(bin_vec)[k];
        }
    }
    *i_offset += 2;
    *d_offset += n_rates + n_bins;
}

static void bbcore_read(double* doubles, int* ints, int* d_offset, int* i_offset, _threadargsproto_) {
    int const n_rates = ints[*i_offset];
    int const n_bins = ints[*i_offset + 1];
    double const* in = doubles + *d_offset;
    if (n_rates && !_p_rates) {
        _p_rates = vector_new1(n_rates);
    }
    if (n_bins && !_p_tbins) {
        _p_tbins = vector_new1(n_bins);
    }
    for (int k = 0; k < n_rates; ++k) {
        vector_vec(static_cast<IvocVect*>(_p_rates))[k] = in[k];
    }
    for (int k = 0; k < n_bins; ++k) {
        vector_vec(static_cast<IvocVect*>(_p_tbins))[k] = in[n_rates + k];
    }
    *i_offset += 2;
    *d_offset += n_rates + n_bins;
}
ENDVERBATIM
