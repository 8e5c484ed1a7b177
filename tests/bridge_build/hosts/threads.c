/* Calls before start, after stop, with wrong numbers, and from several OpenMP threads at once; the
 * first rank tells what came of them. */
#include "esm_coupler.h"

#include <mpi.h>
#include <omp.h>
#include <stdio.h>

enum { CALLS = 2000, GENERATES = 40 };
static int my_rank;

static void tell(const char *call, int status)
{
    if (my_rank == 0) {
        printf("%s %d %s\n", call, status, esm_message(0));
    }
}

/* How many answers were wrong, on all ranks. */
static void tell_wrong(const char *what, int wrong)
{
    int all;
    MPI_Allreduce(&wrong, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (my_rank == 0) {
        printf("%s %d\n", what, all);
    }
}

static int call_from_threads(int coupler, double *field)
{
    int wrong = 0;
#pragma omp parallel num_threads(4) reduction(+ : wrong)
    for (int call = 0; call < CALLS; call++) {
        double calls = -1.0;
        wrong += esm_ping(coupler, call % 7 == 0) != ESM_OK;
        wrong += esm_diagnostic(coupler, "calls", &calls) != ESM_OK || calls != 1.0;
        wrong += esm_ping(coupler + 99, 0) != ESM_NOT_STARTED;
        wrong += !esm_message(coupler);
    }
    return wrong + (field[0] != 0.5);
}

/* Collective calls from whichever thread has the next number, so in one order on all ranks. */
static int generate_in_order(int coupler)
{
    int wrong = 0;
    double calls = -1.0;
#pragma omp parallel for ordered schedule(dynamic) num_threads(4) reduction(+ : wrong)
    for (int call = 0; call < GENERATES; call++) {
        wrong += esm_ping(coupler, 1) != ESM_OK;
#pragma omp ordered
        wrong += esm_generate(coupler, 1 + call, 20180301) != ESM_OK ||
                 esm_step(coupler, 20180301, 60.0) != ESM_OK;
    }
    wrong += esm_diagnostic(coupler, "calls", &calls) != ESM_OK || calls != 1.0 + 2 * GENERATES;
    return wrong;
}

/* Whichever thread comes first: all are answered, one rank alone takes them as they come, and
 * ranks that come with unlike calls hear so, each rank the same. */
static int generate_in_any_order(int coupler, int n_ranks)
{
    int well = 0, told = 0, counts[2], most[2], wrong;
    double before = -1.0, after = -1.0;
    esm_diagnostic(coupler, "calls", &before);
#pragma omp parallel for num_threads(4) reduction(+ : well, told)
    for (int call = 0; call < GENERATES; call++) {
        int status[2] = {esm_generate(coupler, 1 + call, 20180301),
                         esm_step(coupler, 20180301, 60.0)};
        for (int n = 0; n < 2; n++) {
            well += status[n] == ESM_OK;
            told += status[n] == ESM_ORDER || status[n] == ESM_VALUE;
        }
    }
    esm_diagnostic(coupler, "calls", &after);
    counts[0] = well;
    counts[1] = told;
    MPI_Allreduce(counts, most, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    wrong = well + told != 2 * GENERATES || after != before + well || (n_ranks == 1 && told);
    return wrong || most[0] != well || most[1] != told;
}

int main(int argc, char **argv)
{
    double field[6] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5}, value;
    int coupler = 0, first = 1, j_first, nx = 3, ny = 2, n_ranks;
    int64_t shape[2] = {3, 2};
    tell("message before MPI", ESM_OK);
    tell("start before MPI", esm_start(&coupler, 0, argv[1]));
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &first);
    MPI_Comm_rank(MPI_COMM_WORLD, &my_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    first = 1;
    j_first = 1 + ny * my_rank;
    tell("ping before start", esm_ping(coupler, 0));
    tell("bind before start", esm_bind(coupler, "sic", field, 8, 2, shape));
    tell("stop before start", esm_stop(coupler));
    tell("start on nothing", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_NULL), argv[1]));
    tell("start on nonsense", esm_start(&coupler, 99999, argv[1]));
    tell("start without file", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), NULL));
    tell("start", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), argv[1]));
    tell("start again", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), argv[1]));
    tell("domain",
         esm_set_domain(coupler, nx, ny * n_ranks, 1, &first, &j_first, &nx, &ny, 0));
    tell("bind", esm_bind(coupler, "sic", field, 8, 2, shape));
    tell("bind null", esm_bind(coupler, "sit", NULL, 8, 2, shape));
    tell("generate", esm_generate(coupler, 1, 20180301));
    tell("diagnostic", esm_diagnostic(coupler, "nonsense", &value));
    tell_wrong("threads", call_from_threads(coupler, field));
    tell_wrong("generating threads", generate_in_order(coupler));
    tell_wrong("threads in any order", generate_in_any_order(coupler, n_ranks));
    tell("stop", esm_stop(coupler));
    tell("stop again", esm_stop(coupler));
    tell("generate after stop", esm_generate(coupler, 1, 20180301));
    tell("start after stop", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), argv[1]));
    MPI_Finalize();
    coupler = 0;
    tell("start after MPI", esm_start(&coupler, 0, argv[1]));
    return 0;
}
