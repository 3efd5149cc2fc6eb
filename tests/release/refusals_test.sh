#!/usr/bin/env bash
# docker/release.sh makes nothing of a tree with changes, of another version, or for a machine that it does not know.
set -euo pipefail
source=$1
# shellcheck disable=SC1091
if [ "$(. /etc/os-release && echo "$ID $VERSION_ID")" != "debian 12" ]; then
  echo "a release is made on Debian 12"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

mkdir -p "$work/tree/docker"
cp "$source/docker/release.sh" "$work/tree/docker"
cp "$source/CMakeLists.txt" "$work/tree"
# Whoever gets past the refusals would install packages.
printf '#!/bin/sh\necho "got past the refusals: $*"\nexit 9\n' >"$work/tree/docker/install-deps.sh"
chmod +x "$work/tree/docker/install-deps.sh"
cd "$work/tree"
git init -q .
git add -A
git -c user.name=test -c user.email=test@example.com commit -q -m tree
version=$(sed -n 's/^project(gpuinit VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)

expect() { # STATUS TEXT WORDS...
  local status=0 said
  said=$("${@:3}" 2>&1) || status=$?
  if [ "$status" = "$1" ] && grep -qF -- "$2" <<<"$said"; then
    echo "ok: $2"
  else
    printf 'FAILED: %s: status %s, said:\n%s\n' "${*:3}" "$status" "$said"
    failures=$((failures + 1))
  fi
}

expect 2 "usage:" docker/release.sh
expect 2 "usage:" docker/release.sh "$version" --sign
expect 1 "has version $version, not 99.0" docker/release.sh 99.0
expect 1 "no such machine: riscv64" docker/release.sh "$version" --machines amd64,riscv64
expect 1 "cannot read the key" docker/release.sh "$version" --key "$work/no-key"
expect 9 "got past the refusals: --release --cuda-headers --aarch64" docker/release.sh "$version"
expect 9 "got past the refusals: --release --cuda-headers" docker/release.sh "$version" --machines amd64
echo >>CMakeLists.txt
expect 1 "the tree has changes" docker/release.sh "$version"
git checkout -q CMakeLists.txt
echo new >file
expect 1 "the tree has changes" docker/release.sh "$version"
rm -rf file .git
expect 1 "not a git checkout" docker/release.sh "$version"
exit "$((failures > 0))"
