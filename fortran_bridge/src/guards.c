/* guards.c: numpy and torch raise floating-point flags on purpose, and a host built with
 * -ffpe-trap or -fpe0 would die of them; torch changes the number of OpenMP threads. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "guards.h"

#include <dlfcn.h>
#include <stdatomic.h>

typedef int get_threads_fn(void);
typedef void set_threads_fn(int);

static _Atomic(get_threads_fn *) get_threads;
static _Atomic(set_threads_fn *) set_threads;

void esm_guards_find_openmp(void)
{
    atomic_store(&get_threads, (get_threads_fn *)dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
    atomic_store(&set_threads, (set_threads_fn *)dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
}

static int openmp_threads(void)
{
    get_threads_fn *get = atomic_load_explicit(&get_threads, memory_order_relaxed);
    return get ? get() : 0;
}

void esm_guard_begin(struct esm_guard *guard)
{
    guard->openmp_threads = openmp_threads();
    fegetenv(&guard->floating_point);
    /* Not feholdexcept: it would keep the host's rounding mode and flush-to-zero. */
    fesetenv(FE_DFL_ENV);
}

void esm_guard_end(const struct esm_guard *guard)
{
    set_threads_fn *set = atomic_load_explicit(&set_threads, memory_order_relaxed);
    if (set && guard->openmp_threads > 0 && openmp_threads() != guard->openmp_threads) {
        set(guard->openmp_threads);
    }
    fesetenv(&guard->floating_point);
}
