/* bridge_bench.c: what a call into Python costs, measured in one run pinned to one core.
 *
 * Usage: bridge_bench ROUNDS CALLS ; prints one JSON object. The couplers loop their fields back,
 * so no generator is loaded. Cases take turns within a round and medians are over the
 * rounds, so that many short rounds are hardly disturbed by other work on the core. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "esm_coupler.h"
#include "tools.h"

#include <mpi.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CASES = 4, MOST_FIELDS = 12, MEMORY_CALLS = 1000000 };

struct bench_case {
    const char *name;
    int n_fields;
    int side; /* a field has side * side reals */
    int renew_views;
    int coupler;
    double *fields[MOST_FIELDS];
    double *microseconds; /* by round */
};

/* The last of the cores that this process may use, since the first is the busiest. */
static int pin_to_one_core(void)
{
    cpu_set_t cores;
    int core = CPU_SETSIZE - 1;
    sched_getaffinity(0, sizeof cores, &cores);
    while (core > 0 && !CPU_ISSET(core, &cores)) {
        core--;
    }
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    return sched_setaffinity(0, sizeof cores, &cores) == 0 ? core : -1;
}

static void start_case(struct bench_case *c, const char *namelist, int rounds)
{
    int first = 1, side = c->side;
    int64_t shape[2] = {side, side};
    char name[16];
    require(esm_start(&c->coupler, MPI_Comm_c2f(MPI_COMM_SELF), namelist), "esm_start");
    require(esm_set_domain(c->coupler, side, side, 1, &first, &first, &side, &side, 0),
            "esm_set_domain");
    for (int n = 0; n < c->n_fields; n++) {
        c->fields[n] = calloc((size_t)side * (size_t)side, sizeof(double));
        snprintf(name, sizeof name, "field_%d", n + 1);
        require(esm_bind(c->coupler, name, c->fields[n], sizeof(double), 2, shape), "esm_bind");
    }
    c->microseconds = calloc((size_t)rounds, sizeof(double));
}

static double time_calls(const struct bench_case *c, int calls)
{
    double begin = now();
    for (int call = 0; call < calls; call++) {
        require(esm_ping(c->coupler, c->renew_views), "esm_ping");
    }
    return (now() - begin) / calls;
}

/* Resident memory before and after a million calls, once a first million has warmed all up. */
static void print_memory(const struct bench_case *c)
{
    time_calls(c, MEMORY_CALLS);
    long before = resident_kib();
    time_calls(c, MEMORY_CALLS);
    printf("  \"memory\": {\"calls\": %d, \"before_kib\": %ld, \"after_kib\": %ld},\n",
           MEMORY_CALLS, before, resident_kib());
}

/* What Python sees at the address of an array is what the host has just written there. */
static int sees_host_memory(const struct bench_case *c)
{
    int same = 1;
    for (int n = 0; n < c->n_fields; n++) {
        double address = 0;
        char name[32];
        snprintf(name, sizeof name, "address_of_field_%d", n + 1);
        require(esm_diagnostic(c->coupler, name, &address), "esm_diagnostic");
        same = same && (uintptr_t)address == (uintptr_t)c->fields[n];
    }
    return same;
}

int main(int argc, char **argv)
{
    struct bench_case cases[CASES] = {
        {.name = "one_field_1e4", .n_fields = 1, .side = 100},
        {.name = "one_field_1e6", .n_fields = 1, .side = 1000},
        {.name = "twelve_fields", .n_fields = 12, .side = 100},
        {.name = "twelve_fields_renewed", .n_fields = 12, .side = 100, .renew_views = 1},
    };
    int rounds = argc > 1 ? atoi(argv[1]) : 0, calls = argc > 2 ? atoi(argv[2]) : 0;
    char namelist[] = "/tmp/bridge_bench_XXXXXX";
    if (rounds < 1 || calls < 1) {
        fprintf(stderr, "usage: bridge_bench ROUNDS CALLS\n");
        return 2;
    }
    MPI_Init(&argc, &argv);
    int core = pin_to_one_core();
    write_loopback_namelist(namelist);
    for (int n = 0; n < CASES; n++) {
        start_case(&cases[n], namelist, rounds);
    }
    unlink(namelist);
    for (int round = 0; round < rounds; round++) {
        for (int n = 0; n < CASES; n++) {
            cases[n].microseconds[round] = time_calls(&cases[n], calls);
        }
    }
    printf("{\n  \"core\": %d, \"rounds\": %d, \"calls\": %d,\n", core, rounds, calls);
    for (int n = 0; n < CASES; n++) {
        printf("  \"%s\": %.4f,\n", cases[n].name, median(cases[n].microseconds, rounds));
    }
    print_memory(&cases[2]);
    printf("  \"views_on_host_memory\": %s\n}\n", sees_host_memory(&cases[2]) ? "true" : "false");
    for (int n = 0; n < CASES; n++) {
        require(esm_stop(cases[n].coupler), "esm_stop");
    }
    MPI_Finalize();
    return 0;
}
