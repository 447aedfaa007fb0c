// The whole state of a model in NEURON, read and written through arrays, for neurodamus_like's checkpoints.
//
// Values of mechanisms, voltages, random streams and weights go through the interface that NEURON ships for translated
// mechanisms. The event queue has no such interface: of its classes only their public functions are called, and two plain
// layouts are relied on, that of a queue item (event, time) and that of a self event (flag, target, weight, item).
//
// Functions that can fail return the number of rows done and put the reason into `error`. No C++ exception leaves this file.

#include <hocdec.h>
#include <hoclist.h>
#include <membfunc.h>
#include <multicore.h>
#include <nrnran123.h>
#include <nrnversionmacros.h>
#include <nrncvode.h>
#include <nrniv_mf.h>
#include <section_fwd.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <vector>

#if NRN_VERSION_LT(9, 0, 0) || NRN_VERSION_GTEQ(9, 1, 0)
#error "the event queue is known for NEURON 9.0 only"
#endif

class PreSyn;
class NetCon;

class NetCvode {
  public:
    void check_thresh(NrnThread*);
};
class SelfEvent {
  public:
    void deliver(double, NetCvode*, NrnThread*);
};
class PlayRecordEvent {
  public:
    void deliver(double, NetCvode*, NrnThread*);
};
struct TQItem {
    void* event;
    double time;
};
class TQueue {
  public:
    TQItem* atomic_dq(double);
    void release(TQItem*);
    void remove(TQItem*);
    void forall_callback(void (*)(TQItem const*, int));
};

using bbcore_write_t =
    void (*)(double*, int*, int*, int*, Memb_list*, std::size_t, Datum*, Datum*, double*, NrnThread*);

extern NetCvode* net_cvode_instance;
extern TQueue* net_cvode_instance_event_queue(NrnThread*);
extern bbcore_write_t* nrn_bbcore_write_;
extern bbcore_write_t* nrn_bbcore_read_;
extern short* nrn_is_artificial_;
extern double t;
extern int nrn_presyn_count(PreSyn*);
extern void* nrn_presyn_netcon(PreSyn*, int);
extern int nrn_netcon_info(NetCon*, double**, Point_process**, double**, double**);
extern void nrn_netcon_event(NetCon*, double);
using WatchItems = std::vector<std::vector<std::pair<int, bool>>>;

void nrn_watch_clear();
extern "C" void nrn2core_transfer_WATCH(void (*)(int, int, int, int, int));
extern "C" void core2nrn_watch_activate(int, int, int, WatchItems&);
extern "C" Section* nrn_cas(void);
extern "C" void* _ZTV6NetCon[];
extern "C" void* _ZTV6PreSyn[];
extern "C" void* _ZTV9SelfEvent[];
extern "C" void* _ZTV15PlayRecordEvent[];
extern "C" void* _ZTV11NetParEvent[];
extern "C" void* _ZTV8HocEvent[];

