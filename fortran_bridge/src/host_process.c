/* host_process.c: standard input, libpython's visibility, libstdc++. */
#define _GNU_SOURCE /* dlvsym, dladdr */
#include "host_process.h"

#include "message.h"

#include <Python.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOT_SHIELDED = -1 };

int esm_shield_input(void)
{
    struct stat what;
    if (fstat(STDIN_FILENO, &what) != 0 || !S_ISDIR(what.st_mode)) {
        return NOT_SHIELDED;
    }
    int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (saved >= 0 && nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
    }
    if (nothing >= 0) {
        close(nothing);
    }
    return saved;
}

void esm_restore_input(int input)
{
    if (input != NOT_SHIELDED) {
        dup2(input, STDIN_FILENO);
        close(input);
    }
}

int esm_make_libpython_global(void)
{
    Dl_info library;
    if (!dladdr((void *)&Py_InitializeFromConfig, &library) ||
        dlopen(library.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD)) {
        return 1;
    }
    esm_format_message("libpython could not be made visible to Python's modules: %s", dlerror());
    return 0;
}

#ifdef __GLIBC__
static const char *loaded_path(void *library)
{
    struct link_map *map = NULL;
    return dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map ? map->l_name : "libstdc++.so.6";
}

int esm_check_libstdcxx(void)
{
    /* numpy's and torch's wheels (manylinux_2_28) need GLIBCXX_3.4.25, which came with this one. */
    static const char getentropy[] = "_ZNKSt13random_device13_M_getentropyEv";
    void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (!library || dlvsym(library, getentropy, "GLIBCXX_3.4.25")) {
        return 1;
    }
    esm_format_message("the host loaded '%s', which lacks GLIBCXX_3.4.25 that numpy and torch "
                       "need; build the host with GCC 8 or newer, or put a newer libstdc++.so.6 "
                       "first in LD_LIBRARY_PATH",
                       loaded_path(library));
    return 0;
}
#else
int esm_check_libstdcxx(void)
{
    return 1;
}
#endif
