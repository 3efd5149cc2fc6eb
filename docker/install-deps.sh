#!/usr/bin/env bash
# Installs what building gpuinit needs, or the program alone, or also its tests; only what is missing. On Debian 12+ and Ubuntu
# 22.04+ all of it, on Fedora what the build needs; elsewhere it says what that is.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: docker/install-deps.sh [--program | --demo | --release | --tests] [--aarch64] [--cuda-headers] [--verbose]
  --program       only what the program itself needs: cmake -D GPUINIT_TESTS=OFF
  --demo          the same, and what docker/demo.sh shows: Debian's torch
  --release       what docker/release.sh needs: the same, python3.11's headers, rpm, ssh-keygen
  --tests         also what tests/run.sh needs: clang with libFuzzer, strace, Debian's torch, ...
  --aarch64       also what the presets *-aarch64 need on a machine that is none: compiler, libraries, qemu-user
  --cuda-headers  fetch cuda.h from PyPI even where the machine has one
  --verbose       all that the package manager says
Quick and silent about what is already there. Uses sudo when not root.
EOF
}

what=build
aarch64=no
force_cuda_headers=no
verbose=no
for argument in "$@"; do
  case $argument in
    --program | --demo | --release | --tests) what=${argument#--} ;;
    --aarch64) aarch64=yes ;;
    --cuda-headers) force_cuda_headers=yes ;;
    --verbose) verbose=yes ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

say() { printf 'install-deps: %s\n' "$*"; }
die() { printf 'install-deps: error: %s\n' "$*" >&2; exit 1; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/gpuinit-tests

# The headers are the same for every machine; one wheel, one checksum.
cuda_headers_version=13.2.86
cuda_headers_sha256=3498247680dfddce31bad102af7e3e26fc795342a3cac64722bb0fa95e7f60f0
# Newer than Debian 12's, whose 2.10 does not know Python 3.12 and later.
pybind11_version=3.0.1
pybind11_sha256=aa8f0aa6e0a94d3b64adfc38f560f33f15e589be2175e103c0a33c6bce55ee89
# Brings toml++ 3.4.0.
pytomlpp_version=1.1.0
pytomlpp_sha256=61a0f73e7ba2fe8bba4e99ce6d2701491885850b53aad8f3e46d03c4b31e594d
zizmor_version=1.32.0
zizmor_sha256=( # x86-64, aarch64
  84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071
  0cdd38fca6eb34ceb567548548d706332e3535ea66894b9168c048e03207b68c
)
cmake_minimum=3.25
cmake_from_pypi=3.31.10

program_packages=(
  ca-certificates g++ libfmt-dev libseccomp-dev libspdlog-dev make ninja-build nlohmann-json3-dev
  python3 python3-pip
)
build_packages=(ccache git libbenchmark-dev libgmock-dev libgtest-dev pybind11-dev python3-dev)
# python3-torch is the ground truth: a torch that really imports in /usr/bin/python3.
demo_packages=(debian-archive-keyring python3-torch)
release_packages=(git openssh-client python3-dev rpm)
test_packages=(
  "${demo_packages[@]}"
  binutils catatonit clang clang-format clang-tidy debootstrap dpkg-dev dumb-init file gdb gosu jq lintian numactl openssh-client
  podman procps python3-jsonschema python3-venv python3-yaml rpm runc skopeo strace time tini unzip util-linux xz-utils
)
# Only what has machine code: the headers of the others are this machine's own.
aarch64_program_packages=(g++-aarch64-linux-gnu libfmt-dev:arm64 libseccomp-dev:arm64 libspdlog-dev:arm64)
aarch64_test_packages=(libbenchmark-dev:arm64 libgmock-dev:arm64 libgtest-dev:arm64 qemu-user-static)

# The same by Fedora's names, and by Alpine's. Neither has been run yet.
fedora_program_packages=(
  ca-certificates cmake fmt-devel gcc-c++ glibc-static json-devel libseccomp-devel libseccomp-static libstdc++-static make
  ninja-build python3 python3-pip spdlog-devel tomlplusplus-devel
)
fedora_build_packages=(ccache git gmock-devel google-benchmark-devel gtest-devel pybind11-devel python3-devel)
alpine_program_packages=(
  bash cmake fmt-dev g++ libseccomp-dev libseccomp-static linux-headers make ninja-build nlohmann-json python3 py3-pip
  spdlog-dev tomlplusplus-dev
)

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "not root and no sudo: cannot run: $*"
  fi
}

# ---------------------------------------------------------------- where there is no apt

