#!/usr/bin/env bash
# Runs every test of gpuinit on this machine: installs what is missing, fetches the real inputs, builds, tests with and without sanitizers, runs clang-tidy, fuzzes.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: tests/run.sh [--quick]
  --quick       the release build and its tests only: no sanitizers, no clang-tidy, no fuzzing
environment:
  FUZZ_SECONDS            how long each fuzz target runs, and the one of whole images (60)
  GPUINIT_TESTS_NO_CONTAINERS=1  leave out the tests that run containers
  GPUINIT_TESTS_CACHE     where the real inputs are kept (${XDG_CACHE_HOME:-~/.cache}/gpuinit-tests)
Ends with "N passed, N failed", counting tests, fuzz targets and clang-tidy as one; exits 0 if none failed.
A test that skips counts as failed unless tests/may_skip.txt allows it.
EOF
}

quick=no
for argument in "$@"; do
  case $argument in
    --quick) quick=yes ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
export GPUINIT_TESTS_CACHE=${GPUINIT_TESTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gpuinit-tests}
# What one clone has compiled serves the next: ccache sees no path of this one.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
fuzz_seconds=${FUZZ_SECONDS:-60}
jobs=$(nproc)

passed=0
failed=0
skipped=0
failures=$(mktemp) # what failed, a line each: told again at the end, where a cut log still shows it
trap 'rm -f "$failures"' EXIT
SECONDS=0
say() { printf '== %s (%d min %02d s)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }

finish() {
  local line="$passed passed, $failed failed"
  [ "$skipped" = 0 ] || line+=", $skipped skipped"
  cat "$failures"
  printf '%s\n' "$line"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}

# Something that the rest cannot do without: one failure more, and the end.
need() {
  say "$1"
  shift
  if ! "$@"; then
    failed=$((failed + 1))
    printf 'failed: %s\n' "$*" >>"$failures"
    finish
  fi
}

# Runs the tests of one preset that has been built, those that the further arguments choose, and adds their counts.
run_tests() {
  local preset=$1 report=$PWD/build/$1/junit.xml status=0
  shift
  say "test $preset"
  rm -f "$report"
  ctest --preset "$preset" --parallel "$jobs" --output-on-failure --no-tests=error --output-junit "$report" "$@" || status=$?
  local counts tests_passed tests_failed tests_skipped
  counts=$(tests/house/count_tests.py "$preset" "$report" 2>>"$failures") || counts="0 1 0"
  read -r tests_passed tests_failed tests_skipped <<<"$counts"
  # ctest can fail without a failed test, for instance when it found none.
  if [ "$status" != 0 ] && [ "$tests_failed" = 0 ]; then
    tests_failed=1
    echo "failed: ctest --preset $preset ended with status $status" >>"$failures"
  fi
  passed=$((passed + tests_passed))
  failed=$((failed + tests_failed))
  skipped=$((skipped + tests_skipped))
}

# Configures, builds and tests one preset.
test_preset() {
  need "configure $1" cmake --preset "$1"
  need "build $1" cmake --build --preset "$1" --parallel "$jobs"
  run_tests "$1"
}

# Cross-built, and run by qemu-user as far as that stands for the machine: tests/aarch64/not_run.txt says what is not.
test_aarch64() {
  local preset=release-aarch64 rooms=(base elf ldso launch)
  need "what aarch64 needs on this machine" docker/install-deps.sh --tests --aarch64
  need "a real image of aarch64" tests/inputs/fetch.py aarch64/image/torch2.11.0-cp311
  need "configure $preset" cmake --preset "$preset"
  need "build $preset" cmake --build --preset "$preset" --parallel "$jobs" --target gpuinit "${rooms[@]/%/_test}"
  run_tests "$preset" -R "^(aarch64|$(IFS='|' && echo "${rooms[*]}"))\\." \
    -E 'ThatIsSwappedForASymlinkLeadsNowhereWithoutOpenat2$|AbandonedHelper\.IsKnownUntilItIsGone$|ProgramWhoseLoaderIsMissing$'
}

# One test more: clang-tidy has nothing to say.
tidy() {
  say "clang-tidy"
  if tests/house/clang_tidy.py build/debug; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: clang-tidy: tests/house/clang_tidy.py build/debug" >>"$failures"
  fi
}

# Runs one fuzz target from its kept corpus. What it finds goes to build/, never to the corpus in the repository.
fuzz_target() {
  local program=$1 target corpus=() status=0
  target=$(basename "$program")
  mkdir -p "build/fuzz/found/$target"
  [ ! -d "tests/fuzz/corpus/${target#fuzz_}" ] || corpus=("tests/fuzz/corpus/${target#fuzz_}")
  "$program" -max_total_time="$fuzz_seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/$target-" "build/fuzz/found/$target" "${corpus[@]}" \
    >"build/fuzz/$target.log" 2>&1 || status=$?
  echo "$status" >"build/fuzz/$target.status"
  local runs
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$target.log")
  if [ "$status" = 0 ]; then
    echo "fuzz $target: ${runs:-?} runs, nothing found"
  else
    tail -n 60 "build/fuzz/$target.log"
    echo "fuzz $target: failed with status $status; the input is build/fuzz/$target-*"
  fi
}

fuzz_all() {
  need "configure fuzz" cmake --preset fuzz
  need "build fuzz" cmake --build --preset fuzz --parallel "$jobs"
  local programs program running=0
  mapfile -t programs < <(find build/fuzz/tests/fuzz -maxdepth 1 -type f -executable | sort)
  need "${#programs[@]} fuzz targets, $fuzz_seconds s each, $jobs at a time" [ ${#programs[@]} -gt 0 ]
  rm -f build/fuzz/*.status
  for program in "${programs[@]}"; do
    [ "$running" -lt "$jobs" ] || wait -n
    fuzz_target "$program" &
    running=$((running + 1))
  done
  wait
  for program in "${programs[@]}"; do
    if [ "$(cat "build/fuzz/$(basename "$program").status" 2>/dev/null)" = 0 ]; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "failed: fuzz: $(basename "$program")" >>"$failures"
    fi
  done
}

# One test more: whole images, damaged at random, and another way with each commit. The release binary, since the limits on
# memory are among what is tried.
fuzz_trees() {
  local seed
  seed=$(git rev-parse --short=6 HEAD 2>/dev/null) || seed=1
  say "fuzz whole images, $fuzz_seconds s, seed $((16#$seed))"
  if tests/fuzz/fuzz_trees.py build/release/gpuinit --seed "$((16#$seed))" --seconds "$fuzz_seconds" --keep build/fuzz/trees; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: fuzz: tests/fuzz/fuzz_trees.py build/release/gpuinit --seed $((16#$seed))" >>"$failures"
  fi
}

need "what the tests need on this machine" docker/install-deps.sh --tests
need "real inputs, in $GPUINIT_TESTS_CACHE" tests/inputs/fetch.py
test_preset release
if [ "$quick" = no ]; then
  test_aarch64
  test_preset debug
  tidy
  if [ -e tests/fuzz/CMakeLists.txt ] && grep -q '"name": "fuzz"' CMakePresets.json; then
    fuzz_all
    fuzz_trees
  fi
fi
say "done"
finish
