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

# From here on nothing of the caller's has a say: locale, time zone, umask, flags, ccache, another cmake on PATH.
umask 022
export LC_ALL=C.UTF-8 # the order of names that this shell expands
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gpuinit-tests
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
in_clean_environment() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$work/home" LC_ALL=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH="$epoch" "$@"
}
mkdir -p "$work/home" "$work/source" "$work/dist"
git archive HEAD | tar -x -C "$work/source"
say "the backend of the wheel, from PyPI"
PIP_ROOT_USER_ACTION=ignore /usr/bin/python3 -m pip -q install --disable-pip-version-check --no-cache-dir --no-deps --only-binary=:all: --require-hashes \
  -r docker/release/requirements.txt --target "$work/hatchling" </dev/null

# One archive in the order of names, of one owner and one time.
pack() { # FILE DIRECTORY NAME
  tar -C "$2" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -c "$3" | gzip -9n >"$1"
}

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

archive() { # MACHINE BUILD
  local name=gpuinit-$version-linux-$1
  in_clean_environment DESTDIR="$work/stage-$1" cmake --install "$2" --prefix "/$name" >/dev/null
  mkdir -p "$work/stage-$1/$name/share/doc/gpuinit"
  (cd "$work/source" && cp LICENSE THIRD-PARTY-NOTICES.md docs/licenses/LGPL-2.1.txt "$work/stage-$1/$name/share/doc/gpuinit")
  [ ! -e "$work/source/CHANGELOG.md" ] || cp "$work/source/CHANGELOG.md" "$work/stage-$1/$name/share/doc/gpuinit"
  pack "$work/dist/$name.tar.gz" "$work/stage-$1" "$name"
}

packages() { # MACHINE BUILD
  local generator
  for generator in DEB RPM; do
    (cd "$2" && in_clean_environment cpack -G "$generator" -B "$work/packages-$1") >"$work/cpack.log" 2>&1 ||
      { cat "$work/cpack.log"; die "cpack -G $generator failed"; }
  done
  cp "$work/packages-$1"/*.deb "$work/packages-$1"/*.rpm "$work/dist"
}

wheel() { # MACHINE BUILD
  local tree=$work/wheel-$1 tag=x86_64
  [ "$1" = amd64 ] || tag=aarch64
  cp -r "$work/source/docker/wheel" "$tree"
  (cd "$work/source" && cp LICENSE THIRD-PARTY-NOTICES.md docs/licenses/LGPL-2.1.txt "$tree")
  install -D -m 755 "$2/gpuinit" "$tree/bin/gpuinit"
  (
    cd "$tree"
    in_clean_environment PYTHONPATH="$work/hatchling" GPUINIT_VERSION="$version" GPUINIT_WHEEL_MACHINE="$tag" \
      /usr/bin/python3 -m hatchling build -t wheel -d "$work/dist"
  ) >"$work/wheel.log" 2>&1 || { cat "$work/wheel.log"; die "the wheel for $1 could not be made"; }
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
in_clean_environment "$work/source/docker/release/oci.py" --version "$version" --commit "$commit" --epoch "$epoch" \
  --licences "$work/source/LICENSE" "$work/source/THIRD-PARTY-NOTICES.md" "$work/source/docs/licenses/LGPL-2.1.txt" \
  --output "$work/dist/gpuinit-$version-oci.tar" "${programs[@]}"

(cd "$work/dist" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
if [ -n "$key" ]; then
  ssh-keygen -q -Y sign -n gpuinit -f "$key" "$work/dist/SHA256SUMS"
fi
rm -rf dist
cp -r "$work/dist" dist
say "done"
cat dist/SHA256SUMS
