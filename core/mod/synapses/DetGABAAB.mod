TITLE GABAergic synapse (GABA-A and GABA-B) with deterministic short-term plasticity
COMMENT
Short-term plasticity after Tsodyks & Markram (1997), Fuhrmann et al. (2002) J. Neurophysiol. 87:140.
The average over trials of stochastic release. Short-term plasticity (R, u and the time of the last event) belongs to the
NetCon.
NetCon weights: weight (nS), weight_GABAA, weight_GABAB, R, Pr, u, tsyn, nc_type (10, neuromodulation, is ignored).
Delayed weights: setup_delay_vecs(times, weights) keeps two Vectors; at each time (ms, from the start) the weight of every
presynaptic NetCon (nc_type 0) becomes conductance*weights.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS DetGABAAB
    RANGE tau_r_GABAA, tau_d_GABAA, tau_r_GABAB, tau_d_GABAB
    RANGE e_GABAA, e_GABAB
    RANGE Use, Dep, Fac, u0, GABAB_ratio
    RANGE i, i_GABAA, i_GABAB, g, g_GABAA, g_GABAB
    RANGE synapseID, selected_for_report, verboseLevel, conductance, next_delay
    GLOBAL nc_type_param
    NONSPECIFIC_CURRENT i
    BBCOREPOINTER delay_times, delay_weights
}

UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
    (uS) = (microsiemens)
}

PARAMETER {
    tau_r_GABAA = 0.2 (ms)
    tau_d_GABAA = 8 (ms)
    tau_r_GABAB = 3.5 (ms)
    tau_d_GABAB = 260.9 (ms)
    e_GABAA = -80 (mV)
    e_GABAB = -97 (mV)
    Use = 1.0
    Dep = 100 (ms)
    Fac = 10 (ms)
    u0 = 0
    GABAB_ratio = 0.0
    synapseID = 0
    selected_for_report = 0
    verboseLevel = 0
    conductance = 0
    nc_type_param = 7
}

ASSIGNED {
    v (mV)
    i (nA)
    i_GABAA (nA)
    i_GABAB (nA)
    g (uS)
    g_GABAA (uS)
    g_GABAB (uS)
    factor_GABAA
    factor_GABAB
    next_delay
    delay_times
    delay_weights
}

STATE {
    A_GABAA
    B_GABAA
    A_GABAB
    B_GABAB
}

INITIAL {
    LOCAL peak
    A_GABAA = 0
    B_GABAA = 0
    A_GABAB = 0
    B_GABAB = 0
    next_delay = -1

    peak = (tau_r_GABAA*tau_d_GABAA)/(tau_d_GABAA - tau_r_GABAA)*log(tau_d_GABAA/tau_r_GABAA)
    factor_GABAA = 1/(-exp(-peak/tau_r_GABAA) + exp(-peak/tau_d_GABAA))
    peak = (tau_r_GABAB*tau_d_GABAB)/(tau_d_GABAB - tau_r_GABAB)*log(tau_d_GABAB/tau_r_GABAB)
    factor_GABAB = 1/(-exp(-peak/tau_r_GABAB) + exp(-peak/tau_d_GABAB))
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    g_GABAA = 0.001*(B_GABAA - A_GABAA)
    g_GABAB = 0.001*(B_GABAB - A_GABAB)
    g = g_GABAA + g_GABAB
    i_GABAA = g_GABAA*(v - e_GABAA)
    i_GABAB = g_GABAB*(v - e_GABAB)
    i = i_GABAA + i_GABAB
}

DERIVATIVE states {
    A_GABAA' = -A_GABAA/tau_r_GABAA
    B_GABAA' = -B_GABAA/tau_d_GABAA
    A_GABAB' = -A_GABAB/tau_r_GABAB
    B_GABAB' = -B_GABAB/tau_d_GABAB
}

NET_RECEIVE (weight, weight_GABAA, weight_GABAB, R, Pr, u, tsyn (ms), nc_type) {
    INITIAL {
        R = 1
        u = u0
        tsyn = t
        if (nc_type == 0 && delay_count() > 0) {
            next_delay = 0
            while (next_delay < delay_count()) {
                net_send(delay_time(next_delay), 1)
                next_delay = next_delay + 1
            }
            next_delay = 0
        }
    }

    if (flag == 1) {
        next_delay = delays_due(t)
        weight = conductance*delay_weight(next_delay - 1)
    } else if (t >= 0 && nc_type != 10) {
        weight_GABAA = weight
        weight_GABAB = weight*GABAB_ratio

        if (Fac > 0) {
            u = u*exp(-(t - tsyn)/Fac)
            u = u + Use*(1 - u)
        } else {
            u = Use
        }
        R = 1 - (1 - R)*exp(-(t - tsyn)/Dep)
        Pr = u*R
        R = R - u*R
        tsyn = t

        A_GABAA = A_GABAA + Pr*weight_GABAA*factor_GABAA
        B_GABAA = B_GABAA + Pr*weight_GABAA*factor_GABAA
        A_GABAB = A_GABAB + Pr*weight_GABAB*factor_GABAB
        B_GABAB = B_GABAB + Pr*weight_GABAB*factor_GABAB
        if (verboseLevel > 0) {
            printf("synapse %g at %g ms: u %g, R %g, Pr %g\n", synapseID, t, u, R, Pr)
        }
    }
}

