/* esm_coupler_stub.c: the functions of esm_coupler.h without Python, MPI or a generator, so that a
 * host can be linked and run anywhere. Standard C99, no libraries. */
#include "esm_coupler.h"

static const char no_generator[] =
    "this build has no generator: the host was linked with the stub of esm_coupler; link "
    "esm_coupler::esm_coupler instead of esm_coupler::stub to start from generated states";

int esm_start(int *coupler, int fortran_comm, const char *namelist)
{
    (void)coupler, (void)fortran_comm, (void)namelist;
    return ESM_NO_GENERATOR;
}

int esm_set_domain(int coupler, int nx_global, int ny_global, int n_blocks, const int *i_first,
                   const int *j_first, const int *nx, const int *ny, int halo)
{
    (void)coupler, (void)nx_global, (void)ny_global, (void)n_blocks, (void)i_first;
    (void)j_first, (void)nx, (void)ny, (void)halo;
    return ESM_NO_GENERATOR;
}

int esm_set_mask(int coupler, const int *ocean, int rank, const int64_t *shape)
{
    (void)coupler, (void)ocean, (void)rank, (void)shape;
    return ESM_NO_GENERATOR;
}

int esm_bind(int coupler, const char *name, void *data, int item_size, int rank,
             const int64_t *shape)
{
    (void)coupler, (void)name, (void)data, (void)item_size, (void)rank, (void)shape;
    return ESM_NO_GENERATOR;
}

int esm_generate(int coupler, int member, int date)
{
    (void)coupler, (void)member, (void)date;
    return ESM_NO_GENERATOR;
}

int esm_step(int coupler, int date, double seconds)
{
    (void)coupler, (void)date, (void)seconds;
    return ESM_NO_GENERATOR;
}

int esm_write_restart(int coupler, const char *path)
{
    (void)coupler, (void)path;
    return ESM_NO_GENERATOR;
}

int esm_read_restart(int coupler, const char *path)
{
    (void)coupler, (void)path;
    return ESM_NO_GENERATOR;
}

int esm_diagnostic(int coupler, const char *name, double *value)
{
    (void)coupler, (void)name, (void)value;
    return ESM_NO_GENERATOR;
}

int esm_text(int coupler, const char *name, char *text, int size)
{
    (void)coupler, (void)name, (void)text, (void)size;
    return ESM_NO_GENERATOR;
}

int esm_ping(int coupler, int renew_views)
{
    (void)coupler, (void)renew_views;
    return ESM_NO_GENERATOR;
}

int esm_stop(int coupler)
{
    (void)coupler;
    return ESM_NO_GENERATOR;
}

const char *esm_message(int coupler)
{
    (void)coupler;
    return no_generator;
}
