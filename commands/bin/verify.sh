#!/bin/sh
# Watches the current release for two seconds: it must answer every time. verify.sh SERVICE ENVIRONMENT PATH
set -eu
current=platform/deployments/$2/$1/current

for round in 1 2 3; do
    printf '{"progress": %d, "label": "asking for %s"}\n' "$((round * 33))" "$3"
    status=$(printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$3" | "$current/service" | head -n 1 | cut -d ' ' -f 2)
    if [ "$status" != 200 ]; then
        printf '{"error": "GET %s is answered with %s and not with 200"}\n' "$3" "${status:-nothing}"
        exit 1
    fi
    [ "$round" = 3 ] || sleep 1
done