say_what_is_needed() {
  cat >&2 <<EOF
install-deps: this is neither Debian, Ubuntu nor Fedora. What building gpuinit needs:
  - g++ 12 or clang 14 or later, make, ninja, and cmake $cmake_minimum or later (PyPI has cmake)
  - glibc and libstdc++ as static libraries: libc.a, libstdc++.a
  - libseccomp, its header and libseccomp.a
  - the headers of toml++ 3, nlohmann/json, spdlog and fmt
  - cuda.h of CUDA 11.0 or later; the wheel nvidia-cuda-runtime on PyPI has it
  - for the tests GoogleTest and Google Benchmark; for the Python probes pybind11 and Python.h
cmake names what it does not find, and the variable that says where it is.
EOF
  if command -v apk >/dev/null; then
    cat >&2 <<EOF
On Alpine the packages would be: ${alpine_program_packages[*]}
But its C library is musl. gpuinit is linked with parts of glibc left out, and has never been built with musl. The binary is
static: one that was built on Debian needs no C library of Alpine.
EOF
  fi
  exit 1
}

install_with_dnf() {
  local package missing=()
  for package in "$@"; do
    rpm -q --whatprovides "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  as_root dnf -y install "${missing[@]}" </dev/null | if [ "$verbose" = yes ]; then cat; else tail -n 1; fi
}

# ---------------------------------------------------------------- Debian packages

# Prints those of its arguments that are not installed: for this machine, or the one that NAME:ARCHITECTURE names.
missing_packages() {
  local installed package native
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}:${Architecture}\n' "$@" 2>/dev/null || true)
  native=$(dpkg --print-architecture)
  for package in "$@"; do
    case $package in
      *:*) ;;
      *) package="$package:\($native\|all\)" ;;
    esac
    grep -qx "installed $package" <<<"$installed" || printf '%s\n' "${package%%:\\*}"
  done
}

# Of apt's output what is worth a line.
shorten() {
  if [ "$verbose" = yes ]; then cat; else grep -v -E '^(Selecting|Preparing|Unpacking|\(Reading|Get:)'; fi
}

lists_updated=no
update_lists() {
  [ "$lists_updated" = no ] || return 0
  say "apt-get update"
  local output try
  # Another apt may be at work. Its lock on the lists is not one that
  # DPkg::Lock::Timeout waits for, so this waits by itself, ten minutes at most.
  for try in $(seq 60); do
    if output=$(as_root apt-get -q update 2>&1); then
      lists_updated=yes
      return 0
    fi
    grep -q 'Could not get lock' <<<"$output" || break
    [ "$try" != 1 ] || say "waiting for another apt"
    sleep 10
  done
  printf '%s\n' "$output" >&2
  die "apt-get update failed"
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  update_lists
  local package unknown=()
  for package in "${missing[@]}"; do
    apt-cache show "$package" >/dev/null 2>&1 || unknown+=("$package")
  done
  [ ${#unknown[@]} = 0 ] || die "this machine's apt sources have no package: ${unknown[*]}"
  say "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
    -o DPkg::Lock::Timeout=600 install "${missing[@]}" </dev/null | shorten || true
  mapfile -t missing < <(missing_packages "${missing[@]}")
  [ ${#missing[@]} = 0 ] || die "apt-get could not install: ${missing[*]}"
}

if command -v apt-get >/dev/null; then
  case $what in
    program) install_packages "${program_packages[@]}" ;;
    demo) install_packages "${program_packages[@]}" "${demo_packages[@]}" ;;
    release) install_packages "${program_packages[@]}" "${release_packages[@]}" ;;
    build) install_packages "${program_packages[@]}" "${build_packages[@]}" ;;
    tests) install_packages "${program_packages[@]}" "${build_packages[@]}" "${test_packages[@]}" ;;
  esac
else
  command -v dnf >/dev/null || say_what_is_needed
  [ "$aarch64" = no ] || die "--aarch64 is for Debian"
  case $what in
    program) install_with_dnf "${fedora_program_packages[@]}" ;;
    build) install_with_dnf "${fedora_program_packages[@]}" "${fedora_build_packages[@]}" ;;
    *) die "--$what is for Debian and Ubuntu; on Fedora --program and no option at all are known" ;;
  esac
  install_packages() { die "dnf did not install: $*"; }
fi

# ---------------------------------------------------------------- a compiler

# Ubuntu 22.04's g++ is 11, and its g++-12 a package beside it.
compiler_is_enough() { [ "$("$1" -dumpversion 2>/dev/null | cut -d. -f1)" -ge 12 ] 2>/dev/null; }

if ! compiler_is_enough "${CXX:-g++}"; then
  compiler_is_enough g++-12 || install_packages g++-12
  say "${CXX:-g++} is older than g++ 12: run cmake with CC=gcc-12 CXX=g++-12 in its environment"
fi

# ---------------------------------------------------------------- toml++

