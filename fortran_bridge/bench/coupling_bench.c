/* coupling_bench.c: the way of the fields from all ranks to one and back, beside the same by hand.
 *
 * coupling_bench route ROUNDS         gather and scatter of 6 fields of 1024 x 1024, on 4 ranks:
 *                                     by a coupler that loops them back, by hand-written C, and
 *                                     by MPI alone; microseconds of every round, as JSON
 * coupling_bench start NAMELIST NX NY what a coupler costs a rank without a generator: seconds of
 *                                     esm_start, memory after it and after a generate, as JSON
 */
#include "esm_coupler.h"
#include "tools.h"

#include <mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIELDS = 6, SIDE = 1024, HALO = 1, RANKS = 4, CASES = 4, WAYS = 3, MOST_BLOCKS = 64 };
static const char *const FIELD[FIELDS] = {"sic", "sit", "snt", "siu", "siv", "sid"};
static const char *const WAY[WAYS] = {"coupler", "by_hand", "mpi_alone"};

/* One decomposition into squares, dealt to the ranks like cards. */
struct layout {
    int n_blocks; /* of each rank */
    int side;     /* of a block */
    int i_first[RANKS][MOST_BLOCKS], j_first[RANKS][MOST_BLOCKS];
    int coupler;
    double *field[FIELDS]; /* of the host, (block, y, x) with halo */
    double *microseconds[WAYS];
};

static int my_rank;
static double *global, *gathered, *packed; /* of the hand-written way */

static void cut(struct layout *l, int blocks_in_a_row)
{
    l->side = SIDE / blocks_in_a_row;
    l->n_blocks = blocks_in_a_row * blocks_in_a_row / RANKS;
    for (int b = 0; b < blocks_in_a_row * blocks_in_a_row; b++) {
        l->i_first[b % RANKS][b / RANKS] = b % blocks_in_a_row * l->side + 1;
        l->j_first[b % RANKS][b / RANKS] = b / blocks_in_a_row * l->side + 1;
    }
}

static double *row_of_host(const struct layout *l, int field, int block, int j)
{
    size_t width = (size_t)(l->side + 2 * HALO);
    return l->field[field] + ((size_t)block * width + (size_t)(j + HALO)) * width + HALO;
}

static void start_coupler(struct layout *l, const char *namelist, int rounds)
{
    int side[MOST_BLOCKS];
    int64_t width = l->side + 2 * HALO, shape[3] = {width, width, l->n_blocks};
    for (int b = 0; b < l->n_blocks; b++) {
        side[b] = l->side;
    }
    require(esm_start(&l->coupler, MPI_Comm_c2f(MPI_COMM_WORLD), namelist), "esm_start");
    require(esm_set_domain(l->coupler, SIDE, SIDE, l->n_blocks, l->i_first[my_rank],
                           l->j_first[my_rank], side, side, HALO),
            "esm_set_domain");
    for (int n = 0; n < FIELDS; n++) {
        size_t count = (size_t)(width * width * l->n_blocks);
        l->field[n] = malloc(count * sizeof(double));
        for (size_t cell = 0; cell < count; cell++) {
            l->field[n][cell] = (double)(cell % 1000) + n;
        }
        require(esm_bind(l->coupler, FIELD[n], l->field[n], sizeof(double), 3, shape), "esm_bind");
    }
    for (int way = 0; way < WAYS; way++) {
        l->microseconds[way] = calloc((size_t)rounds, sizeof(double));
    }
}

/* Copy interiors between the host's arrays and the buffer (field, cell) of this rank. */
static void pack(const struct layout *l, int into_host)
{
    size_t bytes = (size_t)l->side * sizeof(double);
    double *at = packed;
    for (int n = 0; n < FIELDS; n++) {
        for (int b = 0; b < l->n_blocks; b++) {
            for (int j = 0; j < l->side; j++, at += l->side) {
                double *host = row_of_host(l, n, b, j);
                memcpy(into_host ? host : at, into_host ? at : host, bytes);
            }
        }
    }
}

/* Copy cells between the buffer of all ranks and the global grid (field, y, x). */
static void place(const struct layout *l, int onto_grid)
{
    size_t bytes = (size_t)l->side * sizeof(double);
    double *at = gathered;
    for (int rank = 0; rank < RANKS; rank++) {
        for (int n = 0; n < FIELDS; n++) {
            for (int b = 0; b < l->n_blocks; b++) {
                for (int j = 0; j < l->side; j++, at += l->side) {
                    size_t y = (size_t)(n * SIDE + l->j_first[rank][b] - 1 + j);
                    double *grid = global + y * SIDE + l->i_first[rank][b] - 1;
                    memcpy(onto_grid ? grid : at, onto_grid ? at : grid, bytes);
                }
            }
        }
    }
}

