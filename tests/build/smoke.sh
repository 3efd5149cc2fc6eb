#!/usr/bin/env bash
# A gpuinit that was just built or installed does what it is for: smoke.sh GPUINIT
set -euo pipefail
gpuinit=$1
node=$(dirname "${BASH_SOURCE[0]}")/../stacks/nodes/h100-570.json
failures=0
# expect CODE COMMAND...: it ends with CODE.
expect() {
  local wanted=$1 code=0 said
  shift
  said=$("$@" 2>&1) || code=$?
  if [ "$code" = "$wanted" ]; then
    printf 'ok: %s\n' "$*"
  else
    printf 'FAILED: %s: exit code %s, not %s\n%s\n' "$*" "$code" "$wanted" "$said"
    failures=$((failures + 1))
  fi
}
expect 0 "$gpuinit" --version
expect 0 "$gpuinit" --explain device.arch
expect 0 "$gpuinit" --check --policy builtin:build -- sh
expect 0 "$gpuinit" --check --root / --node "$node" --set gpu.required=yes -- sh
# The node has driver 570.
expect 66 "$gpuinit" --check --root / --node "$node" --set 'expect.driver=">=9999"'
expect 3 "$gpuinit" sh -c 'exit 3'
expect 4 "$gpuinit" --supervise sh -c 'exit 4'
expect 127 "$gpuinit" /no/such/command
exit "$((failures > 0))"
