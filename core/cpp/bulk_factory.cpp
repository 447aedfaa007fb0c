// Bulk creation of NEURON objects for neurodamus_like, on NEURON's public C interface (neuronapi.h).
//
// Every function works on arrays of objects and returns how many rows it has done: fewer than asked for means failure,
// and the reason is in `error`. No C++ exception leaves this file. Objects handed out carry one reference, which belongs to
// the caller; nl_unref gives it back.

#include <neuronapi.h>

#include <cstdint>
#include <cstring>
#include <exception>

namespace {

constexpr std::size_t error_size = 512;  // bytes of every `error`

void set_error(char* error, const char* text) {
    std::strncpy(error, text, error_size - 1);
    error[error_size - 1] = '\0';
}

// Calls row(i) for i in [0, n); returns the number of rows done.
template <typename Row>
std::int64_t each(std::int64_t n, char* error, Row row) {
    std::int64_t i = 0;
    error[0] = '\0';
    try {
        for (; i < n; ++i) {
            if (!row(i)) {
                break;
            }
        }
    } catch (const std::exception& problem) {
        set_error(error, problem.what());
    } catch (...) {
        set_error(error, "unknown C++ exception");
    }
    return i;
}

bool call(Object* object, Symbol* method, int arguments, char* error) {
    return nrn_method_call_nothrow(object, method, arguments, error, error_size) == 0;
}

void drop(std::int64_t n, Object** objects) {
    for (std::int64_t i = 0; i < n; ++i) {
        if (objects[i] != nullptr) {
            nrn_object_unref(objects[i]);
            objects[i] = nullptr;
        }
    }
}

// Removes what a failed batch has made so far.
std::int64_t all_or_nothing(std::int64_t done, std::int64_t n, Object** made) {
    if (done < n) {
        drop(done, made);
    }
    return done;
}

double* address(Object* object, const char* name) {
    nrn_property_push(object, name);
    return nrn_double_ptr_pop();
}

// Whether the values of a variable lie behind each other, as those of objects made in one batch do. Looks at both ends and
// at some in between.
bool is_contiguous(std::int64_t n, Object** objects, const char* name, double* first) {
    constexpr std::int64_t samples = 16;
    for (std::int64_t k = 1; k <= samples; ++k) {
        const std::int64_t row = (n - 1) * k / samples;
        if (address(objects[row], name) != first + row) {
            return false;
        }
    }
    return true;
}

}  // namespace

