/* A host that opens the library of argv[1] at run time with RTLD_LOCAL, as plug-in hosts do. */
#include <dlfcn.h>
#include <mpi.h>
#include <stdio.h>

typedef int start_fn(int *, int, const char *);
typedef const char *message_fn(int);

int main(int argc, char **argv)
{
    int coupler = 0;
    MPI_Init(&argc, &argv);
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        printf("%s\n", dlerror());
        return 1;
    }
    start_fn *start = (start_fn *)dlsym(library, "esm_start");
    message_fn *message = (message_fn *)dlsym(library, "esm_message");
    int status = start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), argv[2]);
    printf("start %d %s\n", status, message(coupler));
    dlclose(library);
    MPI_Finalize();
    return 0;
}
