/* communicator.c: only the communicator that was handed over is used, as a duplicate. */
#include "communicator.h"

#include "esm_coupler.h"
#include "message.h"

#include <stdio.h>

static int mpi_status(int code, const char *call)
{
    char reason[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (code == MPI_SUCCESS) {
        return ESM_OK;
    }
    MPI_Error_string(code, reason, &length);
    esm_format_message("esm_start: %s failed: %s", call, reason);
    return ESM_MPI;
}

static int mpi_is_running(void)
{
    int initialised = 0, finalised = 0;
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    if (initialised && !finalised) {
        return ESM_OK;
    }
    esm_format_message("esm_start: MPI is %s; call esm_start after MPI_Init and before "
                       "MPI_Finalize, with the MPI library that esm_coupler was built for",
                       finalised ? "finalised" : "not initialised");
    return ESM_MPI;
}

int esm_duplicate(int fortran_comm, MPI_Comm *duplicate)
{
    int status = mpi_is_running();
    MPI_Comm host;
    if (status != ESM_OK) {
        return status;
    }
    host = MPI_Comm_f2c(fortran_comm);
    /* Open MPI gives a null pointer for what is no handle, and MPI_Comm_dup would abort. */
    if (host == (MPI_Comm)0 || host == MPI_COMM_NULL) {
        esm_format_message("esm_start: %d is not the Fortran handle of a communicator; "
                           "pass what MPI_Comm_c2f gives", fortran_comm);
        return ESM_MPI;
    }
    status = mpi_status(MPI_Comm_dup(host, duplicate), "MPI_Comm_dup");
    return status != ESM_OK
               ? status
               : mpi_status(MPI_Comm_set_errhandler(*duplicate, MPI_ERRORS_RETURN),
                            "MPI_Comm_set_errhandler");
}

int esm_share_text(MPI_Comm comm, char *text, int size)
{
    return mpi_status(MPI_Bcast(text, size, MPI_CHAR, 0, comm), "MPI_Bcast");
}

static int share_message(MPI_Comm comm, int source)
{
    char text[ESM_MESSAGE_SIZE], labelled[ESM_MESSAGE_SIZE + 32];
    int code;
    esm_copy_message(text);
    code = MPI_Bcast(text, ESM_MESSAGE_SIZE, MPI_CHAR, source, comm);
    if (code == MPI_SUCCESS) {
        snprintf(labelled, sizeof labelled, "rank %d: %s", source, text);
        esm_set_message(labelled);
    }
    return code;
}

int esm_agree(MPI_Comm comm, int status)
{
    int rank, size, worst[2], code;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    /* The lowest failing rank has the largest size - rank, so that one maximum finds both. */
    int mine[2] = {status, status == ESM_OK ? 0 : size - rank};
    code = MPI_Allreduce(mine, worst, 2, MPI_INT, MPI_MAX, comm);
    if (code == MPI_SUCCESS && worst[0] != ESM_OK) {
        code = share_message(comm, size - worst[1]);
    }
    return code == MPI_SUCCESS ? worst[0] : mpi_status(code, "MPI_Allreduce or MPI_Bcast");
}