static void gather_and_scatter(const struct layout *l, int by_mpi_alone)
{
    int counts[RANKS], starts[RANKS], count = FIELDS * l->n_blocks * l->side * l->side;
    for (int rank = 0; rank < RANKS; rank++) {
        counts[rank] = count;
        starts[rank] = rank * count;
    }
    MPI_Gatherv(packed, count, MPI_DOUBLE, gathered, counts, starts, MPI_DOUBLE, 0,
                MPI_COMM_WORLD);
    if (my_rank == 0 && !by_mpi_alone) {
        place(l, 1);
        place(l, 0);
    }
    MPI_Scatterv(gathered, counts, starts, MPI_DOUBLE, packed, count, MPI_DOUBLE, 0,
                 MPI_COMM_WORLD);
}

static void by_hand(const struct layout *l)
{
    pack(l, 0);
    gather_and_scatter(l, 0);
    pack(l, 1);
}

static void go(const struct layout *l, int way)
{
    if (way == 0) {
        require(esm_generate(l->coupler, 1, 20180301), "esm_generate");
    } else if (way == 1) {
        by_hand(l);
    } else {
        gather_and_scatter(l, 1);
    }
}

/* From the moment that all ranks are ready until all have got their fields. */
static double time_way(const struct layout *l, int way)
{
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = now();
    go(l, way);
    MPI_Barrier(MPI_COMM_WORLD);
    return now() - begin;
}

static void print_layout(const struct layout *l, int rounds, int is_last)
{
    printf("  \"%d\": {", l->n_blocks);
    for (int way = 0; way < WAYS; way++) {
        printf("\"%s\": [", WAY[way]);
        for (int round = 0; round < rounds; round++) {
            printf("%.1f%s", l->microseconds[way][round], round + 1 < rounds ? ", " : "");
        }
        printf("]%s", way + 1 < WAYS ? ", " : "");
    }
    printf("}%s\n", is_last ? "" : ",");
}

static void bench_route(int rounds)
{
    static struct layout layouts[CASES];
    char namelist[] = "/tmp/coupling_bench_XXXXXX";
    size_t count = (size_t)FIELDS * SIDE * SIDE;
    if (my_rank == 0) {
        write_loopback_namelist(namelist);
        global = malloc(count * sizeof(double));
        gathered = malloc(count * sizeof(double));
    }
    packed = malloc(count / RANKS * sizeof(double));
    for (int n = 0; n < CASES; n++) {
        cut(&layouts[n], 2 << n);
        start_coupler(&layouts[n], namelist, rounds);
    }
    for (int round = -1; round < rounds; round++) { /* round -1 touches all memory once */
        for (int n = 0; n < CASES; n++) {
            for (int way = 0; way < WAYS; way++) {
                double time = time_way(&layouts[n], way);
                layouts[n].microseconds[way][round < 0 ? 0 : round] = time;
            }
        }
    }
    for (int n = 0; n < CASES; n++) {
        require(esm_stop(layouts[n].coupler), "esm_stop");
    }
    if (my_rank == 0) {
        unlink(namelist);
        printf("{\n");
        for (int n = 0; n < CASES; n++) {
            print_layout(&layouts[n], rounds, n + 1 == CASES);
        }
        printf("}\n");
    }
}

/* Rank 0 has the generator and all cells but the last column, which is the last rank's. */
static void bench_start(const char *namelist, int nx, int ny)
{
    int n_ranks, coupler = 0, one = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    int is_last = my_rank == n_ranks - 1, is_owner = my_rank == 0 || is_last;
    int first = is_last ? nx : 1, width = is_last ? 1 : nx - 1;
    int64_t shape[2] = {is_owner ? width : 0, is_owner ? ny : 0};
    double *field = calloc((size_t)nx * (size_t)ny, sizeof(double));
    MPI_Barrier(MPI_COMM_WORLD);
    long before = resident_kib();
    double begin = now();
    require(esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), namelist), "esm_start");
    double seconds = (now() - begin) * 1e-6;
    long started = resident_kib();
    require(esm_set_domain(coupler, nx, ny, is_owner, &first, &one, &width, &ny, 0),
            "esm_set_domain");
    require(esm_bind(coupler, "sic", field, sizeof(double), 2, shape), "esm_bind");
    require(esm_generate(coupler, 1, 20180301), "esm_generate");
    long generated = resident_kib();
    require(esm_stop(coupler), "esm_stop");
    if (is_last) {
        printf("{\"seconds\": %.4f, \"before_kib\": %ld, \"started_kib\": %ld, "
               "\"generated_kib\": %ld}\n",
               seconds, before, started, generated);
    }
    free(field);
}

int main(int argc, char **argv)
{
    int n_ranks;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &my_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
    if (argc == 3 && strcmp(argv[1], "route") == 0 && n_ranks == RANKS && atoi(argv[2]) > 0) {
        bench_route(atoi(argv[2]));
    } else if (argc == 5 && strcmp(argv[1], "start") == 0 && n_ranks > 1) {
        bench_start(argv[2], atoi(argv[3]), atoi(argv[4]));
    } else {
        fprintf(stderr, "usage: coupling_bench route ROUNDS (on %d ranks) | start NAMELIST NX NY "
                        "(on 2 or more)\n", RANKS);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    MPI_Finalize();
    return 0;
}