namespace {

constexpr std::size_t error_size = 512;  // bytes of every `error`
constexpr int first_type = CAP;          // those before are cables and their diameters

enum Kind { netcon_kind = 0, self_kind = 1, presyn_kind = 2, play_kind = 3, exchange_kind = 4, hoc_kind = 5, other_kind = 6 };

// What a SelfEvent is made of.
struct SelfEventView {
    void* table;
    double flag;
    Point_process* target;
    double* weight;
    Datum* item;
};

void set_error(char* error, const char* text) {
    std::strncpy(error, text, error_size - 1);
    error[error_size - 1] = '\0';
}

template <typename Row>
std::int64_t each(std::int64_t n, char* error, Row row) {
    std::int64_t i = 0;
    error[0] = '\0';
    try {
        for (; i < n; ++i) {
            row(i);
        }
    } catch (const std::exception& problem) {
        set_error(error, problem.what());
    } catch (...) {
        set_error(error, "unknown C++ exception");
    }
    return i;
}

Memb_list* instances(int type) {
    return nrn_threads->_ml_list ? nrn_threads->_ml_list[type] : nullptr;
}

hoc_List* all_of(const char* name) {
    return hoc_lookup(name)->u.ctemplate->olist;
}

// Artificial cells, which are on no node and in no list of a thread, in the order of creation.
std::vector<Point_process*> artificial_cells(std::int64_t type) {
    std::vector<Point_process*> found;
    hoc_List* const list = all_of(memb_func[type].sym->name);
    hoc_Item* item = nullptr;
    ITERATE(item, list) {
        found.push_back(ob2pntproc(OBJ(item)));
    }
    return found;
}

std::int64_t width_of(Memb_list const& list) {
    std::int64_t width = 0;
    for (int variable = 0; variable < list.get_num_variables(); ++variable) {
        width += list.get_array_dims(variable);
    }
    return width;
}

void copy(double* ours, double* theirs, std::int64_t n, bool write) {
    write ? std::copy(ours, ours + n, theirs) : std::copy(theirs, theirs + n, ours);
}

void copy_positions(Datum* data, std::int64_t type, std::int64_t*& positions, bool write) {
    for (int index: nrn_mech_random_indices(static_cast<int>(type))) {
        auto* const state = static_cast<nrnran123_State*>(data[index].literal_value<void*>());
        if (write) {
            nrnran123_setseq(state, static_cast<std::uint32_t>(positions[0]), static_cast<char>(positions[1]));
        } else {
            std::uint32_t sequence = 0;
            char which = 0;
            nrnran123_getseq(state, &sequence, &which);
            positions[0] = sequence;
            positions[1] = which;
        }
        positions += 2;
    }
}

Kind kind_of(void* event) {
    void* const table = *static_cast<void**>(event);
    if (table == &_ZTV6NetCon[2]) {
        return netcon_kind;
    }
    if (table == &_ZTV9SelfEvent[2]) {
        return self_kind;
    }
    if (table == &_ZTV6PreSyn[2]) {
        return presyn_kind;
    }
    if (table == &_ZTV15PlayRecordEvent[2]) {
        return play_kind;
    }
    if (table == &_ZTV11NetParEvent[2]) {
        return exchange_kind;
    }
    return table == &_ZTV8HocEvent[2] ? hoc_kind : other_kind;
}

std::vector<TQItem const*> items;

void collect(TQItem const* item, int) {
    items.push_back(item);
}

struct Watch {
    std::int64_t type, row, index, above;
};

std::vector<Watch> watches;

void collect_watch(int, int type, int row, int index, int above) {
    watches.push_back({type, row, index, above});
}

// Where the list of conditions begins in the data of a mechanism; -1: it has none.
int first_watch(int type) {
    static int const meaning = nrn_dparam_semantics_to_int("watch");
    for (int k = 0; k < nrn_prop_dparam_size_[type]; ++k) {
        if (memb_func[type].dparam_semantics[k] == meaning) {
            return k;
        }
    }
    return -1;
}

TQueue* queue() {
    return net_cvode_instance_event_queue(nrn_threads);
}

std::vector<TQItem const*>& queued() {
    items.clear();
    queue()->forall_callback(collect);
    std::stable_sort(items.begin(), items.end(), [](TQItem const* a, TQItem const* b) { return a->time < b->time; });
    return items;
}

// Events that go their own way, whatever the cells do: signals that are played, and sources that nothing can stop.
bool is_autonomous(void* event, std::int64_t n, const std::uint64_t* sources) {
    const Kind kind = kind_of(event);
    if (kind == self_kind) {
        const auto target = reinterpret_cast<std::uint64_t>(static_cast<SelfEventView*>(event)->target);
        return std::binary_search(sources, sources + n, target);
    }
    return kind == play_kind;
}

bool keeps(void* event, std::int64_t n, const std::uint64_t* sources) {
    return kind_of(event) == hoc_kind || is_autonomous(event, n, sources);
}

void forget_item(void* event, TQItem const* item) {
    if (kind_of(event) != self_kind) {
        return;
    }
    Datum* const place = static_cast<SelfEventView*>(event)->item;
    if (place != nullptr && place->get<TQItem*>() == item) {
        *place = static_cast<TQItem*>(nullptr);
    }
}

}  // namespace

