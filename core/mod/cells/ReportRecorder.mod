COMMENT
Records variables at regular times, all of them at one event, without any interpreted code; in NEURON and in CoreNEURON.

The frames of a report lie one behind the other, as 32-bit floats, in memory that grows as it must. The event of frame k is at
t = k * interval; the values are those at the beginning of the integration step in which it is delivered. The event at t = 0 comes
before currents are computed for the first time.

With steps > 0, frame k belongs to integration step k * steps and holds the values at the end of it, after the events up to
that time. The time of the event is added up as NEURON adds up t, so that it is the last one of its step, not among the first
of the next.

With wide = 1 values are kept as 64-bit floats.

A column is one variable as it is, or, once matrices were given, a weighted sum: each matrix takes the next n_in variables and
makes the next n_out columns of them.

Use from Python, before the model is initialised:
    recorder = h.ReportRecorder()
    recorder.add(segment._ref_v)               # once per variable
    recorder.weigh(n_out, n_in, weights)       # once per matrix (row by row), or never
    recorder.interval, recorder.first, recorder.last = 0.1, 0, 99
    recorder.limit = 100000                    # size of the memory, in doubles, that will usually be enough
    recorder.open()
    ... recorder.frames frames begin at recorder.address(), number recorder.next comes next; recorder.frames = 0 empties it
After a restored state, resume(frame, t) goes on with this frame at this time.

CoreNEURON in the memory of the same process appends to the same frames. Before each of its runs NEURON looks up where
CoreNEURON will have the variables; recorder.unreachable() counts those that it will have nowhere.

With file >= 0 the recorder goes into the files of a model (nrncore_write) with all it needs. Whatever process simulates that model
writes the frames, one behind the other, into the file of this number in the folder $NEURODAMUS_LIKE_FRAMES; none without it.
ENDCOMMENT

NEURON {
    THREADSAFE
    ARTIFICIAL_CELL ReportRecorder
    RANGE interval, first, last, limit, steps, wide, file, frames, next
    BBCOREPOINTER state
}

PARAMETER {
    interval = 0.1 (ms)
    first = 0
    last = -1
    limit = 0
    steps = 0
    wide = 0
    file = -1
}

ASSIGNED {
    frames
    next
    clock
    state
}

VERBATIM
#ifndef CORENEURON_BUILD
#include <unistd.h>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>
extern int structure_change_cnt;
#else
#include <cstdio>
#include <cstdlib>
#include <string>
extern "C" int getpid();
#endif

