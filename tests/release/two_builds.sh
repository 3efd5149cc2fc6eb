#!/usr/bin/env bash
# A release is the same bytes from two directories on two days: makes HEAD's twice and compares.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: tests/release/two_builds.sh [--machines amd64,arm64] [--key PATH] [--keep DIRECTORY]
  --machines  as docker/release.sh
  --key       as docker/release.sh; ed25519's signatures are the same too
  --keep      where the first dist/ is put
The second build has another directory, umask, locale, time zone, home and compiler flags in the environment, files of
another time, one processor more to use, and ccache, if it is here.
EOF
}

options=()
keep=
while [ $# -gt 0 ]; do
  case $1 in
    --machines | --key) options+=("$1" "$2"); shift 2 ;;
    --keep) keep=$(realpath -- "$2"); shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version=$(sed -n 's/^project(gpuinit VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exec </dev/null

mkdir "$work/first" "$work/a longer name"
git clone -q . "$work/first/gpuinit"
git clone -q . "$work/a longer name/checkout"

SECONDS=0
(cd "$work/first/gpuinit" && docker/release.sh "$version" "${options[@]}")
echo "first build: $SECONDS s"
[ -z "$keep" ] || { rm -rf "$keep" && cp -r "$work/first/gpuinit/dist" "$keep"; }

cd "$work/a longer name/checkout"
find . -path ./.git -prune -o -type f -exec touch -d '2001-02-03 04:05:06' {} +
git status --porcelain >/dev/null # the index takes the new times
mkdir "$work/another temporary directory"
cache=${XDG_CACHE_HOME:-$HOME/.cache} # of downloads: not twice
SECONDS=0
(
  umask 077
  XDG_CACHE_HOME=$cache HOME=$work TMPDIR="$work/another temporary directory" \
    TZ=Pacific/Kiritimati LC_ALL=C LANG=tr_TR.UTF-8 CFLAGS=-O3 CXXFLAGS=-O3 SOURCE_DATE_EPOCH=1 CCACHE_BASEDIR=$PWD \
    CMAKE_BUILD_PARALLEL_LEVEL=3 docker/release.sh "$version" "${options[@]}"
)
echo "second build: $SECONDS s"

if diff -r "$work/first/gpuinit/dist" dist; then
  echo "the two builds are the same: $(find dist -type f | wc -l) files"
  exit 0
fi
if command -v diffoscope >/dev/null; then
  diffoscope --max-report-size 200000 "$work/first/gpuinit/dist" dist || true
fi
echo "FAILED: the two builds differ" >&2
exit 1
