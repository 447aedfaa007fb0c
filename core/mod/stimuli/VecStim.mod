TITLE Artificial cell that fires at the times of a Vector
COMMENT
play(Vector) keeps the Vector of spike times (ms, ascending); play() stops. restartEvent() sends the next spike anew, for
use after a restored state that has no event queue.
ENDCOMMENT

NEURON {
    THREADSAFE
    ARTIFICIAL_CELL VecStim
    BBCOREPOINTER times
}

ASSIGNED {
    index
    etime (ms)
    times
}

INITIAL {
    index = 0
    next_spike(t)
    if (index > 0) {
        net_send(etime - t, 1)
    }
}

NET_RECEIVE (w) {
    if (flag == 1) {
        net_event(t)
        next_spike(t)
        if (index > 0) {
            net_send(etime - t, 1)
        }
    }
}

DESTRUCTOR {
VERBATIM
#ifndef CORENEURON_BUILD
    if (_p_times) {
        hoc_obj_unref(*vector_pobj(static_cast<IvocVect*>(_p_times)));
    }
#endif
ENDVERBATIM
}

: etime: the next one that is not before now; index: 1 + its place, 0 after the last
PROCEDURE next_spike(now (ms)) {
VERBATIM
    IvocVect* vec = static_cast<IvocVect*>(_p_times);
    int const size = vec ? vector_capacity(vec) : 0;
    int place = static_cast<int>(index);
    double const* values = size ? vector_vec(vec) : nullptr;
    while (place < size && values[place] < _lnow) {
        ++place;
    }
    if (place < size) {
        etime = values[place];
        index = place + 1;
    } else {
        index = 0;
    }
ENDVERBATIM
}

PROCEDURE restartEvent() {
    index = 0
    next_spike(t)
VERBATIM
#ifndef CORENEURON_BUILD
    if (index > 0) {
        artcell_net_send(_tqitem, nullptr, _ppvar[1].get<Point_process*>(), etime, 1.0);
    }
#endif
ENDVERBATIM
}

PROCEDURE play() {
VERBATIM
#ifndef CORENEURON_BUILD
    IvocVect* given = ifarg(1) ? vector_arg(1) : nullptr;
    if (given) {
        hoc_obj_ref(*vector_pobj(given));
    }
    if (_p_times) {
        hoc_obj_unref(*vector_pobj(static_cast<IvocVect*>(_p_times)));
    }
    _p_times = given;
#endif
ENDVERBATIM
}

VERBATIM
static void bbcore_write(double* doubles, int* ints, int* d_offset, int* i_offset, _threadargsproto_) {
    IvocVect* vec = static_cast<IvocVect*>(_p_times);
    int const size = vec ? vector_capacity(vec) : 0;
    if (ints) {
        ints[*i_offset] = size;
    }
    if (doubles && size) {
        double const* values = vector_vec(vec);
        for (int k = 0; k < size; ++k) {
            doubles[*d_offset + k] = values[k];
        }
    }
    *i_offset += 1;
    *d_offset += size;
}

static void bbcore_read(double* doubles, int* ints, int* d_offset, int* i_offset, _threadargsproto_) {
    int const size = ints[*i_offset];
    if (size && !_p_times) {
        _p_times = vector_new1(size);
    }
    if (size) {
        double* values = vector_vec(static_cast<IvocVect*>(_p_times));
        for (int k = 0; k < size; ++k) {
            values[k] = doubles[*d_offset + k];
        }
    }
    *i_offset += 1;
    *d_offset += size;
}
ENDVERBATIM
