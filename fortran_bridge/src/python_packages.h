/* python_packages.h: what the running interpreter has to offer. */
#ifndef ESM_PYTHON_PACKAGES_H
#define ESM_PYTHON_PACKAGES_H

/* Load cffi's backend, this library's own module and esm_coupler.coupling.entry, which registers
 * its functions. Call it without the GIL. Gives 1, or 0 with the message set. */
int esm_load_packages(void);

#endif