has_tomlplusplus() {
  local directory
  for directory in /usr/local/include /usr/include "$cache/tomlplusplus/include"; do
    # Its version is in version.h until 3.3 and in version.hpp from 3.4 on.
    ! cat "$directory"/toml++/impl/version.h* 2>/dev/null | grep -qE 'TOML_LIB_MAJOR +[3-9]' || return 0
  done
  return 1
}

# Where the distribution has none, or an older one: the source of its Python binding has the headers.
fetch_tomlplusplus() {
  say "fetching toml++ from PyPI, in pytomlpp $pytomlpp_version"
  local work
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/tomlplusplus.XXXXXX")
  printf 'pytomlpp==%s --hash=sha256:%s\n' "$pytomlpp_version" "$pytomlpp_sha256" >"$work/wanted"
  python3 -m pip -q download --disable-pip-version-check --no-cache-dir --no-deps --no-binary=:all: \
    --require-hashes -r "$work/wanted" -d "$work" </dev/null >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; die "could not download pytomlpp $pytomlpp_version from PyPI"; }
  tar -C "$work" -xzf "$work/pytomlpp-$pytomlpp_version.tar.gz"
  mkdir "$work/tree"
  mv "$work/pytomlpp-$pytomlpp_version/third_party/tomlplusplus/include" "$work/tree/include"
  rm -rf "$cache/tomlplusplus"
  mv "$work/tree" "$cache/tomlplusplus"
  rm -rf "$work"
  say "toml++ is in $cache/tomlplusplus/include"
}

if command -v apt-get >/dev/null && ! has_tomlplusplus; then
  update_lists
  ! apt-cache show libtomlplusplus-dev >/dev/null 2>&1 || install_packages libtomlplusplus-dev
fi
has_tomlplusplus || fetch_tomlplusplus

# ---------------------------------------------------------------- aarch64

if [ "$aarch64" = yes ] && [ "$(dpkg --print-architecture)" != arm64 ]; then
  if ! dpkg --print-foreign-architectures | grep -qx arm64; then
    as_root dpkg --add-architecture arm64
    lists_updated=no
    update_lists
  fi
  case $what in
    program | demo | release) install_packages "${aarch64_program_packages[@]}" ;;
    build | tests) install_packages "${aarch64_program_packages[@]}" "${aarch64_test_packages[@]}" ;;
  esac
fi

# ---------------------------------------------------------------- cmake

cmake_is_enough() {
  local have
  have=$(cmake --version 2>/dev/null | sed -n '1s/^cmake version \([0-9.]*\).*/\1/p')
  [ -n "$have" ] && [ "$(printf '%s\n' "$cmake_minimum" "$have" | sort -V | head -n1)" = "$cmake_minimum" ]
}

if ! cmake_is_enough; then
  install_packages cmake
fi
if ! cmake_is_enough; then
  say "cmake here is older than $cmake_minimum: installing $cmake_from_pypi from PyPI under /opt/gpuinit-cmake"
  install_packages python3-venv
  as_root python3 -m venv /opt/gpuinit-cmake
  as_root /opt/gpuinit-cmake/bin/pip -q install "cmake==$cmake_from_pypi"
  for tool in cmake ctest; do
    as_root ln -sf "/opt/gpuinit-cmake/bin/$tool" "/usr/local/bin/$tool"
  done
  hash -r
  cmake_is_enough || die "still no cmake >= $cmake_minimum on PATH"
fi

# ---------------------------------------------------------------- libFuzzer

has_libfuzzer() {
  [ -n "$(find -L "$(clang -print-resource-dir)/lib" -name 'libclang_rt.fuzzer*.a' -print -quit 2>/dev/null)" ]
}

# Debian moved clang's run-time libraries into a package of their own, named
# after clang's major version; elsewhere they come with clang.
if [ "$what" = tests ] && ! has_libfuzzer; then
  install_packages "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
  has_libfuzzer || die "clang has no libFuzzer (libclang_rt.fuzzer)"
fi

# ---------------------------------------------------------------- zizmor

# Looks over .github (tests/house/workflows_test.py).
has_zizmor() { [ "$("$cache/zizmor/bin/zizmor" --version 2>/dev/null)" = "zizmor $zizmor_version" ]; }

fetch_zizmor() {
  say "fetching zizmor $zizmor_version from PyPI"
  rm -rf "$cache/zizmor"
  mkdir -p "$cache"
  printf 'zizmor==%s' "$zizmor_version" >"$cache/zizmor.wanted"
  printf ' --hash=sha256:%s' "${zizmor_sha256[@]}" >>"$cache/zizmor.wanted"
  python3 -m pip -q install --disable-pip-version-check --no-cache-dir --no-deps --only-binary=:all: --require-hashes \
    -r "$cache/zizmor.wanted" --target "$cache/zizmor" </dev/null || say "could not fetch zizmor: house.Workflows does without"
  rm -f "$cache/zizmor.wanted"
}

if [ "$what" = tests ]; then
  has_zizmor || fetch_zizmor
