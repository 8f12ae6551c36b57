#!/bin/sh
# Checks the service as a client would: sends requests, and compares the answers' statuses.
set -eu
cd "$(dirname "$0")"
failures=0

expect() { # expect STATUS METHOD PATH
    status=$(printf '%s %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" "$3" | ./service | head -n 1 | cut -d ' ' -f 2)
    if [ "$status" = "$1" ]; then
        echo "ok: $2 $3 is answered with $1"
    else
        echo "not ok: $2 $3 is answered with ${status:-nothing} and not with $1"
        failures=$((failures + 1))
    fi
}

sh -n service
expect 200 GET /
expect 200 GET '/?name=x'
expect 200 GET /healthz
expect 404 GET /nowhere
expect 405 POST /

if [ "$failures" -gt 0 ]; then
    echo "$failures of the checks failed"
    exit 1
fi
