#!/bin/sh
# Makes a release: the files of a service at a commit, checked. build.sh SERVICE REF ENVIRONMENT REQUEST
#
# It begins anew when it is repeated, so that doing it twice is as good as once.
set -eu
service=$1 ref=$2 environment=$3 request=$4
repository=platform/services/$service
place=platform/deployments/$environment/$service

fail() {
    printf '{"declined": "%s"}\n' "$1"
    exit 1
}

[ -d "$repository/.git" ] || fail "there is no service $service; /service new $service makes one"
commit=$(git -C "$repository" rev-parse --verify --quiet "$ref^{commit}") ||
    fail "$service has no branch, tag or commit $ref"
short=$(git -C "$repository" rev-parse --short=10 "$commit")
release=releases/$short-${request#"${request%??????}"}
previous=$(readlink "$place/current") || previous=''
# Said before anything is done: what takes it back must know, however this ends.
printf '{"output": {"commit": "%s", "release": "%s", "previous": "%s"}}\n' "$short" "$release" "$previous"

printf '{"progress": 20, "label": "taking %s at %s"}\n' "$service" "$short"
rm -rf "${place:?}/$release"
mkdir -p "$place/$release"
folder=$(cd "$place/$release" && pwd)
# An index of its own, so that the repository's work tree stays as it is; within the folder, to go with it.
export GIT_INDEX_FILE="$folder/.release-index"
git -C "$repository" read-tree "$commit"
git -C "$repository" checkout-index --all --prefix="$folder/"
rm -f "$GIT_INDEX_FILE"
unset GIT_INDEX_FILE

printf '{"progress": 60, "label": "checking %s"}\n' "$short"
[ -x "$folder/check.sh" ] || fail "$service has no check.sh at $ref"
(cd "$folder" && ./check.sh) >&2 || fail "the checks of $service fail at $ref"
printf '{"progress": 100, "label": "built %s"}\n' "$short"
