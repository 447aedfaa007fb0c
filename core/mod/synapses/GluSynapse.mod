TITLE Plastic glutamatergic synapse with calcium-based long-term plasticity
COMMENT
Chindemi et al. (2022) Nat. Commun. 13:3038: stochastic release of several vesicles, AMPA and NMDA receptors and voltage-
dependent calcium channels of a spine, whose calcium drives the bistable efficacy rho of Graupner & Brunel (2012) PNAS
109:3991; rho moves release probability (Use_GB) and AMPA conductance (gmax_AMPA). Calcium channels after Magee & Johnston
(1995) J. Physiol. 487:67, densities after Sabatini & Svoboda (2000) Nature 408:589 and Bartol et al. (2015) Front. Synaptic
Neurosci. 7:17; magnesium block as in Jahr & Stevens (1990) J. Neurosci. 10:3178.
NetCon weights: weight (on or off), u, tsyn, recovered, unrecovered, nc_type (0 presynaptic, 1 spontaneous, 2 replay;
10, neuromodulation, is ignored).
INITIAL leaves the random stream where it is.
Random numbers: setRNG(a[, b[, c]]) names the Random123 stream by numbers, setRNG(Random) takes the name of a HOC Random
object (which must use Random123), setRNG() takes it away: urand() is 0 then.
Delayed weights: setup_delay_vecs(times, weights) keeps two Vectors; at each time (ms, from the start) the weight of every
presynaptic NetCon (nc_type 0) becomes conductance*weights.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS GluSynapse
    GLOBAL tau_r_AMPA, E_AMPA
    RANGE tau_d_AMPA, gmax0_AMPA, gmax_d_AMPA, gmax_p_AMPA, g_AMPA
    GLOBAL mg, scale_NMDA, slope_NMDA, tau_r_NMDA, tau_d_NMDA, E_NMDA
    RANGE gmax_NMDA, g_NMDA
    GLOBAL minis_single_vesicle, init_depleted, nc_type_param
    RANGE Use, Dep, Fac, Nrrp, Use_d, Use_p
    RANGE ica_NMDA, volume_CR
    GLOBAL gca_bar_VDCC, ljp_VDCC, vhm_VDCC, km_VDCC, vhh_VDCC, kh_VDCC, mtau_VDCC, htau_VDCC
    RANGE ica_VDCC
    GLOBAL gamma_ca_CR, tau_ca_CR, min_ca_CR, cao_CR
    GLOBAL rho_star_GB, tau_ind_GB, tau_exp_GB, tau_effca_GB, gamma_d_GB, gamma_p_GB
    RANGE theta_d_GB, theta_p_GB, rho0_GB, dep_GB, pot_GB
    RANGE vsyn, synapseID, selected_for_report, verbose, conductance, next_delay, usingR123
    NONSPECIFIC_CURRENT i
    RANDOM rng
    BBCOREPOINTER delay_times, delay_weights
}

UNITS {
    (nA) = (nanoamp)
    (mV) = (millivolt)
    (uS) = (microsiemens)
    (nS) = (nanosiemens)
    (um) = (micrometer)
    (mM) = (milli/liter)
    FARADAY = (faraday) (coulomb)
    PI = (pi) (1)
    R = (k-mole) (joule/degC)
}

