/* python_packages.c: each package is imported here first, because cffi prints what goes wrong and
 * its functions then give 0 as if all were well. */
#include "python_packages.h"

#include "embedding.h"
#include "message.h"

#include <Python.h>

#include <string.h>

static const char *utf8(PyObject *text)
{
    const char *bytes = text && PyUnicode_Check(text) ? PyUnicode_AsUTF8(text) : NULL;
    return bytes ? bytes : "?";
}

/* sys.executable is None in some embeddings, so the prefix names the interpreter. */
static const char *environment(void)
{
    return utf8(PySys_GetObject("prefix"));
}

/* traceback.format_exception of an exception, as one text; NULL with an error set if it fails. */
static PyObject *traceback_text(PyObject *type, PyObject *value, PyObject *trace)
{
    PyObject *module = PyImport_ImportModule("traceback");
    PyObject *lines = module ? PyObject_CallMethod(module, "format_exception", "OOO", type, value,
                                                   trace ? trace : Py_None)
                             : NULL;
    PyObject *nothing = lines ? PyUnicode_FromString("") : NULL;
    PyObject *text = nothing ? PyUnicode_Join(nothing, lines) : NULL;
    Py_XDECREF(nothing);
    Py_XDECREF(lines);
    Py_XDECREF(module);
    return text;
}

/* Turn the pending exception into the message: a missing module needs no traceback. */
static void explain(const char *package)
{
    PyObject *type, *value, *trace, *text;
    int missing = PyErr_ExceptionMatches(PyExc_ModuleNotFoundError);
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    text = missing ? PyObject_Str(value) : traceback_text(type, value, trace);
    PyErr_Clear();
    if (missing) {
        esm_format_message("the Python environment '%s' lacks what esm_coupler needs (%s); install "
                           "it with '%s/bin/python3 -m pip install esm_coupler', or name another "
                           "interpreter by python = '...' in &coupler_nml",
                           environment(), utf8(text), environment());
    } else {
        esm_format_message("the Python environment '%s' could not load %s; install esm_coupler "
                           "there again, or name another interpreter in &coupler_nml\n%s",
                           environment(), package, utf8(text));
    }
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

static int import(const char *package)
{
    PyObject *module = PyImport_ImportModule(package);
    if (!module) {
        explain(package);
        return 0;
    }
    Py_DECREF(module);
    return 1;
}

static int start_cffi(void)
{
#if PY_VERSION_HEX < 0x030C0000
    /* cffi waits for ever for the version tag of this type to be 0, which a process that already
     * used Python may have set; this sets it back. */
    PyType_Modified(&PyCapsule_Type);
#endif
    PyObject *errors = PySys_GetObject("stderr");
    Py_XINCREF(errors);
    PySys_SetObject("stderr", Py_None); /* cffi would print */
    PyThreadState *thread = PyEval_SaveThread();
    int started = esm_embedding_start() == 0;
    PyEval_RestoreThread(thread);
    PySys_SetObject("stderr", errors);
    Py_XDECREF(errors);
    if (!started) {
        esm_format_message("cffi could not start in the Python environment '%s'; update it with "
                           "'%s/bin/python3 -m pip install --upgrade cffi'",
                           environment(), environment());
    }
    return started;
}

/* entry.register(ffi, lib): Python's functions take their places behind the C ones. */
static int register_functions(void)
{
    PyObject *own = PyImport_ImportModule("_esm_coupler");
    PyObject *ffi = own ? PyObject_GetAttrString(own, "ffi") : NULL;
    PyObject *lib = own ? PyObject_GetAttrString(own, "lib") : NULL;
    PyObject *entry = lib ? PyImport_ImportModule("esm_coupler.coupling.entry") : NULL;
    PyObject *done = entry ? PyObject_CallMethod(entry, "register", "OO", ffi, lib) : NULL;
    int registered = done != NULL;
    if (!registered) {
        explain("esm_coupler.coupling.entry");
    }
    Py_XDECREF(done);
    Py_XDECREF(entry);
    Py_XDECREF(lib);
    Py_XDECREF(ffi);
    Py_XDECREF(own);
    return registered;
}

int esm_load_packages(void)
{
    PyGILState_STATE held = PyGILState_Ensure();
    int loaded = import("_cffi_backend") && start_cffi() && register_functions();
    PyGILState_Release(held);
    return loaded;
}
