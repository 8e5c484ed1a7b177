/* A host with everything set as models set it, and more: each line of output names something that
 * a call of the bridge did not leave as it was found. */
#define _GNU_SOURCE
#include "esm_coupler.h"

#include <fenv.h>
#include <locale.h>
#include <mpi.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

enum { SIGNALS = 32, NX = 32, NY = 16, TRAPS = FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW };

struct process {
    int traps, flags, rounding, vector_control, openmp_threads, mask;
    char locale[256], folder[4096];
    void (*handlers[SIGNALS])(int);
    MPI_Errhandler world, self;
};

static void my_handler(int number)
{
    (void)number;
}

static void look(struct process *p)
{
    memset(p, 0, sizeof *p);
    p->traps = fegetexcept();
    p->flags = fetestexcept(FE_ALL_EXCEPT);
    p->rounding = fegetround();
#ifdef __SSE__
    p->vector_control = (int)_mm_getcsr();
#endif
    p->openmp_threads = omp_get_max_threads();
    p->mask = (int)umask(0);
    umask((mode_t)p->mask);
    snprintf(p->locale, sizeof p->locale, "%s", setlocale(LC_ALL, NULL));
    if (!getcwd(p->folder, sizeof p->folder)) {
        p->folder[0] = '\0';
    }
    for (int number = 1; number < SIGNALS; number++) {
        struct sigaction action;
        sigaction(number, NULL, &action);
        p->handlers[number] = action.sa_handler;
    }
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &p->world);
    MPI_Comm_get_errhandler(MPI_COMM_SELF, &p->self);
}

static void compare(const char *call, const struct process *before)
{
    struct process now;
    look(&now);
#define CHECK(part) \
    if (memcmp(&now.part, &before->part, sizeof now.part) != 0) { \
        printf("%s changed " #part "\n", call); \
    }
    CHECK(traps) CHECK(flags) CHECK(rounding) CHECK(vector_control) CHECK(openmp_threads)
    CHECK(mask) CHECK(locale) CHECK(folder) CHECK(handlers) CHECK(world) CHECK(self)
}

static void require(const char *call, int status, const struct process *before)
{
    compare(call, before);
    if (status != ESM_OK) {
        printf("%s gave %d %s\n", call, status, esm_message(0));
    }
}

static void set_up(void)
{
    omp_set_num_threads(4);
    umask(027);
    setlocale(LC_NUMERIC, "C.UTF-8");
    signal(SIGINT, my_handler);
    signal(SIGTERM, my_handler);
    signal(SIGPIPE, my_handler);
    srand(1);
    fesetround(FE_UPWARD);
#ifdef __SSE__
    _mm_setcsr(_mm_getcsr() | 0x8040); /* flush to zero, denormals are zero: what -Ofast sets */
#endif
    feenableexcept(TRAPS);
    feraiseexcept(FE_INEXACT);
}

int main(int argc, char **argv)
{
    static double sic[NY][NX];
    static float sit[NY][NX];
    const uint32_t signalling_nan = 0x7fa00000;
    struct process before;
    int coupler = 0, first = 1, nx = NX, ny = NY, first_random, status;
    int64_t shape[2] = {NX, NY};
    double value;
    char text[65];
    MPI_Init(&argc, &argv);
    srand(1);
    first_random = rand();
    set_up();
    look(&before);
    require("start", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), argv[1]), &before);
    require("set_domain", esm_set_domain(coupler, NX, NY, 1, &first, &first, &nx, &ny, 0), &before);
    require("bind sic", esm_bind(coupler, "sic", sic, 8, 2, shape), &before);
    require("bind sit", esm_bind(coupler, "sit", sit, 4, 2, shape), &before);
    require("generate", esm_generate(coupler, 1, 20180301), &before);
    require("step", esm_step(coupler, 20180301, 3600.0), &before);
    require("diagnostic", esm_diagnostic(coupler, "seconds", &value), &before);
    require("text", esm_text(coupler, "sha256", text, sizeof text), &before);
    require("ping", esm_ping(coupler, 1), &before);
    esm_generate(coupler, -1, 20180301); /* an exception in Python */
    compare("a failing generate", &before);
    memcpy(&sit[NY / 4][NX / 4], &signalling_nan, sizeof signalling_nan);
    status = esm_step(coupler, 20180301, 3600.0); /* float32 to float64: an invalid operation */
    compare("a refused step", &before);
    require("stop", esm_stop(coupler), &before);
    if (rand() != first_random) {
        printf("the random numbers of the host changed\n");
    }
    printf("ice %d refused %d\n", sic[NY / 4][NX / 4] >= 0, status == ESM_VALUE);
    MPI_Finalize();
    return 0;
}
