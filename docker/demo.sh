#!/usr/bin/env bash
# Shows what gpuinit does on this machine: installs what is missing, builds, then a good run, a bad one that is stopped, and a question about another node.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
show() {
  printf '$ %s\n' "$*"
  local status=0
  "$@" || status=$?
  printf '(exit code %d)\n' "$status"
}

say "1 of 5: install what is missing"
docker/install-deps.sh --tests

say "2 of 5: build"
log=$(mktemp)
if ! { cmake --preset release && cmake --build --preset release; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
rm -f "$log"
gpuinit=build/release/gpuinit
ls -l "$gpuinit"

# Debian's torch, in /usr/bin/python3: a real one that can be imported here.
python=/usr/bin/python3
say "3 of 5: a good run: checked, then gpuinit is gone and Python runs in its place"
show "$gpuinit" "$python" -c 'import torch; print("torch", torch.__version__, "says hello; CUDA build:", torch.version.cuda)'

say "4 of 5: a bad run: the same torch with another Python, stopped before it starts"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gpuinit-tests
tests/inputs/fetch.py python/3.9 >/dev/null
torch=$("$python" -c 'import importlib.util as u, os; print(os.path.dirname(os.path.dirname(u.find_spec("torch").origin)))')
show env PYTHONPATH="$torch" "$gpuinit" "$cache/python/3.9/usr/bin/python3.9" -c 'import torch'
say "5 of 5: what this machine has, and whether an image that needs a GPU could run on it"
show "$gpuinit" --check --set gpu.required=yes --set checks.torch.cuda-build=off
