/* host_process.h: what the host's process may lack for a Python inside it. */
#ifndef ESM_HOST_PROCESS_H
#define ESM_HOST_PROCESS_H

/* Put /dev/null in the place of a standard input that is a directory, as some MPI launchers leave
 * it and Python refuses. Gives what esm_restore_input wants. */
int esm_shield_input(void);
void esm_restore_input(int input);

/* Make libpython's symbols visible to extension modules, also in a host that opened this library
 * with RTLD_LOCAL. Gives 1, or 0 with the message set. */
int esm_make_libpython_global(void);

/* Refuse a libstdc++ in this process that is older than numpy's and torch's. Gives 1, or 0 with
 * the message set. */
int esm_check_libstdcxx(void);

#endif