namespace {
struct ReportRecorderMatrix {
    int n_out;
    int n_in;
};

// One definition, compiled once for NEURON and once for CoreNEURON, which work on the same object in turns.
struct ReportRecorderState {
    std::vector<int> types;                // where CoreNEURON has the variables: kind of mechanism
    std::vector<int> rows;                 // and place among its data
    std::vector<double const*> pointers;   // the variables in the simulator that is running, null for those that are gone
    std::vector<ReportRecorderMatrix> matrices;
    std::vector<double> weights;
    std::vector<double> values;
    std::vector<double> buffer;
    std::size_t columns = 0;
    bool opened = false;
    bool from_files = false;               // read by CoreNEURON from the files of a model
    std::FILE* output = nullptr;           // where such a recorder writes
};

template <typename Value>
inline void report_recorder_frame(ReportRecorderState& self, Value* out) {
    std::size_t const size = self.pointers.size();
    double const* const* const pointers = self.pointers.data();
    if (self.matrices.empty()) {
        for (std::size_t i = 0; i < size; ++i) {
            out[i] = static_cast<Value>(pointers[i] ? *pointers[i] : 0.);
        }
        return;
    }
    for (std::size_t i = 0; i < size; ++i) {
        self.values[i] = pointers[i] ? *pointers[i] : 0.;
    }
    double const* weight = self.weights.data();
    double const* value = self.values.data();
    for (auto const& matrix: self.matrices) {
        for (int row = 0; row < matrix.n_out; ++row) {
            double sum = 0.;
            for (int k = 0; k < matrix.n_in; ++k) {
                sum += weight[k] * value[k];
            }
            weight += matrix.n_in;
            *out++ = static_cast<Value>(sum);
        }
        value += matrix.n_in;
    }
}

// Memory is taken at once as far as it is expected to be needed, then doubled.
inline void report_recorder_append(ReportRecorderState& self, std::size_t frame, std::size_t most, bool doubles) {
    if (!self.opened || !self.columns) {
        return;
    }
    std::size_t const needed = doubles ? (frame + 1) * self.columns : ((frame + 1) * self.columns + 1) / 2;
    std::size_t const size = self.buffer.size();
    if (needed > size) {
        std::size_t const wanted = size < most ? most : 2 * size;
        self.buffer.resize(wanted > needed ? wanted : needed);
    }
    double* const begin = self.buffer.data();
    if (doubles) {
        report_recorder_frame(self, begin + frame * self.columns);
    } else {
        report_recorder_frame(self, reinterpret_cast<float*>(begin) + frame * self.columns);
    }
}

#ifdef CORENEURON_BUILD
// The frame goes into the file at once: nobody else empties the memory of such a recorder.
inline void report_recorder_write(ReportRecorderState& self, int number, bool doubles, bool is_last) {
    if (!self.opened || !self.columns) {
        return;
    }
    if (!self.output) {
        char const* const folder = std::getenv("NEURODAMUS_LIKE_FRAMES");
        self.output = folder ? std::fopen((std::string(folder) + "/" + std::to_string(number) + ".frames").c_str(), "wb")
                             : nullptr;
        self.opened = self.output != nullptr;
    }
    if (!self.opened) {
        return;
    }
    self.buffer.resize(self.columns);
    if (doubles) {
        report_recorder_frame(self, self.buffer.data());
    } else {
        report_recorder_frame(self, reinterpret_cast<float*>(self.buffer.data()));
    }
    std::fwrite(self.buffer.data(), doubles ? sizeof(double) : sizeof(float), self.columns, self.output);
    if (is_last) {
        std::fclose(self.output);
        self.output = nullptr;
        self.opened = false;
    }
}

// The opposite of what NEURON writes with a recorder that belongs into files.
inline ReportRecorderState* report_recorder_from_files(int const* in, double const* weights) {
    auto* const self = new ReportRecorderState();
    std::size_t const n_variables = in[1];
    std::size_t const n_matrices = in[2];
    int const* const types = in + 4;
    self->types.assign(types, types + n_variables);
    self->rows.assign(types + n_variables, types + 2 * n_variables);
    int const* const shapes = types + 2 * n_variables;
    self->columns = n_matrices ? 0 : n_variables;
    for (std::size_t i = 0; i < n_matrices; ++i) {
        self->matrices.push_back({shapes[2 * i], shapes[2 * i + 1]});
        self->columns += shapes[2 * i];
    }
    self->weights.assign(weights, weights + in[3]);
    self->values.resize(n_variables);
    self->opened = self->from_files = true;
    return self;
}
#endif

// Both simulators move t by two halves of a step; only the same sum gives exactly the same time.
inline double report_recorder_later(double time, double step, double count) {
    double const half = .5 * step;
    for (; count >= 1.; --count) {
        time += half;
        time += half;
    }
    return time;
}

#ifndef CORENEURON_BUILD
struct ReportRecorderModel {
    ReportRecorderState shared;
    std::vector<neuron::container::data_handle<double>> variables;
    std::size_t number = 0;
    int structure = -1;  // of the model, when the pointers were found
};

// States by number, for CoreNEURON: the table stays where it is, and a recorder that is gone leaves an empty place.
std::vector<ReportRecorderState*> report_recorder_table;

// Variables only move when the model changes, which is rare: their addresses are kept for a block of frames.
inline void report_recorder_find(ReportRecorderModel& model, bool begins) {
    auto& pointers = model.shared.pointers;
    auto const& variables = model.variables;
    std::size_t const size = variables.size();
    bool const same = !begins && size && pointers.size() == size && model.structure == structure_change_cnt &&
                      pointers.front() == static_cast<double const*>(variables.front()) &&
                      pointers.back() == static_cast<double const*>(variables.back());
    if (same) {
        return;
    }
    model.structure = structure_change_cnt;
    pointers.resize(size);
    for (std::size_t i = 0; i < size; ++i) {
        pointers[i] = static_cast<double const*>(variables[i]);
    }
}
#endif
}  // namespace

#ifndef CORENEURON_BUILD
int nrn_dblpntr2nrncore(neuron::container::data_handle<double>, NrnThread&, int&, int&);

