#!/usr/bin/env bash
# Run a long command with its output in a log, which is shown if it fails.
# usage: tools/quietly.sh LOG COMMAND [ARGUMENT ...]
log=$1
shift
mkdir -p "$(dirname "$log")"
echo "+ $*" >>"$log"
from=$(wc -l <"$log")
if ! "$@" </dev/null >>"$log" 2>&1; then
  tail -n "+$from" "$log" | tail -n 60 >&2
  echo "failed: $* (all of it: $log)" >&2
  exit 1
fi
