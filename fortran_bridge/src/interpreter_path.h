/* interpreter_path.h: which Python is to run, decided and checked before it runs. */
#ifndef ESM_INTERPRETER_PATH_H
#define ESM_INTERPRETER_PATH_H

#include <limits.h>

struct esm_interpreter {
    char program[PATH_MAX]; /* the python executable */
    char prefix[PATH_MAX];  /* what sys.prefix has to be, without symbolic links */
};

/* Fill `interpreter` from the namelist's path, or, where that is empty, from the virtual
 * environment that this library is installed in, or else from the path fixed at the build.
 * Gives 1, or 0 with the message set. */
int esm_find_interpreter(const char *from_namelist, struct esm_interpreter *interpreter);

#endif
