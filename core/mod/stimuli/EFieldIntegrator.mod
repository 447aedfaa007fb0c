COMMENT
Extracellular potential of one segment in uniform electric fields that oscillate in time.

e_ext points to e_extracellular of the segment. Each source added adds, for delay < t < delay + ramp_up + duration + ramp_down,
    ramp(t) peak cos(2 pi frequency / 1000 (t - delay) + phase)
where ramp rises from 0 to 1 over ramp_up ms, stays, and falls to 0 over ramp_down ms. Only for NEURON: CoreNEURON has no extracellular mechanism.
ENDCOMMENT

NEURON {
    POINT_PROCESS EFieldIntegrator
    POINTER e_ext, sources
    RANGE enabled
}

ASSIGNED {
    e_ext (mV)
    sources
    enabled
}

VERBATIM
#ifndef CORENEURON_BUILD
#include <cmath>
#include <vector>
namespace {
struct FieldSource {
    double delay, duration, ramp_up, ramp_down, peak, phase, frequency;
    double at(double time) const {
        const double since = time - delay;
        const double fall = ramp_up + duration;
        if (since <= 0. || since >= fall + ramp_down) {
            return 0.;
        }
        double ramp = 1.;
        if (since < ramp_up) {
            ramp = since / ramp_up;
        } else if (since > fall) {
            ramp = 1. - (since - fall) / ramp_down;
        }
        return ramp * peak * std::cos(2. * 3.14159265358979323846 * frequency / 1000. * since + phase);
    }
};
using FieldSources = std::vector<FieldSource>;
}
#endif
ENDVERBATIM

CONSTRUCTOR {
VERBATIM
#ifndef CORENEURON_BUILD
    _p_sources = reinterpret_cast<double*>(new FieldSources());
    enabled = 0;
#endif
ENDVERBATIM
}

DESTRUCTOR {
VERBATIM
#ifndef CORENEURON_BUILD
    delete reinterpret_cast<FieldSources*>(_p_sources);
#endif
ENDVERBATIM
}

INITIAL {
    if (enabled) {
        e_ext = 0
    }
}

BEFORE BREAKPOINT {
    if (enabled) {
        e_ext = potential(t)
    }
}

FUNCTION potential(time (ms)) (mV) {
VERBATIM
#ifndef CORENEURON_BUILD
    double sum = 0.;
    for (const auto& source: *reinterpret_cast<FieldSources*>(_p_sources)) {
        sum += source.at(_ltime);
    }
    _lpotential = sum;
#endif
ENDVERBATIM
}

: arguments: delay, duration, ramp up, ramp down (ms), peak (mV), phase (rad), frequency (Hz)
PROCEDURE add_electrode_source() {
VERBATIM
#ifndef CORENEURON_BUILD
    reinterpret_cast<FieldSources*>(_p_sources)->push_back(
        {*getarg(1), *getarg(2), *getarg(3), *getarg(4), *getarg(5), *getarg(6), *getarg(7)});
#endif
ENDVERBATIM
}
