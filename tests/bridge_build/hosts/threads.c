/* Calls before start, after stop, with wrong numbers, and from several OpenMP threads at once. */
#include "esm_coupler.h"

#include <mpi.h>
#include <omp.h>
#include <stdio.h>

enum { CALLS = 2000 };

static void tell(const char *call, int status)
{
    printf("%s %d %s\n", call, status, esm_message(0));
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

/* One after another, whichever thread comes first: each is answered, and each is counted. */
static int generate_from_threads(int coupler)
{
    int wrong = 0;
    double calls = -1.0;
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
    for (int call = 0; call < 200; call++) {
        wrong += esm_generate(coupler, 1 + call, 20180301) != ESM_OK;
        wrong += esm_step(coupler, 20180301, 60.0) != ESM_OK;
    }
    wrong += esm_diagnostic(coupler, "calls", &calls) != ESM_OK || calls != 401.0;
    return wrong;
}

int main(int argc, char **argv)
{
    double field[6] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5}, value;
    int coupler = 0, first = 1, nx = 3, ny = 2;
    int64_t shape[2] = {3, 2};
    tell("message before MPI", ESM_OK);
    tell("start before MPI", esm_start(&coupler, 0, argv[1]));
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &first);
    first = 1;
    tell("ping before start", esm_ping(coupler, 0));
    tell("bind before start", esm_bind(coupler, "sic", field, 8, 2, shape));
    tell("stop before start", esm_stop(coupler));
    tell("start on nothing", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_NULL), argv[1]));
    tell("start on nonsense", esm_start(&coupler, 99999, argv[1]));
    tell("start without file", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), NULL));
    tell("start", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), argv[1]));
    tell("start again", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), argv[1]));
    tell("domain", esm_set_domain(coupler, 3, 2, 1, &first, &first, &nx, &ny, 0));
    tell("bind", esm_bind(coupler, "sic", field, 8, 2, shape));
    tell("bind null", esm_bind(coupler, "sit", NULL, 8, 2, shape));
    tell("generate", esm_generate(coupler, 1, 20180301));
    tell("diagnostic", esm_diagnostic(coupler, "nonsense", &value));
    printf("threads %d\n", call_from_threads(coupler, field));
    printf("generating threads %d\n", generate_from_threads(coupler));
    tell("stop", esm_stop(coupler));
    tell("stop again", esm_stop(coupler));
    tell("generate after stop", esm_generate(coupler, 1, 20180301));
    tell("start after stop", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), argv[1]));
    MPI_Finalize();
    coupler = 0;
    tell("start after MPI", esm_start(&coupler, 0, argv[1]));
    return 0;
}