extern "C" {

// --- mechanisms --------------------------------------------------------------------------------------------------------

std::int64_t ms_type_count() {
    return n_memb_func;
}

const char* ms_type_name(std::int64_t type) {
    return memb_func[type].sym ? memb_func[type].sym->name : "";
}

// Instances, values of each, random streams, 1 if it keeps numbers behind a pointer that can be read and written, point
// process, artificial cell, WATCH.
void ms_type_info(std::int64_t type, std::int64_t* out) {
    std::fill(out, out + 7, 0);
    if (type < first_type || memb_func[type].sym == nullptr) {
        return;
    }
    const bool artificial = nrn_is_artificial_[type] != 0;
    Memb_list* const list = instances(static_cast<int>(type));
    if (artificial) {
        out[0] = static_cast<std::int64_t>(artificial_cells(type).size());
    } else if (list != nullptr) {
        out[0] = list->nodecount;
    }
    if (out[0] == 0) {
        return;
    }
    out[1] = artificial ? width_of(Memb_list(static_cast<int>(type))) : width_of(*list);
    out[2] = static_cast<std::int64_t>(nrn_mech_random_indices(static_cast<int>(type)).size());
    out[3] = !artificial && nrn_bbcore_write_[type] != nullptr && nrn_bbcore_read_[type] != nullptr;
    out[4] = memb_func[type].is_point > 0;
    out[5] = artificial;
    out[6] = nrn_watch_allocate_[type] != nullptr;
}

// Node of each instance, in the order of the matrix.
void ms_nodes(std::int64_t type, std::int64_t* out) {
    Memb_list* const list = instances(static_cast<int>(type));
    std::copy(list->nodeindices, list->nodeindices + list->nodecount, out);
}

// Point_process of each instance, and the number of its HOC object.
void ms_points(std::int64_t type, std::uint64_t* out, std::int64_t* object) {
    std::vector<Point_process*> found;
    if (nrn_is_artificial_[type]) {
        found = artificial_cells(type);
    } else {
        Memb_list* const list = instances(static_cast<int>(type));
        for (int row = 0; row < list->nodecount; ++row) {
            found.push_back(list->pdata[row][1].get<Point_process*>());
        }
    }
    for (Point_process* point: found) {
        *out++ = reinterpret_cast<std::uint64_t>(point);
        *object++ = point->ob ? point->ob->index : -1;
    }
}

// values[row, k] of all instances, out of NEURON (write = 0) or into it.
void ms_values(std::int64_t type, double* values, std::int64_t write) {
    if (nrn_is_artificial_[type]) {
        Memb_list const kind(static_cast<int>(type));
        for (Point_process* point: artificial_cells(type)) {
            for (int variable = 0; variable < kind.get_num_variables(); ++variable) {
                for (int k = 0; k < kind.get_array_dims(variable); ++k) {
                    copy(values++, &_nrn_mechanism_access_param(point->prop, variable, k), 1, write);
                }
            }
        }
        return;
    }
    Memb_list* const list = instances(static_cast<int>(type));
    std::int64_t const width = width_of(*list);
    std::int64_t column = 0;
    for (int variable = 0; variable < list->get_num_variables(); ++variable) {
        const int size = list->get_array_dims(variable);
        double* const first = &list->data(0, variable, 0);
        for (std::int64_t row = 0; row < list->nodecount; ++row) {
            copy(values + row * width + column, first + row * size, size, write);
        }
        column += size;
    }
}

// out[k] = 1 if value k is a PARAMETER (of a mechanism without arrays).
void ms_parameters(std::int64_t type, std::int64_t* out) {
    Symbol* const mechanism = memb_func[type].sym;
    for (int k = 0; k < static_cast<int>(mechanism->s_varn); ++k) {
        Symbol const* const variable = mechanism->u.ppsym[k];
        if (variable->subtype == nrnocCONST) {
            out[variable->u.rng.index] = 1;
        }
    }
}

// positions[row, k, 2]: word counter and word of NMODL's random streams.
void ms_random(std::int64_t type, std::int64_t* positions, std::int64_t write) {
    if (nrn_is_artificial_[type]) {
        for (Point_process* point: artificial_cells(type)) {
            copy_positions(_nrn_mechanism_access_dparam(point->prop), type, positions, write);
        }
        return;
    }
    Memb_list* const list = instances(static_cast<int>(type));
    for (std::int64_t row = 0; row < list->nodecount; ++row) {
        copy_positions(list->pdata[row], type, positions, write);
    }
}

// Numbers behind pointers, with the functions a mechanism has for CoreNEURON. sizes[row, 2]: doubles and integers; called
// first for the sizes only (values null).
void ms_hidden_sizes(std::int64_t type, std::int64_t* sizes) {
    Memb_list* const list = instances(static_cast<int>(type));
    for (std::int64_t row = 0; row < list->nodecount; ++row) {
        int doubles = 0;
        int ints = 0;
        nrn_bbcore_write_[type](
            nullptr, nullptr, &doubles, &ints, list, row, list->pdata[row], list->_thread, nullptr, nrn_threads);
        sizes[2 * row] = doubles;
        sizes[2 * row + 1] = ints;
    }
}

void ms_hidden(std::int64_t type, double* doubles, std::int32_t* ints, std::int64_t write) {
    Memb_list* const list = instances(static_cast<int>(type));
    int d = 0;
    int i = 0;
    for (std::int64_t row = 0; row < list->nodecount; ++row) {
        auto* const function = write ? nrn_bbcore_read_[type] : nrn_bbcore_write_[type];
        function(doubles, ints, &d, &i, list, row, list->pdata[row], list->_thread, nullptr, nrn_threads);
    }
}

// --- nodes -------------------------------------------------------------------------------------------------------------

std::int64_t ms_node_count() {
    return nrn_threads->end;
}

// Nodes of a section, from its beginning to its end; the node it begins at comes first (that of its parent, if any).
std::int64_t ms_section_nodes(Section* section, std::int64_t* out) {
    const int n = _nrn_mechanism_get_nnode(section);
    for (int k = 0; k < n; ++k) {
        out[k + 1] = _nrn_mechanism_get_v_node_index(_nrn_mechanism_get_node(section, k));
    }
    out[0] = nrn_threads->_v_parent_index[out[1]];
    return n + 1;
}

Section* ms_accessed_section() {
    return nrn_cas();
}

std::int64_t ms_section_size(Section* section) {
    return _nrn_mechanism_get_nnode(section) + 1;
}

void ms_voltages(double* values, std::int64_t write) {
    copy(values, nrn_threads->node_voltage_storage(), nrn_threads->end, write);
}

// i_membrane_ of all nodes; 0 if it is not computed.
std::int64_t ms_membrane_currents(double* values, std::int64_t write) {
    double* const theirs = nrn_threads->node_sav_rhs_storage();
    if (theirs == nullptr) {
        return 0;
    }
    copy(values, theirs, nrn_threads->end, write);
    return nrn_threads->end;
}

std::int64_t ms_layers() {
    return nrn_nlayer_extracellular;
}

// values[node, layer]: extracellular potentials, 0 where there are none.
void ms_extracellular(double* values, std::int64_t write) {
    const int n = nrn_nlayer_extracellular;
    for (int node = 0; node < nrn_threads->end; ++node) {
        Extnode* const outside = _nrn_mechanism_access_extnode(nrn_threads->_v_node[node]);
        double* const ours = values + static_cast<std::int64_t>(node) * n;
        if (outside == nullptr) {
            if (!write) {
                std::fill(ours, ours + n, 0.);
            }
        } else {
            copy(ours, outside->v, n, write);
        }
    }
}

// --- NetCons -----------------------------------------------------------------------------------------------------------

std::int64_t ms_netcon_count() {
    hoc_List* const list = all_of("NetCon");
    hoc_Item* item = nullptr;
    std::int64_t n = 0;
    ITERATE(item, list) {
        ++n;
    }
    return n;
}

// In the order of creation: address, number and address of the HOC object, target (0: none), length and address of the
// weights.
std::int64_t ms_netcons(std::int64_t n,
                        std::uint64_t* netcon,
                        std::int64_t* number,
                        std::uint64_t* object,
                        std::uint64_t* target,
                        std::int64_t* size,
                        std::uint64_t* weights) {
    hoc_List* const list = all_of("NetCon");
    hoc_Item* item = nullptr;
    std::int64_t row = 0;
    ITERATE(item, list) {
        if (row >= n) {
            break;
        }
        Object* const found = OBJ(item);
        auto* const connection = static_cast<NetCon*>(found->u.this_pointer);
        double *first = nullptr, *threshold = nullptr, *delay = nullptr;
        Point_process* point = nullptr;
        size[row] = nrn_netcon_info(connection, &first, &point, &threshold, &delay);
        netcon[row] = reinterpret_cast<std::uint64_t>(connection);
        number[row] = found->index;
        object[row] = reinterpret_cast<std::uint64_t>(found);
        target[row] = reinterpret_cast<std::uint64_t>(point);
        weights[row] = reinterpret_cast<std::uint64_t>(first);
        ++row;
    }
    return row;
}

void ms_weights(std::int64_t n, const std::uint64_t* weights, const std::int64_t* size, double* values, std::int64_t write) {
    for (std::int64_t row = 0; row < n; ++row) {
        copy(values, reinterpret_cast<double*>(weights[row]), size[row], write);
        values += size[row];
    }
}

// --- time and events ---------------------------------------------------------------------------------------------------

void ms_set_time(double now) {
    t = now;
    nrn_threads->_t = now;
}

// Let cells that have just crossed their threshold spike, and conditions that have come true act, as the next time step
// would do first, and tell the other ranks; collective.
std::int64_t ms_settle(char* error) {
    return each(1, error, [](std::int64_t) {
        net_cvode_instance->check_thresh(nrn_threads);
        nrn_deliver_events(nrn_threads);
        nrn_spike_exchange(nrn_threads);
    });
}

// Number of deliveries and self events in the queue; those of other kinds are counted in others[kind].
std::int64_t ms_event_count(std::int64_t* others) {
    std::int64_t n = 0;
    std::fill(others, others + other_kind + 1, 0);
    for (TQItem const* item: queued()) {
        const Kind kind = kind_of(item->event);
        if (kind == presyn_kind) {
            n += nrn_presyn_count(static_cast<PreSyn*>(item->event));
        } else if (kind == netcon_kind || kind == self_kind) {
            ++n;
        }
        ++others[kind];
    }
    return n;
}

// Deliveries and self events in the order in which they come: time, kind (0 delivery, 1 self event), NetCon or target,
// flag, weights or 0, and which datum of the mechanism holds the queue item (-1: none).
std::int64_t ms_events(std::int64_t n,
                       double* time,
                       std::int64_t* kind,
                       std::uint64_t* whom,
                       double* flag,
                       std::uint64_t* weights,
                       std::int64_t* datum) {
    std::int64_t row = 0;
    const auto add = [&](double when, Kind what, void* pointer) {
        if (row < n) {
            time[row] = when;
            kind[row] = what;
            whom[row] = reinterpret_cast<std::uint64_t>(pointer);
            flag[row] = 0.;
            weights[row] = 0;
            datum[row] = -1;
        }
        ++row;
    };
    for (TQItem const* item: queued()) {
        const Kind what = kind_of(item->event);
        if (what == netcon_kind) {
            add(item->time, netcon_kind, item->event);
        } else if (what == presyn_kind) {
            auto* const source = static_cast<PreSyn*>(item->event);
            for (int k = 0; k < nrn_presyn_count(source); ++k) {
                add(item->time, netcon_kind, nrn_presyn_netcon(source, k));
            }
        } else if (what == self_kind) {
            auto* const event = static_cast<SelfEventView*>(item->event);
            add(item->time, self_kind, event->target);
            if (row <= n) {
                flag[row - 1] = event->flag;
                weights[row - 1] = reinterpret_cast<std::uint64_t>(event->weight);
                if (event->item != nullptr) {
                    datum[row - 1] = event->item - _nrn_mechanism_access_dparam(event->target->prop);
                }
            }
        }
    }
    return row;
}

// Set the time, and begin to exchange spikes between ranks from then on; what was to be sent is forgotten. Collective.
std::int64_t ms_begin(double now, char* error) {
    return each(1, error, [&](std::int64_t) {
        ms_set_time(now);
        nrn_spike_exchange_init();
    });
}

// Conditions (WATCH) that wait to come true.
std::int64_t ms_watch_count(char* error) {
    return each(1, error, [](std::int64_t) {
        watches.clear();
        nrn2core_transfer_WATCH(collect_watch);
    }) ? static_cast<std::int64_t>(watches.size()) : -1;
}

// Of the conditions that ms_watch_count has found: mechanism, instance, number, whether it is true.
void ms_watches(std::int64_t* out) {
    for (Watch const& watch: watches) {
        for (std::int64_t const value: {watch.type, watch.row, watch.index, watch.above}) {
            *out++ = value;
        }
    }
}

void ms_clear_watches() {
    nrn_watch_clear();
}

// Let conditions[n, 3] of a mechanism (instance, number, whether it is true) wait.
void ms_set_watches(std::int64_t type, std::int64_t n, const std::int64_t* conditions) {
    WatchItems items(instances(static_cast<int>(type))->nodecount);
    for (std::int64_t k = 0; k < n; ++k) {
        items[conditions[3 * k]].emplace_back(static_cast<int>(conditions[3 * k + 1]), conditions[3 * k + 2] != 0);
    }
    core2nrn_watch_activate(0, static_cast<int>(type), first_watch(static_cast<int>(type)), items);
}

// Let signals and autonomous sources (sorted Point_process addresses) go on to `until`; what they send is thrown away.
std::int64_t ms_forward(double until, std::int64_t n, const std::uint64_t* sources, char* error) {
    std::int64_t delivered = 0;
    each(1, error, [&](std::int64_t) {
        while (TQItem* const item = queue()->atomic_dq(until)) {
            void* const event = item->event;
            const double when = item->time;
            const bool deliver = is_autonomous(event, n, sources);
            if (!deliver) {
                forget_item(event, item);
            }
            queue()->release(item);
            if (!deliver) {
                continue;
            }
            ++delivered;
            nrn_threads->_t = when;
            if (kind_of(event) == play_kind) {
                static_cast<PlayRecordEvent*>(event)->deliver(when, net_cvode_instance, nrn_threads);
            } else {
                static_cast<SelfEvent*>(event)->deliver(when, net_cvode_instance, nrn_threads);
            }
        }
    });
    return delivered;
}

// Empty the queue but for signals, autonomous sources and statements.
void ms_prune(std::int64_t n, const std::uint64_t* sources) {
    std::vector<TQItem const*> const all = queued();
    for (TQItem const* item: all) {
        if (!keeps(item->event, n, sources)) {
            forget_item(item->event, item);
            queue()->remove(const_cast<TQItem*>(item));
        }
    }
}

// Put deliveries and self events into the queue, in this order.
std::int64_t ms_send(std::int64_t n,
                     const double* time,
                     const std::int64_t* kind,
                     const std::uint64_t* whom,
                     const double* flag,
                     const std::uint64_t* weights,
                     const std::int64_t* datum,
                     char* error) {
    return each(n, error, [&](std::int64_t row) {
        if (kind[row] == netcon_kind) {
            nrn_netcon_event(reinterpret_cast<NetCon*>(whom[row]), time[row]);
            return;
        }
        auto* const target = reinterpret_cast<Point_process*>(whom[row]);
        Datum* const item = datum[row] < 0 ? nullptr : _nrn_mechanism_access_dparam(target->prop) + datum[row];
        nrn_net_send(item, reinterpret_cast<double*>(weights[row]), target, time[row], flag[row]);
    });
}

}  // extern "C"
