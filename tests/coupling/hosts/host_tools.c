/* host_tools.c: what the scripted host looks at in its own process, and Python code that a test
 * runs in it to make one rank fail. */
#define _GNU_SOURCE
#include <mpi.h>

#include <dlfcn.h>
#include <fenv.h>
#include <locale.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

extern char **environ;

struct process {
    int traps, flags, rounding, threads, next_rand;
    unsigned mxcsr, umask;
    unsigned long environment;
    char folder[4096], locale[256];
    MPI_Errhandler world, self;
    struct sigaction signals[65];
};

static struct process before;

static unsigned read_umask(void)
{
    unsigned value = 0;
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "Umask: %o", &value);
    }
    if (file) {
        fclose(file);
    }
    return value;
}

static unsigned long hash_environment(void)
{
    unsigned long hash = 5381;
    for (char **entry = environ; *entry; entry++) {
        for (char *c = *entry; *c; c++) {
            hash = hash * 33 + (unsigned char)*c;
        }
    }
    return hash;
}

static void observe(struct process *now)
{
    int ended = 0;
    memset(now, 0, sizeof *now);
    now->traps = fegetexcept();
    now->flags = fetestexcept(FE_ALL_EXCEPT);
    now->rounding = fegetround();
#ifdef __SSE__
    now->mxcsr = _mm_getcsr();
#endif
    now->threads = omp_get_max_threads();
    now->umask = read_umask();
    now->environment = hash_environment();
    if (!getcwd(now->folder, sizeof now->folder)) {
        now->folder[0] = '\0';
    }
    snprintf(now->locale, sizeof now->locale, "%s", setlocale(LC_ALL, NULL));
    MPI_Finalized(&ended);
    if (!ended) {
        MPI_Comm_get_errhandler(MPI_COMM_WORLD, &now->world);
        MPI_Comm_get_errhandler(MPI_COMM_SELF, &now->self);
    }
    for (int number = 1; number < 65; number++) {
        sigaction(number, NULL, &now->signals[number]);
    }
}

/* Remember the process; the next number of rand() is known afterwards. */
void tools_remember(void)
{
    srand(7);
    int next = rand();
    srand(7);
    observe(&before);
    before.next_rand = next;
}

static int is_same_action(const struct sigaction *a, const struct sigaction *b)
{
    int is_default = a->sa_handler == SIG_DFL || a->sa_handler == SIG_IGN;
    return a->sa_handler == b->sa_handler && (is_default || a->sa_flags == b->sa_flags);
}

/* Name what is not as remembered, in `text` (ended by a null), nothing if all is. */
void tools_changes(char *text, int size)
{
    struct process now;
    int next = rand(); /* before anything else of this function */
    observe(&now);
    text[0] = '\0';
#define SAY(name) strncat(text, " " name, (size_t)size - strlen(text) - 1)
    if (now.traps != before.traps) SAY("traps");
    if (now.flags != before.flags) SAY("flags");
    if (now.rounding != before.rounding) SAY("rounding");
    if (now.mxcsr != before.mxcsr) SAY("mxcsr");
    if (now.threads != before.threads) SAY("openmp");
    if (now.umask != before.umask) SAY("umask");
    if (now.environment != before.environment) SAY("environment");
    if (strcmp(now.folder, before.folder)) SAY("folder");
    if (strcmp(now.locale, before.locale)) SAY("locale");
    if (now.world != before.world) SAY("world_errhandler");
    if (now.self != before.self) SAY("self_errhandler");
    if (next != before.next_rand) SAY("rand");
    for (int number = 1; number < 65; number++) {
        if (!is_same_action(&now.signals[number], &before.signals[number])) {
            size_t used = strlen(text);
            snprintf(text + used, (size_t)size - used, " signal_%d", number);
        }
    }
}

/* Run a file of Python code inside the embedded interpreter; 0 if it raised nothing. */
int tools_run_python(const char *path)
{
    typedef int ensure_fn(void);
    typedef void release_fn(int);
    typedef int run_fn(const char *, void *);
    ensure_fn *ensure = (ensure_fn *)dlsym(RTLD_DEFAULT, "PyGILState_Ensure");
    release_fn *release = (release_fn *)dlsym(RTLD_DEFAULT, "PyGILState_Release");
    run_fn *run = (run_fn *)dlsym(RTLD_DEFAULT, "PyRun_SimpleStringFlags");
    char code[4300];
    if (!ensure || !release || !run) {
        return -2;
    }
    fenv_t host;
    feholdexcept(&host);
    snprintf(code, sizeof code, "exec(compile(open('%s').read(), '%s', 'exec'), {})", path, path);
    int held = ensure();
    int result = run(code, NULL);
    release(held);
    fesetenv(&host);
    return result;
}

/* Resident memory [kB]. */
int tools_memory(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*s %ld", &pages) != 1) {
        pages = 0;
    }
    if (file) {
        fclose(file);
    }
    return (int)(pages * (sysconf(_SC_PAGESIZE) / 1024));
}

/* Set what a host may have set: a locale, a umask, signal handlers. */
static void handle(int number) { (void)number; }

void tools_make_special(void)
{
    setlocale(LC_ALL, "C.UTF-8");
    setlocale(LC_NUMERIC, "C");
    (void)!freopen("/dev/null", "r", stdin);
    signal(SIGINT, handle);
    signal(SIGTERM, handle);
    signal(SIGUSR1, handle);
    signal(SIGPIPE, SIG_DFL);
}

/* Enable traps beyond those of the build. */
void tools_trap(void) { feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW); }