PARAMETER {
    tau_r_AMPA = 0.2 (ms)
    tau_d_AMPA = 1.7 (ms)
    E_AMPA = 0 (mV)
    gmax0_AMPA = 1.0 (nS)
    gmax_d_AMPA = 1.0 (nS)
    gmax_p_AMPA = 2.0 (nS)
    mg = 1.0 (mM)
    scale_NMDA = 2.552 (mM)
    slope_NMDA = 0.072 (/mV)
    tau_r_NMDA = 0.29 (ms)
    tau_d_NMDA = 70 (ms)
    E_NMDA = -3 (mV)
    gmax_NMDA = 0.55 (nS)
    Use = 0.5
    Dep = 100 (ms)
    Fac = 10 (ms)
    Nrrp = 1
    Use_d = 0.2
    Use_p = 0.8
    volume_CR = 0.087 (um3)
    gca_bar_VDCC = 0.0744 (nS/um2)
    ljp_VDCC = 0 (mV)
    vhm_VDCC = -5.9 (mV)
    km_VDCC = 9.5 (mV)
    vhh_VDCC = -39 (mV)
    kh_VDCC = -9.2 (mV)
    mtau_VDCC = 1 (ms)
    htau_VDCC = 27 (ms)
    gamma_ca_CR = 0.04
    tau_ca_CR = 12 (ms)
    min_ca_CR = 70e-6 (mM)
    cao_CR = 2.0 (mM)
    rho_star_GB = 0.5
    tau_ind_GB = 70 (s)
    tau_exp_GB = 100 (s)
    tau_effca_GB = 200 (ms)
    gamma_d_GB = 100
    gamma_p_GB = 450
    theta_d_GB = 0.006
    theta_p_GB = 0.001
    rho0_GB = 0
    nc_type_param = 5
    minis_single_vesicle = 0
    init_depleted = 0
    synapseID = 0
    verbose = 0
    selected_for_report = 0
    conductance = 0
}

ASSIGNED {
    v (mV)
    celsius (degC)
    i (nA)
    g_AMPA (uS)
    g_NMDA (uS)
    ica_NMDA (nA)
    ica_VDCC (nA)
    factor_AMPA
    factor_NMDA
    dep_GB
    pot_GB
    vsyn (mV)
    next_delay
    usingR123
    delay_times
    delay_weights
}

STATE {
    A_AMPA
    B_AMPA
    gmax_AMPA (nS)
    A_NMDA
    B_NMDA
    Use_GB
    m_VDCC
    h_VDCC
    cai_CR (mM)
    rho_GB
    effcai_GB
}

INITIAL {
    LOCAL peak
    A_AMPA = 0
    B_AMPA = 0
    gmax_AMPA = gmax0_AMPA
    A_NMDA = 0
    B_NMDA = 0
    Use_GB = Use
    m_VDCC = 0
    h_VDCC = 0
    cai_CR = min_ca_CR
    rho_GB = rho0_GB
    effcai_GB = 0
    dep_GB = 0
    pot_GB = 0
    next_delay = -1

    peak = (tau_r_AMPA*tau_d_AMPA)/(tau_d_AMPA - tau_r_AMPA)*log(tau_d_AMPA/tau_r_AMPA)
    factor_AMPA = 1/(-exp(-peak/tau_r_AMPA) + exp(-peak/tau_d_AMPA))
    peak = (tau_r_NMDA*tau_d_NMDA)/(tau_d_NMDA - tau_r_NMDA)*log(tau_d_NMDA/tau_r_NMDA)
    factor_NMDA = 1/(-exp(-peak/tau_r_NMDA) + exp(-peak/tau_d_NMDA))

    net_send(0, 1)
}

BREAKPOINT {
    LOCAL unblocked, share, area_um2, gca, Eca
    SOLVE states METHOD euler
    UNITSOFF
    g_AMPA = 1e-3*gmax_AMPA*(B_AMPA - A_AMPA)
    unblocked = 1/(1 + exp(-slope_NMDA*v)*(mg/scale_NMDA))
    g_NMDA = 1e-3*gmax_NMDA*unblocked*(B_NMDA - A_NMDA)

    : share of calcium in the NMDA current
    share = (4*cao_CR)/(4*cao_CR + (1/1.38)*120)*0.6
    ica_NMDA = share*g_NMDA*(v - 40)

    area_um2 = 4*PI*(3/4*volume_CR*1/PI)^(2/3)
    gca = 1e-3*gca_bar_VDCC*area_um2*m_VDCC*m_VDCC*h_VDCC
    Eca = 1000*(R*(celsius + 273.15)/FARADAY/2)*log(cao_CR/cai_CR)
    ica_VDCC = gca*(v - Eca)

    vsyn = v
    i = g_AMPA*(v - E_AMPA) + g_NMDA*(v - E_NMDA) + ica_VDCC
    UNITSON
}

