#!/usr/bin/env bash
# Install what the bridge and the host need from the system and is missing; nothing else.
# usage: tools/system_packages.sh PYTHON
set -euo pipefail

python=$1
packages=()

have() { command -v "$1" >/dev/null 2>&1; }
need() { packages+=("$@"); }

missing_packages() {
  have gfortran || have mpif90 || need gfortran
  have cc || need gcc libc6-dev
  have c++ || need g++
  have mpirun || need openmpi-bin
  { have mpicc && have mpif90; } || need libopenmpi-dev
  have pkg-config || need pkg-config
  { have pkg-config && pkg-config --exists netcdf-fortran; } || need libnetcdff-dev
  python_packages
}

# Debian splits Python; other builds bring headers, libpython and venv along.
python_packages() {
  local version headers
  [[ $(readlink -f "$(command -v "$python")") == /usr/bin/* ]] || return 0
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  "$python" -c 'import ensurepip' 2>/dev/null || need "python$version-venv"
  [[ -e $headers/Python.h ]] || need "python$version-dev"
}

give_up() {
  echo "esm_coupler needs the packages ${packages[*]}, and $1: have them installed" \
    "(apt-get install ${packages[*]}), or on a cluster load modules for a Fortran compiler, MPI" \
    "and netCDF-Fortran (module load gcc openmpi netcdf-fortran), and try again." >&2
  exit 1
}

missing_packages
[[ ${#packages[@]} == 0 ]] && exit 0
have apt-get || give_up "there is no apt-get here"
as_root=()
if [[ $(id -u) != 0 ]]; then
  as_root=(sudo -n)
  "${as_root[@]}" true 2>/dev/null || give_up "apt-get needs root or sudo without a password"
fi

apt() {
  "$(dirname "$0")/quietly.sh" build/log/apt.log \
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@"
}
echo "      apt-get install ${packages[*]} (log: build/log/apt.log)"
{ apt update && apt install -y --no-install-recommends "${packages[@]}"; } ||
  give_up "apt-get could not install them"
