#!/usr/bin/env bash
# Print the first Python 3.10-3.13 that has a shared libpython, or is Debian's (which can get one).
set -euo pipefail

fits='import sys, sysconfig
shared = sysconfig.get_config_var("Py_ENABLE_SHARED") or sys.executable.startswith("/usr/bin/")
raise SystemExit(not ((3, 10) <= sys.version_info[:2] <= (3, 13) and shared))'

for name in python3 python3.11 python3.12 python3.13 python3.10 /usr/bin/python3; do
  if "$name" -c "$fits" >/dev/null 2>&1; then
    echo "$name"
    exit 0
  fi
done
echo "esm_coupler needs Python 3.10-3.13 with a shared libpython, and none is on PATH: install" \
  "python3 (on a cluster: module load python), or name one: make PYTHON=/path/to/python3." >&2
exit 1
