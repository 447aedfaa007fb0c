TITLE GABAergic synapse (GABA-A and GABA-B) with stochastic release of several vesicles
COMMENT
Short-term plasticity after Tsodyks & Markram (1997), Fuhrmann et al. (2002) J. Neurophysiol. 87:140; several vesicles
after Barros-Zulaica et al. (2019) Front. Synaptic Neurosci. 11:29.
Every synapse has Nrrp release sites. An event first lets sites recover (each empty one with the probability
1 - exp(-dt/Dep)), then the occupied ones release with the probability u, which facilitation raises; each vesicle adds the
share 1/Nrrp of the weight. Sites, u and the time of the last event belong to the synapse: all its NetCons share them.
Conductances decay by factors computed in INITIAL for a fixed dt.
NetCon weights: weight (nS), weight_GABAA, weight_GABAB, Psurv, nc_type (0 presynaptic, 1 spontaneous, 2 replay;
10, neuromodulation, is ignored).
Random numbers: setRNG(a[, b[, c]]) names the Random123 stream by numbers, setRNG(Random) takes the name of a HOC Random
object (which must use Random123), setRNG() takes it away: urand() is 0 then.
Delayed weights: setup_delay_vecs(times, weights) keeps two Vectors; at each time (ms, from the start) the weight of every
presynaptic NetCon (nc_type 0) becomes conductance*weights.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS ProbGABAAB_EMS
    GLOBAL tau_r_GABAB, tau_d_GABAB
    RANGE tau_r_GABAA, tau_d_GABAA, e_GABAA, e_GABAB
    RANGE Use, Dep, Fac, u0, u, tsyn
    RANGE Nrrp, occupied, unoccupied
    RANGE i, i_GABAA, i_GABAB, g, g_GABAA, g_GABAB
    RANGE A_GABAA_step, B_GABAA_step, A_GABAB_step, B_GABAB_step, GABAB_ratio
    RANGE synapseID, selected_for_report, verboseLevel, conductance, next_delay, usingR123
    GLOBAL nc_type_param, minis_single_vesicle, init_depleted
    NONSPECIFIC_CURRENT i
    RANDOM rng
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
    Nrrp = 1
    GABAB_ratio = 0.0
    synapseID = 0
    selected_for_report = 0
    verboseLevel = 0
    conductance = 0
    nc_type_param = 4
    minis_single_vesicle = 0
    init_depleted = 0
}

ASSIGNED {
    v (mV)
    dt (ms)
    i (nA)
    i_GABAA (nA)
    i_GABAB (nA)
    g (uS)
    g_GABAA (uS)
    g_GABAB (uS)
    factor_GABAA
    factor_GABAB
    A_GABAA_step
    B_GABAA_step
    A_GABAB_step
    B_GABAB_step
    u
    tsyn (ms)
    occupied
    unoccupied
    next_delay
    usingR123
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
    u = u0
    tsyn = 0
    if (init_depleted) {
        occupied = 0
    } else {
        occupied = Nrrp
    }
    unoccupied = Nrrp - occupied
    next_delay = -1

    peak = (tau_r_GABAA*tau_d_GABAA)/(tau_d_GABAA - tau_r_GABAA)*log(tau_d_GABAA/tau_r_GABAA)
    factor_GABAA = 1/(-exp(-peak/tau_r_GABAA) + exp(-peak/tau_d_GABAA))
    peak = (tau_r_GABAB*tau_d_GABAB)/(tau_d_GABAB - tau_r_GABAB)*log(tau_d_GABAB/tau_r_GABAB)
    factor_GABAB = 1/(-exp(-peak/tau_r_GABAB) + exp(-peak/tau_d_GABAB))

    A_GABAA_step = exp(dt*(-1/tau_r_GABAA))
    B_GABAA_step = exp(dt*(-1/tau_d_GABAA))
    A_GABAB_step = exp(dt*(-1/tau_r_GABAB))
    B_GABAB_step = exp(dt*(-1/tau_d_GABAB))

    if (usingR123 > 0) {
        random_setseq(rng, 0)
    }
}

BREAKPOINT {
    SOLVE decay
    g_GABAA = 0.001*(B_GABAA - A_GABAA)
    g_GABAB = 0.001*(B_GABAB - A_GABAB)
    g = g_GABAA + g_GABAB
    i_GABAA = g_GABAA*(v - e_GABAA)
    i_GABAB = g_GABAB*(v - e_GABAB)
    i = i_GABAA + i_GABAB
}

PROCEDURE decay() {
    A_GABAA = A_GABAA*A_GABAA_step
    B_GABAA = B_GABAA*B_GABAA_step
    A_GABAB = A_GABAB*A_GABAB_step
    B_GABAB = B_GABAB*B_GABAB_step
}

NET_RECEIVE (weight, weight_GABAA, weight_GABAB, Psurv, nc_type) {
    LOCAL k, candidates, released
    INITIAL {
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
    } else if (weight > 0 && t >= 0 && nc_type != 10) {
        weight_GABAA = weight
        weight_GABAB = weight*GABAB_ratio

        if (Fac > 0) {
            u = u*exp(-(t - tsyn)/Fac)
            u = u + Use*(1 - u)
        } else {
            u = Use
        }

        Psurv = exp(-(t - tsyn)/Dep)
        k = unoccupied
        while (k > 0) {
            if (urand() > Psurv) {
                occupied = occupied + 1
            }
            k = k - 1
        }

        candidates = occupied
        if (minis_single_vesicle && nc_type == 1 && candidates > 1) {
            candidates = 1
        }
        released = 0
        k = candidates
        while (k > 0) {
            if (urand() < u) {
                released = released + 1
            }
            k = k - 1
        }
        occupied = occupied - released
        unoccupied = Nrrp - occupied
        tsyn = t

        if (released > 0) {
            A_GABAA = A_GABAA + released/Nrrp*weight_GABAA*factor_GABAA
            B_GABAA = B_GABAA + released/Nrrp*weight_GABAA*factor_GABAA
            A_GABAB = A_GABAB + released/Nrrp*weight_GABAB*factor_GABAB
            B_GABAB = B_GABAB + released/Nrrp*weight_GABAB*factor_GABAB
        }
        if (verboseLevel > 0) {
            printf("synapse %g at %g ms: u %g, %g of %g vesicles released\n", synapseID, t, u, released, Nrrp)
        }
    }
}

PROCEDURE setRNG() {
VERBATIM
#ifndef CORENEURON_BUILD
    uint32_t ids[3] = {0, 0, 0};
    uint32_t position = 0;
    char word = 0;
    if (!ifarg(1)) {
        usingR123 = 0;
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
    nrnran123_setids(rng, ids[0], ids[1], ids[2]);
    nrnran123_setseq(rng, position, word);
    usingR123 = 1;
#endif
ENDVERBATIM
}

PROCEDURE clearRNG() {
    usingR123 = 0
}

FUNCTION urand() {
    if (usingR123 > 0) {
        urand = random_uniform(rng)
    } else {
        urand = 0
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