DERIVATIVE states {
    LOCAL minf, hinf
    UNITSOFF
    minf = 1/(1 + exp(((vhm_VDCC - ljp_VDCC) - v)/km_VDCC))
    hinf = 1/(1 + exp(((vhh_VDCC - ljp_VDCC) - v)/kh_VDCC))
    A_AMPA' = -A_AMPA/tau_r_AMPA
    B_AMPA' = -B_AMPA/tau_d_AMPA
    gmax_AMPA' = (gmax_d_AMPA + rho_GB*(gmax_p_AMPA - gmax_d_AMPA) - gmax_AMPA)/(1e3*tau_exp_GB)
    A_NMDA' = -A_NMDA/tau_r_NMDA
    B_NMDA' = -B_NMDA/tau_d_NMDA
    Use_GB' = (Use_d + rho_GB*(Use_p - Use_d) - Use_GB)/(1e3*tau_exp_GB)
    m_VDCC' = (minf - m_VDCC)/mtau_VDCC
    h_VDCC' = (hinf - h_VDCC)/htau_VDCC
    cai_CR' = -(1e-9)*(ica_NMDA + ica_VDCC)*gamma_ca_CR/((1e-15)*volume_CR*2*FARADAY) - (cai_CR - min_ca_CR)/tau_ca_CR
    effcai_GB' = -effcai_GB/tau_effca_GB + (cai_CR - min_ca_CR)
    rho_GB' = (-rho_GB*(1 - rho_GB)*(rho_star_GB - rho_GB) + pot_GB*gamma_p_GB*(1 - rho_GB) - dep_GB*gamma_d_GB*rho_GB)/(1e3*tau_ind_GB)
    UNITSON
}

NET_RECEIVE (weight, u, tsyn (ms), recovered, unrecovered, nc_type) {
    LOCAL p_recovery, gained, candidates, released
    INITIAL {
        weight = 1
        u = 0
        tsyn = 0
        if (init_depleted) {
            recovered = 0
        } else {
            recovered = Nrrp
        }
        unrecovered = Nrrp - recovered
        if (nc_type == 0 && delay_count() > 0) {
            next_delay = 0
            while (next_delay < delay_count()) {
                net_send(delay_time(next_delay), 10)
                next_delay = next_delay + 1
            }
            next_delay = 0
        }
    }

    if (flag == 1) {
        WATCH (effcai_GB > theta_d_GB) 2
        WATCH (effcai_GB < theta_d_GB) 3
        WATCH (effcai_GB > theta_p_GB) 4
        WATCH (effcai_GB < theta_p_GB) 5
    } else if (flag == 2) {
        dep_GB = 1
    } else if (flag == 3) {
        dep_GB = 0
    } else if (flag == 4) {
        pot_GB = 1
    } else if (flag == 5) {
        pot_GB = 0
    } else if (flag == 10) {
        next_delay = delays_due(t)
        weight = conductance*delay_weight(next_delay - 1)
    } else if (weight > 0 && nc_type != 10) {
        u = Use_GB + u*(1 - Use_GB)*exp(-(t - tsyn)/Fac)

        p_recovery = 1 - exp(-(t - tsyn)/Dep)
        gained = binomial(unrecovered, p_recovery)
        recovered = recovered + gained
        unrecovered = unrecovered - gained

        candidates = recovered
        if (minis_single_vesicle && nc_type == 1 && candidates > 1) {
            candidates = 1
        }
        released = binomial(candidates, u)
        recovered = recovered - released
        unrecovered = unrecovered + released

        A_AMPA = A_AMPA + released/Nrrp*factor_AMPA
        B_AMPA = B_AMPA + released/Nrrp*factor_AMPA
        A_NMDA = A_NMDA + released/Nrrp*factor_NMDA
        B_NMDA = B_NMDA + released/Nrrp*factor_NMDA
        tsyn = t
        if (verbose > 0) {
            printf("synapse %g at %g ms: u %g, %g of %g vesicles released\n", synapseID, t, u, released, Nrrp)
        }
    }
}

: number of successes in count trials
FUNCTION binomial(count, p) {
    LOCAL k, successes
    successes = 0
    k = count
    while (k > 0) {
        if (urand() <= p) {
            successes = successes + 1
        }
        k = k - 1
    }
    binomial = successes
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
