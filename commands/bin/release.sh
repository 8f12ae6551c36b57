#!/bin/sh
# Makes a release the current one, in one step, or with an empty RELEASE none. release.sh SERVICE ENVIRONMENT RELEASE
set -eu
place=platform/deployments/$2/$1

if [ -z "$3" ]; then
    rm -f "$place/current"
    exit
fi
printf '{"progress": 50, "label": "switching to %s"}\n' "$3"
ln -sfn "$3" "$place/next"
# A rename replaces the link whole; without -T it would move into the folder behind it.
mv -fT "$place/next" "$place/current"
