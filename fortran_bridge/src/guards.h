/* guards.h: what a call into Python must leave as it found it. */
#ifndef ESM_GUARDS_H
#define ESM_GUARDS_H

#include <fenv.h>

struct esm_guard {
    fenv_t floating_point; /* traps, flags, rounding, flush-to-zero of the calling thread */
    int openmp_threads;    /* 0 where the host has no OpenMP */
};

/* Look up the host's OpenMP library: at each esm_start, since a look-up costs more than a call. */
void esm_guards_find_openmp(void);

/* Save the host's floating-point environment and OpenMP threads, and take the default one. */
void esm_guard_begin(struct esm_guard *guard);

/* Put back what esm_guard_begin saved. */
void esm_guard_end(const struct esm_guard *guard);

#endif
