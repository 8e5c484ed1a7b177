/* A C host that hands over arguments which can't be right: those of a list on rank 1 alone.
 *
 * Usage: faulty_arguments NAMELIST. Each rank writes arguments.<rank>, one line a call: what was
 * wrong, status, message; tabs between. */
#include "esm_coupler.h"

#include <mpi.h>
#include <stdint.h>
#include <stdio.h>

enum { NX = 4, NY = 3 };

static FILE *output;
static int coupler, rank;

static void note(const char *what, int status)
{
    fprintf(output, "%s\t%d\t%s\n", what, status, esm_message(coupler));
}

static void start_faulty(const char *namelist)
{
    int other = 0, fortran_comm = MPI_Comm_c2f(MPI_COMM_WORLD);
    note("no coupler", esm_start(rank == 1 ? NULL : &other, fortran_comm, namelist));
    note("no namelist", esm_start(&other, fortran_comm, NULL));
}

static void bind_faulty(const char *what, int n_extents, const int64_t *shape)
{
    static double array[NX * NY];
    static const int64_t right[2] = {NX, NY};
    int faulty = rank == 1;
    note(what, esm_bind(coupler, "sic", array, sizeof *array, faulty ? n_extents : 2,
                        faulty ? shape : right));
}

static void bind_all(void)
{
    static double array[NX * NY];
    static const int64_t right[2] = {NX, NY}, huge[2] = {INT64_C(1) << 62, NY};
    static const int64_t empty[3] = {INT64_C(1) << 62, INT64_C(1) << 62, 0};
    static const int64_t negative[2] = {NX, -NY}, four[4] = {NX, NY, 1, 1};
    note("no name", esm_bind(coupler, rank == 1 ? NULL : "sic", array, sizeof *array, 2, right));
    bind_faulty("huge", 2, huge);
    bind_faulty("huge and empty", 3, empty);
    bind_faulty("negative", 2, negative);
    bind_faulty("rank 4", 4, four);
    bind_faulty("rank -1", -1, right);
    bind_faulty("no shape", 2, NULL);
    bind_faulty("nothing wrong", 2, right);
}

static void mask_all(void)
{
    static const int ocean[NX * NY];
    static const int64_t right[2] = {NX, NY}, huge[2] = {INT64_C(1) << 62, NY};
    note("mask without shape", esm_set_mask(coupler, ocean, 2, rank == 1 ? NULL : right));
    note("mask of rank -1", esm_set_mask(coupler, ocean, rank == 1 ? -1 : 2, right));
    note("huge mask", esm_set_mask(coupler, ocean, 2, rank == 1 ? huge : right));
}

static void ask_all(void)
{
    double value;
    char text[8];
    note("no text of that name", esm_text(coupler, "nonsense", text, sizeof text));
    note("no room", esm_text(coupler, "provenance", text, sizeof text));
    note("nowhere", esm_text(coupler, "sha256", NULL, 0));
    note("no state yet", esm_text(coupler, "sha256", text, sizeof text));
    note("no diagnostic", esm_diagnostic(coupler, NULL, &value));
    note("no value", esm_diagnostic(coupler, "calls", NULL));
    note("no path", esm_read_restart(coupler, rank == 1 ? NULL : "restart"));
}

int main(int argc, char **argv)
{
    int first = 1, nx = NX, ny = NY, j_first;
    char name[32];
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    snprintf(name, sizeof name, "arguments.%d", rank);
    output = fopen(name, "w");
    start_faulty(argv[1]);
    note("start", esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), argv[1]));
    j_first = 1 + NY * rank;
    note("domain", esm_set_domain(coupler, NX, 2 * NY, 1, &first, &j_first, &nx, &ny, 0));
    mask_all();
    bind_all();
    ask_all();
    note("stop", esm_stop(coupler));
    fclose(output);
    MPI_Finalize();
    return 0;
}
