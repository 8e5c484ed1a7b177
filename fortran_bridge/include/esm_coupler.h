/* esm_coupler.h: the C ABI of esm_coupler, and its single source.
 *
 * The cffi cdef of the embedded Python is derived from the prototypes below, so they keep to
 * plain C types, one prototype a statement, no macros inside.
 *
 * Every call returns a status (0 = ESM_OK). All calls but esm_ping, esm_diagnostic, esm_text and
 * esm_message are collective over the communicator handed to esm_start and return the same status
 * on every rank of it. Nothing here prints, stops or aborts; esm_message says what happened.
 * Arrays are in Fortran order: the first extent varies fastest. Indices count from 1. */
#ifndef ESM_COUPLER_H
#define ESM_COUPLER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum esm_status {
    ESM_OK = 0,
    ESM_NOT_STARTED = 1,     /* no such coupler: call esm_start first */
    ESM_ALREADY_STARTED = 2, /* esm_start on a running coupler */
    ESM_STOPPED = 3,         /* call after esm_stop */
    ESM_NO_GENERATOR = 4,    /* the stub, which has no Python */
    ESM_INTERPRETER = 5,     /* Python could not be started, or lacks a package */
    ESM_MPI = 6,             /* MPI not initialised, other library, failing call */
    ESM_CONFIG = 7,          /* the namelist */
    ESM_CHECKPOINT = 8,      /* the checkpoint file */
    ESM_DOMAIN = 9,          /* blocks, mask, grid */
    ESM_FIELD = 10,          /* unknown, bound twice, wrong size or kind */
    ESM_VALUE = 11,          /* not finite, out of range, no such date or member */
    ESM_ORDER = 12,          /* a call before the one that it needs */
    ESM_MEMORY = 13,         /* out of memory, on the host or on the GPU */
    ESM_FAILED = 14,         /* anything else; the message has Python's traceback */
    ESM_TIME = 15,           /* the call took longer than time_limit */
    ESM_LOST = 16            /* some ranks did not come; the coupler is given up */
};

/* Start a coupler on every rank of a Fortran communicator handle. *coupler must be 0 and gets a
 * number > 0 for the other calls. The namelist is read by the first rank. */
int esm_start(int *coupler, int fortran_comm, const char *namelist);

/* Say which blocks of the global grid this rank owns (n_blocks may be 0): first interior cell
 * (i_first, j_first) and interior size (nx, ny) of each, and the halo width of all arrays. */
int esm_set_domain(int coupler, int nx_global, int ny_global, int n_blocks, const int *i_first,
                   const int *j_first, const int *nx, const int *ny, int halo);

/* The host's own ocean mask, 1 ocean and 0 land, copied. Same shape as the fields. Optional:
 * without it the mask of the checkpoint holds. */
int esm_set_mask(int coupler, const int *ocean, int rank, const int64_t *shape);

/* Bind an array that stays where it is until esm_stop. item_size is 4 or 8 bytes, shape has rank
 * (2 or 3) extents: (nx_block, ny_block[, n_blocks]), halo included. Never copied. NULL is only
 * for an array without items. */
int esm_bind(int coupler, const char *name, void *data, int item_size, int rank,
             const int64_t *shape);

/* Fill the bound arrays with ensemble member `member` (from 1) for `date` (yyyymmdd). */
int esm_generate(int coupler, int member, int date);

/* Take the bound arrays `seconds` forward from `date`. */
int esm_step(int coupler, int date, double seconds);

/* Write what the next step has to know beside the bound fields, with step_mode = 'emulate': member,
 * date and forcing. The first rank's path counts, and a file that is there is replaced. */
int esm_write_restart(int coupler, const char *path);

/* Go on from what esm_write_restart wrote, in place of esm_generate; the fields are the host's. */
int esm_read_restart(int coupler, const char *path);

/* A number about the last generate or step: see the coupling guide for the names. Local. */
int esm_diagnostic(int coupler, const char *name, double *value);

/* A text for the host's own files, the same on every rank: "sha256" of the state that the last
 * generate or step gave, which is made for the log and empty without one, or "provenance", what its
 * bits depend on, as JSON. size: bytes that text has room for, the null at its end included.
 * Local. */
int esm_text(int coupler, const char *name, char *text, int size);

/* Go to Python and back, looking at each bound view; renew_views makes them anew first. Local. */
int esm_ping(int coupler, int renew_views);

/* Forget the arrays and free the generator. The interpreter stays. */
int esm_stop(int coupler);

/* Text of this rank's last call: empty, a note, or what went wrong and what to do. Never NULL. */
const char *esm_message(int coupler);

#ifdef __cplusplus
}
#endif
#endif
