/* entry_points.c: the functions of esm_coupler.h: guard, call into Python, guard. */
#include "esm_coupler.h"

#include "communicator.h"
#include "embedding.h"
#include "guards.h"
#include "interpreter.h"
#include "message.h"
#include "namelist_python.h"

#include <limits.h>
#include <stdio.h>

/* Python's functions give status + 1; cffi gives 0 where it could not call them. */
static int status_of(int result)
{
    if (result > 0) {
        return result - 1;
    }
    esm_set_message("Python could not be called although it was started; this is a fault of "
                    "esm_coupler or of cffi, please report it");
    return ESM_INTERPRETER;
}

/* Begin a call: gives ESM_OK with the guard begun, or another status with the message set. */
static int enter(struct esm_guard *guard, int coupler, const char *function)
{
    esm_clear_message();
    if (coupler <= 0 || esm_interpreter_state() != ESM_PYTHON_RUNS) {
        esm_format_message("%s: coupler %d was never started, or its start failed; call esm_start "
                           "first and look at its status",
                           function, coupler);
        return ESM_NOT_STARTED;
    }
    esm_guard_begin(guard);
    return ESM_OK;
}

static int leave(const struct esm_guard *guard, int result)
{
    esm_guard_end(guard);
    return status_of(result);
}

/* The first rank reads which Python the namelist wants, and every rank starts that one. */
static int start_interpreter(MPI_Comm comm, const char *namelist)
{
    char python[PATH_MAX] = "";
    int rank, status;
    MPI_Comm_rank(comm, &rank);
    if (rank == 0 && namelist) {
        esm_namelist_python(namelist, python, sizeof python);
    }
    status = esm_share_text(comm, python, sizeof python);
    return status == ESM_OK ? esm_interpreter_start(python) : status;
}

/* This rank's own part of a start, before the ranks agree. */
static int prepare(const int *coupler, MPI_Comm comm, const char *namelist)
{
    int status = start_interpreter(comm, namelist);
    if (!coupler) {
        esm_set_message("esm_start: the coupler is NULL; pass the address of an int that is 0");
        return ESM_VALUE;
    }
    if (*coupler != 0) {
        esm_format_message("esm_start: coupler %d was started before, and a stopped one can't be "
                           "started again; start a new one, whose number is 0",
                           *coupler);
        return ESM_ALREADY_STARTED;
    }
    if (!namelist) {
        esm_set_message("esm_start: the namelist is NULL; pass the path of a file");
        return ESM_CONFIG;
    }
    return status;
}

static int start(int *coupler, int fortran_comm, const char *namelist)
{
    MPI_Comm duplicate = MPI_COMM_NULL;
    int status = esm_duplicate(fortran_comm, &duplicate);
    if (status != ESM_OK) {
        return status;
    }
    status = esm_agree(duplicate, prepare(coupler, duplicate, namelist));
    if (status == ESM_OK) {
        return status_of(esm_python_start(coupler, MPI_Comm_c2f(duplicate), namelist));
    }
    MPI_Comm_free(&duplicate);
    return status;
}

int esm_start(int *coupler, int fortran_comm, const char *namelist)
{
    struct esm_guard guard;
    int status;
    esm_clear_message();
    esm_guards_find_openmp();
    esm_guard_begin(&guard);
    status = start(coupler, fortran_comm, namelist);
    esm_guard_end(&guard);
    return status;
}

int esm_set_domain(int coupler, int nx_global, int ny_global, int n_blocks, const int *i_first,
                   const int *j_first, const int *nx, const int *ny, int halo)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_set_domain");
    return status != ESM_OK ? status
                            : leave(&guard, esm_python_set_domain(coupler, nx_global, ny_global,
                                                                  n_blocks, i_first, j_first, nx,
                                                                  ny, halo));
}

int esm_set_mask(int coupler, const int *ocean, int rank, const int64_t *shape)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_set_mask");
    return status != ESM_OK ? status
                            : leave(&guard, esm_python_set_mask(coupler, ocean, rank, shape));
}

int esm_bind(int coupler, const char *name, void *data, int item_size, int rank,
             const int64_t *shape)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_bind");
    return status != ESM_OK
               ? status
               : leave(&guard, esm_python_bind(coupler, name, data, item_size, rank, shape));
}

int esm_generate(int coupler, int member, int date)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_generate");
    return status != ESM_OK ? status : leave(&guard, esm_python_generate(coupler, member, date));
}

int esm_step(int coupler, int date, double seconds)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_step");
    return status != ESM_OK ? status : leave(&guard, esm_python_step(coupler, date, seconds));
}

int esm_write_restart(int coupler, const char *path)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_write_restart");
    return status != ESM_OK ? status : leave(&guard, esm_python_write_restart(coupler, path));
}

int esm_read_restart(int coupler, const char *path)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_read_restart");
    return status != ESM_OK ? status : leave(&guard, esm_python_read_restart(coupler, path));
}

int esm_diagnostic(int coupler, const char *name, double *value)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_diagnostic");
    return status != ESM_OK ? status
                            : leave(&guard, esm_python_diagnostic(coupler, name, value));
}

int esm_text(int coupler, const char *name, char *text, int size)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_text");
    return status != ESM_OK ? status
                            : leave(&guard, esm_python_text(coupler, name, text, size));
}

int esm_ping(int coupler, int renew_views)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_ping");
    return status != ESM_OK ? status : leave(&guard, esm_python_ping(coupler, renew_views));
}

int esm_stop(int coupler)
{
    struct esm_guard guard;
    int status = enter(&guard, coupler, "esm_stop");
    return status != ESM_OK ? status : leave(&guard, esm_python_stop(coupler));
}

const char *esm_message(int coupler)
{
    static _Thread_local char text[ESM_MESSAGE_SIZE];
    (void)coupler; /* one text per rank; the number keeps the ABI open for one per coupler */
    esm_copy_message(text);
    return text;
}
