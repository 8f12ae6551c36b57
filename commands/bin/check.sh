#!/bin/sh
# Runs a service's own checks: check.sh FOLDER
#
# What they write goes to standard error, which is only ever a log: a line of theirs cannot pass for one of ours.
set -eu
printf '{"progress": 20, "label": "running the checks"}\n'
cd -- "$1"
./check.sh >&2
