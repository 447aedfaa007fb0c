TITLE Glutamatergic synapse (AMPA and NMDA) with stochastic release of several vesicles
COMMENT
Short-term plasticity after Tsodyks & Markram (1997), Fuhrmann et al. (2002) J. Neurophysiol. 87:140; several vesicles
after Barros-Zulaica et al. (2019) Front. Synaptic Neurosci. 11:29; magnesium block in the form of Jahr & Stevens (1990)
J. Neurosci. 10:3178 with constants fitted to Vargas-Caballero & Robinson (2003) J. Neurophysiol. 89:2778.
Every synapse has Nrrp release sites. An event first lets sites recover (each empty one with the probability
1 - exp(-dt/Dep)), then the occupied ones release with the probability u, which facilitation raises; each vesicle adds the
share 1/Nrrp of the weight. Sites, u and the time of the last event belong to the synapse: all its NetCons share them.
Conductances decay by factors computed in INITIAL for a fixed dt.
NetCon weights: weight (nS), weight_AMPA, weight_NMDA, Psurv, nc_type (0 presynaptic, 1 spontaneous, 2 replay;
10, neuromodulation, is ignored).
Random numbers: setRNG(a[, b[, c]]) names the Random123 stream by numbers, setRNG(Random) takes the name of a HOC Random
object (which must use Random123), setRNG() takes it away: urand() is 0 then.
Delayed weights: setup_delay_vecs(times, weights) keeps two Vectors; at each time (ms, from the start) the weight of every
presynaptic NetCon (nc_type 0) becomes conductance*weights.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS ProbAMPANMDA_EMS
    GLOBAL tau_r_AMPA, tau_r_NMDA, tau_d_NMDA, e, slope_mg, scale_mg
    RANGE tau_d_AMPA, mg
    RANGE Use, Dep, Fac, u0, u, tsyn
    RANGE Nrrp, occupied, unoccupied
    RANGE i, i_AMPA, i_NMDA, g, g_AMPA, g_NMDA
    RANGE A_AMPA_step, B_AMPA_step, A_NMDA_step, B_NMDA_step, NMDA_ratio
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
    (mM) = (milli/liter)
}

PARAMETER {
    tau_r_AMPA = 0.2 (ms)
    tau_d_AMPA = 1.7 (ms)
    tau_r_NMDA = 0.29 (ms)
    tau_d_NMDA = 43 (ms)
    e = 0 (mV)
    mg = 1 (mM)
    slope_mg = 0.07207477 (/mV)
    scale_mg = 2.5522415 (mM)
    Use = 1.0
    Dep = 100 (ms)
    Fac = 10 (ms)
    u0 = 0
    Nrrp = 1
    NMDA_ratio = 0.71
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
    i_AMPA (nA)
    i_NMDA (nA)
    g (uS)
    g_AMPA (uS)
    g_NMDA (uS)
    factor_AMPA
    factor_NMDA
    A_AMPA_step
    B_AMPA_step
    A_NMDA_step
    B_NMDA_step
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
    A_AMPA
    B_AMPA
    A_NMDA
    B_NMDA
}

INITIAL {
    LOCAL peak
    A_AMPA = 0
    B_AMPA = 0
    A_NMDA = 0
    B_NMDA = 0
    u = u0
    tsyn = 0
    if (init_depleted) {
        occupied = 0
    } else {
        occupied = Nrrp
    }
    unoccupied = Nrrp - occupied
    next_delay = -1

    peak = (tau_r_AMPA*tau_d_AMPA)/(tau_d_AMPA - tau_r_AMPA)*log(tau_d_AMPA/tau_r_AMPA)
    factor_AMPA = 1/(-exp(-peak/tau_r_AMPA) + exp(-peak/tau_d_AMPA))
    peak = (tau_r_NMDA*tau_d_NMDA)/(tau_d_NMDA - tau_r_NMDA)*log(tau_d_NMDA/tau_r_NMDA)
    factor_NMDA = 1/(-exp(-peak/tau_r_NMDA) + exp(-peak/tau_d_NMDA))

    A_AMPA_step = exp(dt*(-1/tau_r_AMPA))
    B_AMPA_step = exp(dt*(-1/tau_d_AMPA))
    A_NMDA_step = exp(dt*(-1/tau_r_NMDA))
    B_NMDA_step = exp(dt*(-1/tau_d_NMDA))

    if (usingR123 > 0) {
        random_setseq(rng, 0)
    }
}

BREAKPOINT {
    LOCAL unblocked
    SOLVE decay
    unblocked = 1/(1 + exp(slope_mg*(-v))*(mg/scale_mg))
    g_AMPA = 0.001*(B_AMPA - A_AMPA)
    g_NMDA = 0.001*(B_NMDA - A_NMDA)*unblocked
    g = g_AMPA + g_NMDA
    i_AMPA = g_AMPA*(v - e)
    i_NMDA = g_NMDA*(v - e)
    i = i_AMPA + i_NMDA
}

PROCEDURE decay() {
    A_AMPA = A_AMPA*A_AMPA_step
    B_AMPA = B_AMPA*B_AMPA_step
    A_NMDA = A_NMDA*A_NMDA_step
    B_NMDA = B_NMDA*B_NMDA_step
}

NET_RECEIVE (weight, weight_AMPA, weight_NMDA, Psurv, nc_type) {
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
        weight_AMPA = weight
        weight_NMDA = weight*NMDA_ratio

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
            A_AMPA = A_AMPA + released/Nrrp*weight_AMPA*factor_AMPA
            B_AMPA = B_AMPA + released/Nrrp*weight_AMPA*factor_AMPA
            A_NMDA = A_NMDA + released/Nrrp*weight_NMDA*factor_NMDA
            B_NMDA = B_NMDA + released/Nrrp*weight_NMDA*factor_NMDA
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