PROCEDURE toggleVerbose() {
    verboseLevel = 1 - verboseLevel
}

DESTRUCTOR {
VERBATIM
#ifndef CORENEURON_BUILD
    if (_p_delay_times) {
        hoc_obj_unref(*vector_pobj(static_cast<IvocVect*>(_p_delay_times)));
        hoc_obj_unref(*vector_pobj(static_cast<IvocVect*>(_p_delay_weights)));
    }
#endif
ENDVERBATIM
}

PROCEDURE setup_delay_vecs() {
VERBATIM
#ifndef CORENEURON_BUILD
    IvocVect* times = ifarg(1) ? vector_arg(1) : nullptr;
    IvocVect* weights = ifarg(2) ? vector_arg(2) : nullptr;
    if (!times || !weights || vector_capacity(times) != vector_capacity(weights)) {
        hoc_execerror("setup_delay_vecs:", "expected two Vectors of equal size: times and weights");
    }
    hoc_obj_ref(*vector_pobj(times));
    hoc_obj_ref(*vector_pobj(weights));
    if (_p_delay_times) {
        hoc_obj_unref(*vector_pobj(static_cast<IvocVect*>(_p_delay_times)));
        hoc_obj_unref(*vector_pobj(static_cast<IvocVect*>(_p_delay_weights)));
    }
    _p_delay_times = times;
    _p_delay_weights = weights;
#endif
ENDVERBATIM
}

FUNCTION delay_count() {
    delay_count = 0
VERBATIM
    _ldelay_count = _p_delay_times ? vector_capacity(static_cast<IvocVect*>(_p_delay_times)) : 0;
ENDVERBATIM
}

: how many of the times have come; a count of events would go wrong where several NetCons send them
FUNCTION delays_due(now (ms)) {
    delays_due = 0
VERBATIM
    int const size = _p_delay_times ? vector_capacity(static_cast<IvocVect*>(_p_delay_times)) : 0;
    int due = 0;
    while (due < size && vector_vec(static_cast<IvocVect*>(_p_delay_times))[due] <= _lnow + 1e-9) {
        ++due;
    }
    _ldelays_due = due;
ENDVERBATIM
}

FUNCTION delay_time(k) {
    delay_time = 0
VERBATIM
    _ldelay_time = vector_vec(static_cast<IvocVect*>(_p_delay_times))[static_cast<int>(_lk)];
ENDVERBATIM
}

FUNCTION delay_weight(k) {
    delay_weight = 0
VERBATIM
    _ldelay_weight = vector_vec(static_cast<IvocVect*>(_p_delay_weights))[static_cast<int>(_lk)];
ENDVERBATIM
}

VERBATIM
static void bbcore_write(double* doubles, int* ints, int* d_offset, int* i_offset, _threadargsproto_) {
    IvocVect* times = static_cast<IvocVect*>(_p_delay_times);
    IvocVect* weights = static_cast<IvocVect*>(_p_delay_weights);
    int const size = times ? vector_capacity(times) : 0;
    if (ints) {
        ints[*i_offset] = size;
    }
    if (doubles && size) {
        double* out = doubles + *d_offset;
        double const* t_in = vector_vec(times);
        double const* w_in = vector_vec(weights);
        for (int k = 0; k < size; ++k) {
            out[2 * k] = t_in[k];
            out[2 * k + 1] = w_in[k];
        }
    }
    *i_offset += 1;
    *d_offset += 2 * size;
}

static void bbcore_read(double* doubles, int* ints, int* d_offset, int* i_offset, _threadargsproto_) {
    int const size = ints[*i_offset];
    if (size) {
        if (!_p_delay_times) {
            _p_delay_times = vector_new1(size);
            _p_delay_weights = vector_new1(size);
        }
        double const* in = doubles + *d_offset;
        double* t_out = vector_vec(static_cast<IvocVect*>(_p_delay_times));
        double* w_out = vector_vec(static_cast<IvocVect*>(_p_delay_weights));
        for (int k = 0; k < size; ++k) {
            t_out[k] = in[2 * k];
            w_out[k] = in[2 * k + 1];
        }
    }
    *i_offset += 1;
    *d_offset += 2 * size;
}
ENDVERBATIM
