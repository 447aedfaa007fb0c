TITLE Extracellular potentials of many segments, from waveforms in time and potentials in space
COMMENT
One instance drives all segments of a rank. Fields are superposed; a field has sources, and each source adds, to
e_extracellular of the segments of its field, its waveform times its potential at the segment. Potentials are applied when a
time step ends, for the next one: those at the time step * dt are seen from there on, and 0 in the first step.
Waveforms get time = start + ((step - lag) modulo period) dt:
    dc      amp for delay < time < delay + duration, else 0
    sine    amp sin(2 pi frequency / 1000 time + phase) + offset in the same interval, else 0
    points  interpolated between points, constant before the first and behind the last
    frames  not one potential per segment, but one per point of time, interpolated between them
Only for NEURON: CoreNEURON has no extracellular mechanism.
ENDCOMMENT

NEURON {
    POINT_PROCESS ExtracellularDrive
    POINTER drive
}

ASSIGNED {
    drive
}

VERBATIM
#ifndef CORENEURON_BUILD
#include <algorithm>
#include <cmath>
#include <vector>
namespace extracellular_drive {
enum Kind { DC, SINE, POINTS, FRAMES };
struct Source {
    Kind kind;
    double lag, period, start;
    double amp, delay, duration, frequency, phase, offset;
    std::vector<double> time, value;
    size_t first_row;

    double time_of(long step, double step_ms) const {
        double index = step - lag;
        if (period > 0.) {
            index = std::fmod(index, period);
        }
        return start + index * step_ms;
    }
    bool active(double now) const {
        return delay < now && now < delay + duration;
    }
    // the point before now and how far behind it now is, from 0 to 1
    std::pair<size_t, double> place(double now) const {
        size_t const n = time.size();
        if (n == 1 || now <= time.front()) {
            return {0, 0.};
        }
        if (now >= time.back()) {
            return {n - 2, 1.};
        }
        size_t const k = std::upper_bound(time.begin(), time.end(), now) - time.begin() - 1;
        return {k, (now - time[k]) / (time[k + 1] - time[k])};
    }
    double at(double now) const {
        switch (kind) {
        case DC:
            return active(now) ? amp : 0.;
        case SINE:
            return active(now) ? amp * std::sin(2. * 3.14159265358979323846 * frequency / 1000. * now + phase) + offset : 0.;
        default: {
            auto const [k, part] = place(now);
            return part == 0. ? value[k] : value[k] + part * (value[k + 1] - value[k]);
        }
        }
    }
};
struct Field {
    std::vector<size_t> segment;
    std::vector<Source> sources;
    std::vector<std::vector<double>> potential;

    void add(double factor, size_t row, std::vector<double>& sum) const {
        if (factor == 0.) {
            return;
        }
        double const* const values = potential[row].data();
        for (size_t i = 0; i < segment.size(); ++i) {
            sum[segment[i]] += factor * values[i];
        }
    }
    void add_to(std::vector<double>& sum, long step, double step_ms) const {
        for (auto const& source: sources) {
            double const now = source.time_of(step, step_ms);
            if (source.kind == FRAMES) {
                auto const [k, part] = source.place(now);
                add(1. - part, source.first_row + k, sum);
                add(part, source.first_row + std::min(k + 1, source.time.size() - 1), sum);
            } else {
                add(source.at(now), source.first_row, sum);
            }
        }
    }
};
struct Drive {
    std::vector<neuron::container::data_handle<double>> target;
    std::vector<double> sum;
    std::vector<Field> fields;
    long applied = -1;

    void apply(long step, double step_ms) {
        if (step == applied) {
            return;
        }
        applied = step;
        std::fill(sum.begin(), sum.end(), 0.);
        if (step > 0) {
            for (auto const& field: fields) {
                field.add_to(sum, step, step_ms);
            }
        }
        for (size_t i = 0; i < target.size(); ++i) {
            *target[i] = sum[i];
        }
    }
};
std::vector<double> numbers(int argument) {
    IvocVect* const vec = vector_arg(argument);
    return {vector_vec(vec), vector_vec(vec) + vector_capacity(vec)};
}
}
#define DRIVE reinterpret_cast<extracellular_drive::Drive*>(_p_drive)
#endif
ENDVERBATIM

CONSTRUCTOR {
VERBATIM
#ifndef CORENEURON_BUILD
    _p_drive = reinterpret_cast<double*>(new extracellular_drive::Drive());
#endif
ENDVERBATIM
}

DESTRUCTOR {
VERBATIM
#ifndef CORENEURON_BUILD
    delete DRIVE;
#endif
ENDVERBATIM
}

INITIAL {
VERBATIM
#ifndef CORENEURON_BUILD
    DRIVE->applied = -1;
    DRIVE->apply(std::lround(t / dt), dt);
#endif
ENDVERBATIM
}

: t is in the middle of the step here; it has been done unless the state was restored
BEFORE BREAKPOINT {
VERBATIM
#ifndef CORENEURON_BUILD
    DRIVE->apply(std::lround(t / dt - 0.5), dt);
#endif
ENDVERBATIM
}

AFTER SOLVE {
VERBATIM
#ifndef CORENEURON_BUILD
    DRIVE->apply(std::lround(t / dt), dt);
#endif
ENDVERBATIM
}

: argument: reference to e_extracellular; returns the number of the segment
FUNCTION add_segment() {
VERBATIM
#ifndef CORENEURON_BUILD
    DRIVE->target.push_back(hoc_hgetarg<double>(1));
    DRIVE->sum.push_back(0.);
    DRIVE->applied = -1;
    _ladd_segment = DRIVE->target.size() - 1;
#endif
ENDVERBATIM
}

: argument: Vector with the numbers of its segments
PROCEDURE add_field() {
VERBATIM
#ifndef CORENEURON_BUILD
    auto const segments = extracellular_drive::numbers(1);
    DRIVE->fields.emplace_back();
    DRIVE->fields.back().segment.assign(segments.begin(), segments.end());
#endif
ENDVERBATIM
}

: arguments: kind, lag (steps), period (steps, 0: none), start (ms); then Vectors of six numbers (amp, delay, duration,
: frequency, phase, offset), times (ms) and values of points; belongs to the last field; its rows of potentials follow
PROCEDURE add_source() {
VERBATIM
#ifndef CORENEURON_BUILD
    auto const p = extracellular_drive::numbers(5);
    auto& field = DRIVE->fields.back();
    field.sources.push_back({static_cast<extracellular_drive::Kind>(static_cast<int>(*getarg(1))),
        *getarg(2), *getarg(3), *getarg(4), p[0], p[1], p[2], p[3], p[4], p[5],
        extracellular_drive::numbers(6), extracellular_drive::numbers(7), field.potential.size()});
#endif
ENDVERBATIM
}

: argument: Vector with the potential (mV per unit of the waveform) at each segment of the last field
PROCEDURE add_row() {
VERBATIM
#ifndef CORENEURON_BUILD
    DRIVE->fields.back().potential.push_back(extracellular_drive::numbers(1));
#endif
ENDVERBATIM
}
