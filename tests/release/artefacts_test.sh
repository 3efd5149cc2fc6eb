#!/usr/bin/env bash
# The build that is tested as a release's artefacts, made twice under other circumstances: the same bytes, which install and run.
# What two builds of the program need as well, and the SBOM, are two_builds.sh's: minutes more.
set -euo pipefail
if [ $# != 3 ]; then
  echo "usage: artefacts_test.sh SOURCE BUILD amd64|arm64"
  exit 2
fi
if [ "${GPUINIT_TESTS_NO_CONTAINERS:-}" = 1 ]; then
  echo "GPUINIT_TESTS_NO_CONTAINERS=1: nothing is installed into an image"
  exit 77
fi
source=$1 build=$2 machine=$3
cache=${GPUINIT_TESTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gpuinit-tests}
die() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
version=$(sed -n 's/^project(gpuinit VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")
epoch=1700000000
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT

# Downloaded once for every clone.
hatchling=$cache/release-hatchling-$(sha256sum "$source/docker/release/requirements.txt" | cut -c1-16)

make() { # DIRECTORY
  work=$1
  mkdir -p "$work/home" "$work/dist"
  ln -s "$source" "$work/source"
  # shellcheck source=docker/release/artefacts.sh
  . "$source/docker/release/artefacts.sh"
  if [ ! -e "$hatchling" ]; then
    backend "$hatchling.$$"
    mv -T "$hatchling.$$" "$hatchling"
  fi
  ln -s "$hatchling" "$work/hatchling"
  archive "$machine" "$build"
  packages "$machine" "$build"
  wheel "$machine" "$build"
  image 0000000000000000000000000000000000000000 --program "$machine=$build/gpuinit"
  checksums
}

(make "$top/first")
(
  umask 077
  export TZ=Pacific/Kiritimati LC_ALL=C SOURCE_DATE_EPOCH=1 HOME=$top
  sleep 1 # another second than the first's, for what takes the time
  make "$top/a-longer-name"
)
diff -r "$top/first/dist" "$top/a-longer-name/dist" || die "two times the same build, two times other bytes"
echo "the same twice: $(find "$top/first/dist" -type f | wc -l) files"
"$source/tests/release/dist_test.py" "$top/first/dist" --no-sbom
