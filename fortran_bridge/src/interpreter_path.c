/* interpreter_path.c: Python itself falls back silently to another installation when its program
 * does not exist, so existence and version are checked here first. */
#define _GNU_SOURCE /* dladdr */
#include "interpreter_path.h"

#include "message.h"

#include <Python.h> /* PY_MAJOR_VERSION of the libpython that this library is linked to */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* site-packages/esm_coupler/lib/libesm_coupler.so: the environment is this many folders up. */
enum { FOLDERS_TO_ENVIRONMENT = 6 };

static int is_folder(const char *path)
{
    struct stat what;
    return stat(path, &what) == 0 && S_ISDIR(what.st_mode);
}

static int is_program(const char *path)
{
    return access(path, X_OK) == 0 && !is_folder(path);
}

/* Join two parts in `path`; a path that does not fit becomes empty, which exists nowhere. */
static void join(char path[PATH_MAX], const char *folder, const char *name)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    if (length >= PATH_MAX) {
        path[0] = '\0';
    }
}

static void go_up(char *path, int folders)
{
    while (folders-- > 0 && strrchr(path, '/')) {
        *strrchr(path, '/') = '\0';
    }
}

static int is_virtual_environment(const char *folder)
{
    char path[PATH_MAX];
    join(path, folder, "pyvenv.cfg");
    return access(path, R_OK) == 0;
}

/* The python of the virtual environment that holds this library, if one does. */
static int find_own_environment(char program[PATH_MAX])
{
    Dl_info self;
    char folder[PATH_MAX];
    if (!dladdr((void *)&esm_find_interpreter, &self) || !realpath(self.dli_fname, folder)) {
        return 0;
    }
    go_up(folder, FOLDERS_TO_ENVIRONMENT);
    join(program, folder, "bin/python");
    return is_virtual_environment(folder) && is_program(program);
}

/* The environment of a program: where its pyvenv.cfg lies, or else where the program really is. */
static int find_prefix(const char *program, char prefix[PATH_MAX])
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", program);
    go_up(folder, 2);
    if (is_virtual_environment(folder)) {
        return realpath(folder, prefix) != NULL;
    }
    if (!realpath(program, prefix)) {
        return 0;
    }
    go_up(prefix, 2);
    return 1;
}

static int has_this_version(const char *prefix)
{
    char library[PATH_MAX], version[32];
    snprintf(version, sizeof version, "lib/python%d.%d", PY_MAJOR_VERSION, PY_MINOR_VERSION);
    join(library, prefix, version);
    return is_folder(library);
}

int esm_find_interpreter(const char *from_namelist, struct esm_interpreter *interpreter)
{
    const char *source = "fixed when esm_coupler was built";
    if (from_namelist[0]) {
        source = "key python of &coupler_nml";
        snprintf(interpreter->program, PATH_MAX, "%s", from_namelist);
    } else if (!find_own_environment(interpreter->program)) {
        snprintf(interpreter->program, PATH_MAX, "%s", ESM_BUILD_PYTHON);
    }
    if (interpreter->program[0] != '/' || !is_program(interpreter->program)) {
        esm_format_message("the Python interpreter '%s' (%s) is not an executable file with an "
                           "absolute path; name one by python = '...' in &coupler_nml",
                           interpreter->program, source);
        return 0;
    }
    if (!find_prefix(interpreter->program, interpreter->prefix) ||
        !has_this_version(interpreter->prefix)) {
        esm_format_message("the Python interpreter '%s' (%s) is not a Python %d.%d, for which "
                           "esm_coupler was built; name one in &coupler_nml or install "
                           "esm_coupler with this one",
                           interpreter->program, source, PY_MAJOR_VERSION, PY_MINOR_VERSION);
        return 0;
    }
    return 1;
}
