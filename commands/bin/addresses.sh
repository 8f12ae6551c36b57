#!/bin/sh
# Says what is to be looked at: this Stationmaster, and the page that was asked for, if any. addresses.sh [PAGE]
set -eu
printf '{"output": {"home": "%s", "page": "%s"}}\n' "$STATIONMASTER_URL" "${1-}"
