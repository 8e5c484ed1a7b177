/* Start a coupler twice on the namelist of the command line; print status and message of each. */
#include "esm_coupler.h"

#include <mpi.h>
#include <stdio.h>

static void try_start(const char *namelist)
{
    int coupler = 0;
    int status = esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), namelist);
    printf("start %d %s\n", status, esm_message(coupler));
    if (status == ESM_OK) {
        printf("stop %d %s\n", esm_stop(coupler), esm_message(coupler));
    }
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    try_start(argv[1]);
    try_start(argv[1]);
    MPI_Finalize();
    return 0;
}