fi

# ---------------------------------------------------------------- CUDA headers

has_fetched_cuda_headers() {
  [ -e "$cache/cuda-headers/include/cuda.h" ] &&
    [ "$(cat "$cache/cuda-headers/version" 2>/dev/null)" = "$cuda_headers_version" ]
}

has_cuda_headers() {
  has_fetched_cuda_headers ||
    { [ "$force_cuda_headers" = no ] && { [ -e /usr/local/cuda/include/cuda.h ] || [ -e /usr/include/cuda.h ]; }; }
}

fetch_cuda_headers() {
  say "fetching the CUDA $cuda_headers_version headers from PyPI"
  local work
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/cuda-headers.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  printf 'nvidia-cuda-runtime==%s --hash=sha256:%s\n' "$cuda_headers_version" "$cuda_headers_sha256" >"$work/wanted"
  python3 -m pip -q download --disable-pip-version-check --no-cache-dir --no-deps --only-binary=:all: \
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    --require-hashes -r "$work/wanted" -d "$work" </dev/null ||
    die "could not download nvidia-cuda-runtime $cuda_headers_version from PyPI"
  python3 - "$work"/*.whl "$work/tree/include" <<'EOF'
import os, sys, zipfile
wheel, to = sys.argv[1:]
prefix = "nvidia/cu13/include/"
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.startswith(prefix) and not name.endswith("/"):
            path = os.path.join(to, name[len(prefix):])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(archive.read(name))
EOF
  [ -s "$work/tree/include/cuda.h" ] || die "the wheel nvidia-cuda-runtime $cuda_headers_version has no cuda.h"
  printf '%s\n' "$cuda_headers_version" >"$work/tree/version"
  rm -rf "$cache/cuda-headers"
  mv "$work/tree" "$cache/cuda-headers"
  rm -rf "$work"
  trap - EXIT
  say "cuda.h is in $cache/cuda-headers/include"
}

has_cuda_headers || fetch_cuda_headers

# ---------------------------------------------------------------- pybind11's headers

has_pybind11() {
  [ -e "$cache/pybind11/include/pybind11/embed.h" ] &&
    [ "$(cat "$cache/pybind11/version" 2>/dev/null)" = "$pybind11_version" ]
}

# For the Python probes, which are optional: without it Debian's do for its own Python.
fetch_pybind11() {
  say "fetching the pybind11 $pybind11_version headers from PyPI"
  local work
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/pybind11.XXXXXX")
  printf 'pybind11==%s --hash=sha256:%s\n' "$pybind11_version" "$pybind11_sha256" >"$work/wanted"
  if python3 -m pip -q download --disable-pip-version-check --no-cache-dir --no-deps \
       --only-binary=:all: --require-hashes -r "$work/wanted" -d "$work" </dev/null &&
     python3 -m zipfile -e "$work"/*.whl "$work/wheel" &&
     [ -s "$work/wheel/pybind11/include/pybind11/embed.h" ]; then
    mkdir "$work/tree"
    mv "$work/wheel/pybind11/include" "$work/tree/include"
    printf '%s\n' "$pybind11_version" >"$work/tree/version"
    rm -rf "$cache/pybind11"
    mv "$work/tree" "$cache/pybind11"
    say "pybind11 is in $cache/pybind11/include"
  else
    say "could not fetch pybind11 $pybind11_version: the Python probes are built with the distribution's"
  fi
  rm -rf "$work"
}

case $what in
  build | release | tests) has_pybind11 || fetch_pybind11 ;;
esac

# ---------------------------------------------------------------- Python's headers of another machine

has_aarch64_python_headers() { [ -e "$cache/python-headers-aarch64/version" ]; }

# Only unpacked: to install libpython3-dev:arm64 brings half a system of the other machine.
fetch_aarch64_python_headers() {
  local work
  update_lists
  say "fetching the headers of Python 3.11 for aarch64"
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/python-headers.XXXXXX")
  (cd "$work" && apt-get -q download libpython3.11-dev:arm64 >/dev/null 2>&1) || die "could not download libpython3.11-dev:arm64"
  dpkg-deb -x "$work"/*.deb "$work/unpacked"
  mkdir "$work/tree"
  mv "$work/unpacked/usr/include/python3.11" "$work/tree/include"
  cp "$work/unpacked/usr/include/aarch64-linux-gnu/python3.11/pyconfig.h" "$work/tree/include"
  dpkg-deb -f "$work"/*.deb Version >"$work/tree/version"
  rm -rf "$cache/python-headers-aarch64"
  mv "$work/tree" "$cache/python-headers-aarch64"
  rm -rf "$work"
}

if [ "$what" = release ] && [ "$aarch64" = yes ]; then
  has_aarch64_python_headers || fetch_aarch64_python_headers
fi
