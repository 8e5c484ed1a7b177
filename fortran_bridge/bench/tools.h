/* tools.h: what the bench programs share. */
#ifndef BENCH_TOOLS_H
#define BENCH_TOOLS_H

/* End all ranks with a message unless the status of a call is ESM_OK. */
void require(int status, const char *call);
/* Microseconds of a clock that never goes back. */
double now(void);
/* Memory of this process that is in RAM. */
long resident_kib(void);
/* Write a namelist for a loopback; `path` ends in XXXXXX, which is filled in. */
void write_loopback_namelist(char *path);
/* Sorts `values`. */
double median(double *values, int count);

#endif
