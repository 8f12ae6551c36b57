#!/bin/sh
# Removes a release. unbuild.sh SERVICE ENVIRONMENT RELEASE
set -eu
place=platform/deployments/$2/$1

if [ "$(readlink "$place/current")" = "$3" ]; then
    printf '{"error": "%s is the current release of %s in %s"}\n' "$3" "$1" "$2"
    exit 1
fi
rm -rf "${place:?}/${3:?}"