extern "C" {

// The section that is currently accessed.
Section* nl_accessed_section() {
    return nrn_cas();
}

void nl_ref(std::int64_t n, Object** objects) {
    for (std::int64_t i = 0; i < n; ++i) {
        if (objects[i] != nullptr) {
            nrn_object_ref(objects[i]);
        }
    }
}

void nl_unref(std::int64_t n, Object** objects) {
    drop(n, objects);
}

// The object that a HOC function without arguments returns, or null.
Object* nl_from_function(const char* name, char* error) {
    Object* found = nullptr;
    each(1, error, [&](std::int64_t) {
        Symbol* function = nrn_symbol(name);
        if (function == nullptr || nrn_function_call_nothrow(function, 0, error, error_size) != 0) {
            return false;
        }
        found = nrn_object_pop();
        return true;
    });
    return found;
}

// An object of a HOC class that takes no arguments, or null.
Object* nl_new(const char* name, char* error) {
    Object* made = nullptr;
    each(1, error, [&](std::int64_t) {
        made = nrn_object_new(nrn_symbol(name), 0);
        return true;
    });
    return made;
}

// Artificial cells, or (with sections) point processes at x[i] on sections[section_index[i]].
std::int64_t nl_create(const char* mechanism,
                       std::int64_t n,
                       Section** sections,
                       const std::int64_t* section_index,
                       const double* x,
                       Object** out,
                       char* error) {
    Symbol* symbol = nrn_symbol(mechanism);
    if (symbol == nullptr) {
        set_error(error, "there is no such mechanism");
        return 0;
    }
    Section* current = nullptr;
    const std::int64_t done = each(n, error, [&](std::int64_t i) {
        if (sections == nullptr) {
            out[i] = nrn_object_new(symbol, 0);
            return true;
        }
        Section* wanted = sections[section_index[i]];
        if (wanted != current) {
            if (current != nullptr) {
                nrn_section_pop();
            }
            nrn_section_push(wanted);
            current = wanted;
        }
        nrn_double_push(x[i]);
        out[i] = nrn_object_new(symbol, 1);
        return true;
    });
    if (current != nullptr) {
        nrn_section_pop();
    }
    return all_or_nothing(done, n, out);
}

// objects[i].name = values[i]; contiguous values are written in one go.
std::int64_t nl_set_values(std::int64_t n,
                           Object** objects,
                           const char* name,
                           const double* values,
                           char* error) {
    if (n == 0) {
        return 0;
    }
    bool written = false;
    each(1, error, [&](std::int64_t) {
        double* first = address(objects[0], name);
        written = is_contiguous(n, objects, name, first);
        if (written) {
            std::memcpy(first, values, static_cast<std::size_t>(n) * sizeof(double));
        }
        return true;
    });
    if (written) {
        return n;
    }
    return each(n, error, [&](std::int64_t i) {
        nrn_property_set(objects[i], name, values[i]);
        return true;
    });
}

// objects[i].method(numbers[i, 0], ..., numbers[i, width - 1]), a method that returns a number.
std::int64_t nl_call_numbers(std::int64_t n,
                             Object** objects,
                             const char* method,
                             std::int64_t width,
                             const std::int64_t* numbers,
                             char* error) {
    Symbol* symbol = n > 0 ? nrn_method_symbol(objects[0], method) : nullptr;
    if (n > 0 && symbol == nullptr) {
        set_error(error, "there is no such method");
        return 0;
    }
    return each(n, error, [&](std::int64_t i) {
        for (std::int64_t k = 0; k < width; ++k) {
            nrn_double_push(static_cast<double>(numbers[i * width + k]));
        }
        if (!call(objects[i], symbol, static_cast<int>(width), error)) {
            return false;
        }
        nrn_double_pop();
        return true;
    });
}

// objects[i].method(arguments[index[i]]), a method that returns a number.
std::int64_t nl_call_objects(std::int64_t n,
                             Object** objects,
                             const char* method,
                             Object** arguments,
                             const std::int64_t* index,
                             char* error) {
    Symbol* symbol = n > 0 ? nrn_method_symbol(objects[0], method) : nullptr;
    if (n > 0 && symbol == nullptr) {
        set_error(error, "there is no such method");
        return 0;
    }
    return each(n, error, [&](std::int64_t i) {
        nrn_object_push(arguments[index[i]]);
        if (!call(objects[i], symbol, 1, error)) {
            return false;
        }
        nrn_double_pop();
        return true;
    });
}

// Vectors of values[begin[i]:begin[i + 1]].
std::int64_t nl_vectors(std::int64_t n,
                        const std::int64_t* begin,
                        const double* values,
                        Object** out,
                        char* error) {
    Symbol* symbol = nrn_symbol("Vector");
    const std::int64_t done = each(n, error, [&](std::int64_t i) {
        const std::int64_t size = begin[i + 1] - begin[i];
        nrn_double_push(static_cast<double>(size));
        out[i] = nrn_object_new(symbol, 1);
        if (size > 0) {
            std::memcpy(nrn_vector_data(out[i]),
                        values + begin[i],
                        static_cast<std::size_t>(size) * sizeof(double));
        }
        return true;
    });
    return all_or_nothing(done, n, out);
}

// NetCons from global ids, on whatever rank.
std::int64_t nl_connect_gids(Object* parallel_context,
                             std::int64_t n,
                             const std::int64_t* gids,
                             Object** targets,
                             const double* weights,
                             const double* delays,
                             Object** out,
                             char* error) {
    Symbol* method = nrn_method_symbol(parallel_context, "gid_connect");
    const std::int64_t done = each(n, error, [&](std::int64_t i) {
        nrn_double_push(static_cast<double>(gids[i]));
        nrn_object_push(targets[i]);
        if (!call(parallel_context, method, 2, error)) {
            return false;
        }
        out[i] = nrn_object_pop();
        nrn_property_set(out[i], "delay", delays[i]);
        nrn_property_array_set(out[i], "weight", 0, weights[i]);
        return true;
    });
    return all_or_nothing(done, n, out);
}

// NetCons from sources[source_index[i]].
std::int64_t nl_connect_objects(std::int64_t n,
                                Object** sources,
                                const std::int64_t* source_index,
                                Object** targets,
                                double threshold,
                                const double* delays,
                                const double* weights,
                                Object** out,
                                char* error) {
    Symbol* symbol = nrn_symbol("NetCon");
    const std::int64_t done = each(n, error, [&](std::int64_t i) {
        nrn_object_push(sources[source_index[i]]);
        nrn_object_push(targets[i]);
        nrn_double_push(threshold);
        nrn_double_push(delays[i]);
        nrn_double_push(weights[i]);
        out[i] = nrn_object_new(symbol, 5);
        return true;
    });
    return all_or_nothing(done, n, out);
}

// netcons[i].weight[index] = values[i]
std::int64_t nl_set_weights(std::int64_t n,
                            Object** netcons,
                            std::int64_t index,
                            const double* values,
                            char* error) {
    return each(n, error, [&](std::int64_t i) {
        nrn_property_array_set(netcons[i], "weight", static_cast<int>(index), values[i]);
        return true;
    });
}

// Items begin, begin + 1, ... of a HOC List, with a reference each.
std::int64_t nl_take_items(Object* list, std::int64_t n, Object** out, char* error) {
    Symbol* method = nrn_method_symbol(list, "o");
    const std::int64_t done = each(n, error, [&](std::int64_t i) {
        nrn_double_push(static_cast<double>(i));
        if (!call(list, method, 1, error)) {
            return false;
        }
        out[i] = nrn_object_pop();
        return true;
    });
    return all_or_nothing(done, n, out);
}

// Appends objects to a HOC List.
std::int64_t nl_append(Object* list, std::int64_t n, Object** objects, char* error) {
    Symbol* method = nrn_method_symbol(list, "append");
    return each(n, error, [&](std::int64_t i) {
        nrn_object_push(objects[i]);
        if (!call(list, method, 1, error)) {
            return false;
        }
        nrn_double_pop();
        return true;
    });
}

}  // extern "C"