// Finds where CoreNEURON will have the variables; returns the number of those that it will have nowhere.
static std::size_t report_recorder_look_up(ReportRecorderModel& model, NrnThread& thread) {
    auto& self = model.shared;
    std::size_t const size = model.variables.size();
    self.types.assign(size, 0);
    self.rows.assign(size, 0);
    self.pointers.clear();
    std::size_t lost = 0;
    for (std::size_t i = 0; i < size; ++i) {
        // the voltage and the membrane current have negative types, those of mechanisms are positive
        if (static_cast<double const*>(model.variables[i]) &&
            nrn_dblpntr2nrncore(model.variables[i], thread, self.types[i], self.rows[i])) {
            self.types[i] = 0;
        }
        lost += self.types[i] == 0;
    }
    return lost;
}

#define REPORT_RECORDER_MODEL (*reinterpret_cast<ReportRecorderModel**>(&(_p_state)))
#endif
ENDVERBATIM

CONSTRUCTOR {
VERBATIM
#ifndef CORENEURON_BUILD
    REPORT_RECORDER_MODEL = new ReportRecorderModel();
    REPORT_RECORDER_MODEL->number = report_recorder_table.size();
    report_recorder_table.push_back(&REPORT_RECORDER_MODEL->shared);
#endif
ENDVERBATIM
}

DESTRUCTOR {
VERBATIM
#ifndef CORENEURON_BUILD
    report_recorder_table[REPORT_RECORDER_MODEL->number] = nullptr;
    delete REPORT_RECORDER_MODEL;
    REPORT_RECORDER_MODEL = nullptr;
#endif
ENDVERBATIM
}

INITIAL {
    frames = 0
    next = first
    clock = 0
    if (next <= last) {
        if (steps > 0) {
            clock = later(0, first * steps + 1)
            net_send(clock, 1)
        } else {
            net_send(next * interval, 1)
        }
    }
}

NET_RECEIVE (w) {
    if (flag == 1) {
        append()
        if (next <= last) {
            if (steps > 0) {
                clock = later(clock, steps)
                net_send(clock - t, 1)
            } else {
                net_send(next * interval - t, 1)
            }
        }
    }
}

FUNCTION later(time, count) {
    later = time
VERBATIM
    _llater = report_recorder_later(_ltime, _nt->_dt, _lcount);
ENDVERBATIM
}

PROCEDURE add() {
VERBATIM
#ifndef CORENEURON_BUILD
    REPORT_RECORDER_MODEL->variables.push_back(hoc_hgetarg<double>(1));
#endif
ENDVERBATIM
}

PROCEDURE weigh() {
VERBATIM
#ifndef CORENEURON_BUILD
    auto& self = REPORT_RECORDER_MODEL->shared;
    int const n_out = static_cast<int>(*getarg(1));
    int const n_in = static_cast<int>(*getarg(2));
    IvocVect* const weights = vector_arg(3);
    double const* const begin = vector_vec(weights);
    self.matrices.push_back({n_out, n_in});
    self.weights.insert(self.weights.end(), begin, begin + static_cast<std::size_t>(n_out) * n_in);
#endif
ENDVERBATIM
}

PROCEDURE open() {
VERBATIM
#ifndef CORENEURON_BUILD
    auto& self = REPORT_RECORDER_MODEL->shared;
    self.values.resize(REPORT_RECORDER_MODEL->variables.size());
    self.columns = self.values.size();
    if (!self.matrices.empty()) {
        self.columns = 0;
        for (auto const& matrix: self.matrices) {
            self.columns += matrix.n_out;
        }
    }
    self.opened = true;
#endif
ENDVERBATIM
}

PROCEDURE resume(frame, when (ms)) {
    frames = 0
    next = frame
    clock = when
VERBATIM
#ifndef CORENEURON_BUILD
    if (next <= last) {
        artcell_net_send(_tqitem, nullptr, _ppvar[1].get<Point_process*>(), _lwhen, 1.0);
    }
#endif
ENDVERBATIM
}

PROCEDURE close() {
VERBATIM
#ifndef CORENEURON_BUILD
    REPORT_RECORDER_MODEL->shared = ReportRecorderState();
    REPORT_RECORDER_MODEL->variables.clear();
#endif
ENDVERBATIM
}

