#!/usr/bin/env bash
# Shows what gpuinit does on this machine: installs what is missing, builds the program, then a first verdict, a good run, and a bad one that is stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s== %s%s (%d s)\n' "$bold" "$*" "$plain" "$SECONDS"; }
show() {
  printf '$ %s\n' "$*"
  local status=0
  "$@" || status=$?
  printf '(exit code %d)\n' "$status"
}

# Of what it reads a line every five seconds, the last one again if there was no other.
ticker() {
  local line last=... shown=$SECONDS
  while IFS= read -r -t 2 line || [ $? -gt 128 ]; do
    last=${line:-$last}
    [ $((SECONDS - shown)) -ge 5 ] || continue
    shown=$SECONDS
    printf '  %4d s  %.100s\n' "$shown" "$last"
  done
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
  if ! "$@" </dev/null 2>&1 | tee "$log" | ticker; then
    cat "$log" >&2
    exit 1
  fi
}

say "1 of 5: install what the build needs"
quietly docker/install-deps.sh --program --verbose

say "2 of 5: build"
quietly cmake --preset release --compile-no-warning-as-error -D GPUINIT_TESTS=OFF
quietly cmake --build --preset release --target gpuinit
gpuinit=build/release/gpuinit
ls -l "$gpuinit"

say "3 of 5: what this machine has, and whether an image that needs a GPU could run on it"
show "$gpuinit" --check --set gpu.required=yes --set checks.torch.cuda-build=off

say "4 of 5: a good run: checked, then gpuinit is gone and Python runs in its place"
# Debian's torch, in /usr/bin/python3: a real one that can be imported here.
quietly docker/install-deps.sh --demo --verbose
python=/usr/bin/python3
show "$gpuinit" "$python" -c 'import torch; print("torch", torch.__version__, "says hello; CUDA build:", torch.version.cuda)'

say "5 of 5: a bad run: the same torch with another Python, stopped before it starts"
cache=${GPUINIT_TESTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gpuinit-tests}
quietly tests/inputs/fetch.py python/3.9
torch=$("$python" -c 'import importlib.util as u, os; print(os.path.dirname(os.path.dirname(u.find_spec("torch").origin)))')
show env PYTHONPATH="$torch" "$gpuinit" "$cache/python/3.9/usr/bin/python3.9" -c 'import torch'
