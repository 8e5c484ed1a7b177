/* namelist_python.h: the one key that is needed before there is a Python to read namelists. */
#ifndef ESM_NAMELIST_PYTHON_H
#define ESM_NAMELIST_PYTHON_H

#include <stddef.h>

/* Copy the value of `python` in group &coupler_nml of a file into `python` (`size` bytes); leaves
 * it empty when the file, group or key is missing: Python's own reader names such faults later. */
void esm_namelist_python(const char *path, char *python, size_t size);

#endif
