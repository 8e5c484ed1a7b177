/* interpreter.c: starts Python before cffi would, since cffi takes the first python3 on PATH. */
#include "interpreter.h"

#include "esm_coupler.h"
#include "host_process.h"
#include "interpreter_path.h"
#include "message.h"
#include "python_packages.h"

#include <Python.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int state = ESM_PYTHON_ABSENT;
static char why_it_failed[ESM_MESSAGE_SIZE];

enum esm_interpreter_state esm_interpreter_state(void)
{
    return atomic_load_explicit(&state, memory_order_acquire);
}

static int report(PyStatus status, const char *program)
{
    if (!PyStatus_Exception(status)) {
        return 1;
    }
    esm_format_message("the Python interpreter '%s' could not be started: %s (%s); try it with "
                       "'%s -I -c pass'",
                       program, status.err_msg ? status.err_msg : "it wanted to exit",
                       status.func ? status.func : "Python", program);
    return 0;
}

/* Isolated: PATH, PYTHONPATH, PYTHONHOME, the user's site and the working directory do not count;
 * locale and signal handlers stay the host's. */
static PyStatus initialise(const char *program)
{
    PyPreConfig before;
    PyConfig config;
    PyStatus status;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status)) {
        return status;
    }
    PyConfig_InitIsolatedConfig(&config);
    config.install_signal_handlers = 0;
    config.parse_argv = 0;
    config.pathconfig_warnings = 0;
    status = PyConfig_SetBytesString(&config, &config.program_name, program);
    if (!PyStatus_Exception(status)) {
        status = PyConfig_SetBytesString(&config, &config.executable, program);
    }
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    return status;
}

static int is_prefix(const char *wanted)
{
    PyObject *prefix = PySys_GetObject("prefix"); /* borrowed */
    const char *text = prefix ? PyUnicode_AsUTF8(prefix) : NULL;
    char *real = text ? realpath(text, NULL) : NULL;
    int same = real && strcmp(real, wanted) == 0;
    if (!same) {
        esm_format_message("Python started with the prefix '%s' and not with '%s'; name the "
                           "interpreter itself, no launcher script, in &coupler_nml",
                           text ? text : "", wanted);
        PyErr_Clear();
    }
    free(real);
    return same;
}

/* The version of libpython in this process may differ from the one compiled against. */
static int is_version(void)
{
    char wanted[16];
    int length = snprintf(wanted, sizeof wanted, "%d.%d.", PY_MAJOR_VERSION, PY_MINOR_VERSION);
    int same = strncmp(Py_GetVersion(), wanted, (size_t)length) == 0;
    if (!same) {
        esm_format_message("this process holds libpython %s, but esm_coupler was built for Python "
                           "%d.%d; take the other one out of the host's link line",
                           Py_GetVersion(), PY_MAJOR_VERSION, PY_MINOR_VERSION);
    }
    return same;
}

/* Python takes SIGINT when the module `signal` is first imported, which torch does: import it now
 * and give the signal back. */
static void keep_interrupt(void)
{
    struct sigaction host;
    sigaction(SIGINT, NULL, &host);
    Py_XDECREF(PyImport_ImportModule("signal"));
    PyErr_Clear();
    sigaction(SIGINT, &host, NULL);
}

static int start_new(const char *python)
{
    struct esm_interpreter interpreter;
    if (!esm_find_interpreter(python, &interpreter)) {
        return 0;
    }
    int input = esm_shield_input();
    PyStatus status = initialise(interpreter.program);
    esm_restore_input(input);
    if (!report(status, interpreter.program)) {
        return 0;
    }
    int good = is_prefix(interpreter.prefix);
    keep_interrupt();
    PyEval_SaveThread();
    return good;
}

static int start(const char *python)
{
    return esm_check_libstdcxx() && is_version() && esm_make_libpython_global() &&
           (Py_IsInitialized() || start_new(python)) && esm_load_packages();
}

int esm_interpreter_start(const char *python)
{
    pthread_mutex_lock(&starting);
    if (esm_interpreter_state() == ESM_PYTHON_ABSENT) {
        int runs = start(python);
        if (!runs) {
            esm_copy_message(why_it_failed);
        }
        atomic_store(&state, runs ? ESM_PYTHON_RUNS : ESM_PYTHON_FAILED);
    }
    pthread_mutex_unlock(&starting);
    if (esm_interpreter_state() == ESM_PYTHON_RUNS) {
        return ESM_OK;
    }
    esm_set_message(why_it_failed);
    return ESM_INTERPRETER;
}
