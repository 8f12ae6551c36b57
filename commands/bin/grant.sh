#!/bin/sh
# Keeps a grant, which comes as JSON on standard input, as a file of its own. grant.sh REQUEST
set -eu
mkdir -p platform/access
cat > "platform/access/.$1"
mv -f "platform/access/.$1" "platform/access/$1.json"
printf '{"output": {"file": "platform/access/%s.json"}}\n' "$1"
