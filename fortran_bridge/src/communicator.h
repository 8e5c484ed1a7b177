/* communicator.h: the duplicate of the host's communicator, and agreement over it. */
#ifndef ESM_COMMUNICATOR_H
#define ESM_COMMUNICATOR_H

#include <mpi.h>

/* Duplicate a Fortran handle; errors of the duplicate come back as codes. Gives a status. */
int esm_duplicate(int fortran_comm, MPI_Comm *duplicate);

/* Give every rank the worst status of all ranks and the text of the lowest rank that failed. */
int esm_agree(MPI_Comm comm, int status);

/* Give every rank the first rank's text of `size` bytes. Gives a status. */
int esm_share_text(MPI_Comm comm, char *text, int size);

#endif
