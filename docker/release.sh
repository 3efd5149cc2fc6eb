#!/usr/bin/env bash
# Makes a release in dist/, for amd64 and arm64, from the commit that is checked out: the same bytes wherever and whenever.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: docker/release.sh VERSION [--key PATH] [--machines amd64,arm64]
  VERSION     the version that CMakeLists.txt has; another one is refused, as is a tree with changes
  --key       private ssh key that signs SHA256SUMS (ssh-keygen -Y sign); without it nothing is signed
  --machines  only these
On Debian 12. Installs what it needs (docker/install-deps.sh). docs/verify.md says how a release is checked.
EOF
}

say() { printf '== release: %s (%d min %02d s)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }
die() { printf 'release: error: %s\n' "$*" >&2; exit 1; }

SECONDS=0
version=
key=
machines=amd64,arm64
while [ $# -gt 0 ]; do
  case $1 in
    --key) key=$(realpath -- "${2:?--key needs a path}"); shift 2 ;;
    --machines) machines=${2:?--machines needs a list}; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) [ -z "$version" ] || { usage >&2; exit 2; }; version=$1; shift ;;
  esac
done
[ -n "$version" ] || { usage >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."
IFS=, read -ra machines <<<"$machines"

# ---------------------------------------------------------------- what is released

# The compiler and libraries are Debian 12's: with others the bytes are others.
# shellcheck disable=SC1091
[ "$(. /etc/os-release && echo "$ID $VERSION_ID")" = "debian 12" ] || die "a release is made on Debian 12"
[ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$PWD" ] || die "not a git checkout of gpuinit"
[ -z "$(git status --porcelain)" ] || die "the tree has changes: a release is made of a commit (git status)"
[ -z "$key" ] || [ -r "$key" ] || die "cannot read the key $key"
has=$(sed -n 's/^project(gpuinit VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
[ "$version" = "$has" ] || die "CMakeLists.txt has version $has, not $version"
for machine in "${machines[@]}"; do
  case $machine in
    arm64) ;; # crossed, where it is not this machine's
    amd64) [ "$(dpkg --print-architecture)" = amd64 ] || die "amd64 is built on amd64 only: --machines arm64" ;;
    *) die "no such machine: $machine" ;;
  esac
done
commit=$(git rev-parse HEAD)
epoch=$(git log -1 --format=%ct)

say "gpuinit $version of $commit, for ${machines[*]}"
needs=(--release --cuda-headers)
case " ${machines[*]} " in *" arm64 "*) needs+=(--aarch64) ;; esac
docker/install-deps.sh "${needs[@]}"

# From here on nothing of the caller's has a say.
# shellcheck source=docker/release/artefacts.sh
. docker/release/artefacts.sh
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gpuinit-tests
work=$(mktemp -d)
case $work in *[[:space:]]*) rmdir "$work" && work=$(TMPDIR=/tmp mktemp -d) ;; esac # rpmbuild takes no such path
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/home" "$work/source" "$work/dist"
git archive HEAD | tar -x -C "$work/source"
say "the backend of the wheel, from PyPI"
backend "$work/hatchling"

# ---------------------------------------------------------------- each machine

build() { # MACHINE PRESET
  say "build $1"
  mkdir "$work/maps-$1"
  local pythons=/usr/include/python3.11
  [ "$1" = amd64 ] || [ "$(dpkg --print-architecture)" = arm64 ] || pythons=$cache/python-headers-aarch64/include
  # The headers from PyPI and one Python, whatever else there is on this machine. LDFLAGS: for the SBOM.
  (
    cd "$work/source"
    in_clean_environment LDFLAGS="-Wl,-Map=$work/maps-$1" cmake --preset "$2" -D GPUINIT_TESTS=OFF -D CCACHE=OFF \
      -D GPUINIT_COMMIT="$commit" -D GPUINIT_CUDA_INCLUDE="$cache/cuda-headers/include" \
      -D GPUINIT_PYBIND11_INCLUDE="$cache/pybind11/include" -D GPUINIT_PYTHONS="$pythons" \
      -D CMAKE_INSTALL_PREFIX=/usr
    in_clean_environment cmake --build --preset "$2" --parallel "$(nproc)"
  ) >"$work/build-$1.log" 2>&1 || { tail -n 60 "$work/build-$1.log"; die "the build for $1 failed"; }
}

programs=()
for machine in "${machines[@]}"; do
  preset=release
  [ "$machine" != arm64 ] || preset=release-aarch64
  build "$machine" "$preset"
  directory=$work/source/build/$preset
  say "artefacts of $machine"
  archive "$machine" "$directory"
  packages "$machine" "$directory"
  wheel "$machine" "$directory"
  in_clean_environment "$work/source/docker/release/sbom.py" --build "$directory" --maps "$work/maps-$machine" --machine "$machine" \
    --version "$version" --commit "$commit" --epoch "$epoch" --output "$work/dist/gpuinit-$version-linux-$machine.cdx.json"
  programs+=(--program "$machine=$directory/gpuinit")
done

# ---------------------------------------------------------------- what is for all of them

say "OCI image"
image "$commit" "${programs[@]}"
checksums
if [ -n "$key" ]; then
  ssh-keygen -q -Y sign -n gpuinit -f "$key" "$work/dist/SHA256SUMS"
fi
rm -rf dist
cp -r "$work/dist" dist
say "done"
cat dist/SHA256SUMS
