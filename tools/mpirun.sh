#!/usr/bin/env bash
# mpirun as demo and tests need it: also as root, and with more ranks than cores. The one place
# for what Open MPI wants to be told; other libraries ignore these variables.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
# Bound to cores, the ranks of every job on this machine would share the first ones.
export OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_hwloc_default_binding_policy=none
# A rank that waits leaves its core to the one that it waits for.
export OMPI_MCA_mpi_yield_when_idle=1
exec mpirun "$@"
