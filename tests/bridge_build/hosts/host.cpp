// A C++ host: the header as it is, a vector as the field.
#include "esm_coupler.h"

#include <iostream>
#include <vector>

#include <mpi.h>

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int coupler = 0, first = 1, nx = 6, ny = 4;
    const int64_t shape[2] = {nx, ny};
    std::vector<float> sic(24, 0.25F);
    int status = esm_start(&coupler, MPI_Comm_c2f(MPI_COMM_WORLD), argv[1]);
    if (status == ESM_OK) {
        status = esm_set_domain(coupler, nx, ny, 1, &first, &first, &nx, &ny, 0);
    }
    if (status == ESM_OK) {
        status = esm_bind(coupler, "sic", sic.data(), sizeof(float), 2, shape);
    }
    if (status == ESM_OK) {
        status = esm_generate(coupler, 1, 20180301);
    }
    std::cout << "status " << status << " sic " << sic[23] << " " << esm_message(coupler) << "\n";
    esm_stop(coupler);
    MPI_Finalize();
}