PROCEDURE append() {
VERBATIM
#ifndef CORENEURON_BUILD
    ReportRecorderState* const self = &REPORT_RECORDER_MODEL->shared;
    report_recorder_find(*REPORT_RECORDER_MODEL, frames == 0);
#else
    ReportRecorderState* const self = static_cast<ReportRecorderState*>(_p_state);
    if (self && self->pointers.size() != self->types.size()) {
        self->pointers.resize(self->types.size());
        for (std::size_t i = 0; i < self->types.size(); ++i) {
            self->pointers[i] = self->types[i] ? legacy_index2pointer(self->types[i], self->rows[i], *nt) : nullptr;
        }
    }
#endif
#ifdef CORENEURON_BUILD
    if (self && self->from_files) {
        report_recorder_write(*self, static_cast<int>(file), wide > 0., next + 1. > last);
    } else
#endif
    if (self) {
        report_recorder_append(
            *self, static_cast<std::size_t>(frames), static_cast<std::size_t>(limit), wide > 0.);
    }
ENDVERBATIM
    frames = frames + 1
    next = next + 1
}

: where the first frame begins in memory
FUNCTION address() {
    address = 0
VERBATIM
#ifndef CORENEURON_BUILD
    _laddress = static_cast<double>(reinterpret_cast<std::uintptr_t>(REPORT_RECORDER_MODEL->shared.buffer.data()));
#endif
ENDVERBATIM
}

: number of variables that CoreNEURON will not have; after the model was initialised
FUNCTION unreachable() {
    unreachable = 0
VERBATIM
#ifndef CORENEURON_BUILD
    _lunreachable = static_cast<double>(report_recorder_look_up(*REPORT_RECORDER_MODEL, *_nt));
#endif
ENDVERBATIM
}

VERBATIM
// CoreNEURON gets the process, the table of recorders and the number of this one; files of a model that another process
// reads name another process, and nothing is recorded there. With a file, it gets all that the recorder consists of.
static void bbcore_write(double* doubles, int* ints, int* d_offset, int* i_offset, _threadargsproto_) {
    std::size_t n_ints = 4;
    std::size_t n_doubles = 0;
#ifndef CORENEURON_BUILD
    auto& model = *REPORT_RECORDER_MODEL;
    auto const& self = model.shared;
    if (file >= 0.) {
        n_ints += 2 * (model.variables.size() + self.matrices.size());
        n_doubles = self.weights.size();
    }
    if (ints) {
        report_recorder_look_up(model, *_nt);
        int* out = ints + *i_offset;
        if (file >= 0.) {
            *out++ = -1;
            *out++ = static_cast<int>(model.variables.size());
            *out++ = static_cast<int>(self.matrices.size());
            *out++ = static_cast<int>(self.weights.size());
            out = std::copy(self.types.begin(), self.types.end(), out);
            out = std::copy(self.rows.begin(), self.rows.end(), out);
            for (auto const& matrix: self.matrices) {
                *out++ = matrix.n_out;
                *out++ = matrix.n_in;
            }
            if (doubles) {
                std::copy(self.weights.begin(), self.weights.end(), doubles + *d_offset);
            }
        } else {
            auto const table = reinterpret_cast<std::uintptr_t>(&report_recorder_table);
            out[0] = static_cast<int>(getpid());
            out[1] = static_cast<int>(table & 0xffffffffu);
            out[2] = static_cast<int>(table >> 32);
            out[3] = static_cast<int>(model.number);
        }
    }
#else
    if (ints) {
        for (int k = 0; k < 4; ++k) {
            ints[*i_offset + k] = 0;
        }
    }
#endif
    *i_offset += n_ints;
    *d_offset += n_doubles;
}

static void bbcore_read(double* doubles, int* ints, int* d_offset, int* i_offset, _threadargsproto_) {
#ifdef CORENEURON_BUILD
    int const* in = ints + *i_offset;
    _p_state = nullptr;
    if (in[0] == -1) {
        _p_state = report_recorder_from_files(in, doubles + *d_offset);
        *i_offset += 2 * (in[1] + in[2]);
        *d_offset += in[3];
    } else if (in[0] == static_cast<int>(getpid())) {
        auto const address = static_cast<std::uintptr_t>(static_cast<unsigned>(in[1])) |
                             static_cast<std::uintptr_t>(static_cast<unsigned>(in[2])) << 32;
        _p_state = (*reinterpret_cast<std::vector<ReportRecorderState*>*>(address))[in[3]];
    }
#endif
    *i_offset += 4;
}
ENDVERBATIM
