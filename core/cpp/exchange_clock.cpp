// How long a rank computes in CoreNEURON, without what it spends in exchanges with other ranks.
//
// CoreNEURON loads the functions that talk to MPI from a library whose name NEURON hands over. This library takes its place:
// it is linked to that one, where all functions but five are found, and these five pass their arguments on and look at the
// clock. The clock is the processor time of the thread, so that other work on the machine does not count; ranks that wait
// for others spin inside the exchanges, which are left out.
//
// Blocks of time begin with a look at the wall clock by the solver; it looks again right before each spike exchange, so
// that the computing before the first exchange begins with the last look but one.

#include <nrnversionmacros.h>

#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <link.h>

#if NRN_VERSION_LT(9, 0, 0) || NRN_VERSION_GTEQ(9, 1, 0)
#error "the exchanges of CoreNEURON are known for NEURON 9.0 only"
#endif

namespace {

struct Look {
    double now, exchanging;
};

double computing = 0.0;   // seconds, in all finished intervals
double exchanging = 0.0;  // seconds inside exchanges
long exchanges = 0;       // spike exchanges in this block
Look last, last_but_one;

double clock_s() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

// The library that this one is linked to and stands for; this one is loaded, so that one is, too.
void* stands_for() {
    static void* library = nullptr;
    if (!library) {
        dl_iterate_phdr(
            [](dl_phdr_info* info, size_t, void* found) {
                if (!strstr(info->dlpi_name, "/libcorenrnmpi_")) {
                    return 0;
                }
                *static_cast<void**>(found) = dlopen(info->dlpi_name, RTLD_NOW | RTLD_NOLOAD);
                return 1;
            },
            &library);
    }
    return library;
}

template <typename Function>
Function find(char const* name, Function) {
    return reinterpret_cast<Function>(dlsym(stands_for(), name));
}

// A spike exchange: an interval of computing ends, and the next one begins.
template <typename Call>
int ends_interval(Call call) {
    double const begin = clock_s();
    Look const since = exchanges++ ? last : last_but_one;
    computing += (begin - since.now) - (exchanging - since.exchanging);
    int const result = call();
    last.now = clock_s();
    last.exchanging = exchanging += last.now - begin;
    return result;
}

// Another exchange, within an interval.
template <typename Call>
void left_out(Call call) {
    double const begin = clock_s();
    call();
    exchanging += clock_s() - begin;
}

}  // namespace

extern "C" {

double nrnmpi_wtime_impl() {
    static auto const function = find("nrnmpi_wtime_impl", nrnmpi_wtime_impl);
    if (!exchanges) {
        last_but_one = last;
        last = {clock_s(), exchanging};
    }
    return function();
}

int nrnmpi_spike_exchange_impl(int* nin, void* out, int capacity, void* in, int* overflow, int nout, void* bufout, void* bufin) {
    static auto const function = find("nrnmpi_spike_exchange_impl", nrnmpi_spike_exchange_impl);
    return ends_interval([&] { return function(nin, out, capacity, in, overflow, nout, bufout, bufin); });
}

int nrnmpi_spike_exchange_compressed_impl(int size, unsigned char* overflow_in, int send, int* nin, int capacity,
                                          unsigned char* out, int send_size, unsigned char* in, int* overflow) {
    static auto const function = find("nrnmpi_spike_exchange_compressed_impl", nrnmpi_spike_exchange_compressed_impl);
    return ends_interval([&] { return function(size, overflow_in, send, nin, capacity, out, send_size, in, overflow); });
}

void nrnmpi_dbl_alltoallv_impl(double* s, int* s_count, int* s_where, double* r, int* r_count, int* r_where) {
    static auto const function = find("nrnmpi_dbl_alltoallv_impl", nrnmpi_dbl_alltoallv_impl);
    left_out([&] { function(s, s_count, s_where, r, r_count, r_where); });
}

void nrnmpi_barrier_impl() {
    static auto const function = find("nrnmpi_barrier_impl", nrnmpi_barrier_impl);
    left_out(function);
}

void xc_begin_block() {
    exchanges = 0;
}

double xc_computing_s() {
    return computing;
}
}
