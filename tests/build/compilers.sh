#!/usr/bin/env bash
# Compiles gpuinit with every compiler of this machine that it is meant for, g++ from 12 and clang from 14 on: no warning, and the program starts.
set -euo pipefail

usage() {
  cat <<'END'
usage: tests/build/compilers.sh [--tests] [COMPILER...]
  --tests    the tests too: compiled, not run
  COMPILER   a C++ compiler, such as g++-13 or clang++-17; without one all that are on PATH
environment:
  COMPILERS_BUILD   where the builds go, one folder a compiler (build/compilers)
  JOBS              how many files at a time (all cores)
One line a compiler, "ok" or "FAILED", with the file that has what it said; exits 1 if one failed, and if there is none.
END
}

program_only=ON
compilers=()
for argument in "$@"; do
  case $argument in
    --tests) program_only=OFF ;;
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) compilers+=("$argument") ;;
  esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec </dev/null
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
builds=${COMPILERS_BUILD:-build/compilers}
jobs=${JOBS:-$(nproc)}

# The numbered ones, and g++ and clang++ where no number says the same.
find_compilers() {
  local name
  { compgen -c g++- || true; compgen -c clang++- || true; } | grep -xE '(g|clang)\+\+-[0-9]+' | sort -Vu | while IFS= read -r name; do
    case $name in
      g++-*) [ "${name##*-}" -lt 12 ] || echo "$name" ;;
      clang++-*) [ "${name##*-}" -lt 14 ] || echo "$name" ;;
    esac
  done
  for name in g++ clang++; do
    ! command -v "$name" >/dev/null || command -v "$name-$("$name" -dumpversion | cut -d. -f1)" >/dev/null || echo "$name"
  done
}

# Everything that one compiler has to say, in one file.
build_with() {
  local compiler=$1 build=$2 c_compiler
  c_compiler=$(sed 's/clang++/clang/; s/g++/gcc/' <<<"$compiler")
  rm -rf "$build"
  cmake -S . -B "$build" -G Ninja -D CMAKE_BUILD_TYPE=MinSizeRel -D CMAKE_COMPILE_WARNING_AS_ERROR=ON \
    -D CMAKE_C_COMPILER="$c_compiler" -D CMAKE_CXX_COMPILER="$compiler" \
    -D GPUINIT_TESTS="$([ "$program_only" = ON ] && echo OFF || echo ON)" || return
  cmake --build "$build" --parallel "$jobs" -- -k 0 || return
  "$build/gpuinit" --version
}

[ ${#compilers[@]} -gt 0 ] || mapfile -t compilers < <(find_compilers)
[ ${#compilers[@]} -gt 0 ] || { echo "FAILED: no g++ from 12 and no clang from 14 on is on PATH"; exit 1; }
mkdir -p "$builds"
failures=0
for compiler in "${compilers[@]}"; do
  command -v "$compiler" >/dev/null || { echo "FAILED: $compiler is not here"; failures=$((failures + 1)); continue; }
  log=$builds/$compiler.log
  began=$SECONDS
  status=ok
  # A warning that the compiler makes no error of, such as the linker's, is one too.
  build_with "$compiler" "$builds/$compiler" >"$log" 2>&1 && ! grep -qE 'warning:|Warning:' "$log" || status=FAILED
  [ "$status" = ok ] || failures=$((failures + 1))
  printf '%s: %s (%s), %d s: %s\n' "$status" "$compiler" "$("$compiler" -dumpfullversion 2>/dev/null || "$compiler" -dumpversion)" \
    $((SECONDS - began)) "$log"
done
exit "$((failures > 0))"
