#!/usr/bin/env bash
# Holds the shipped binary to its promises: size, static-pie, hardening, no std::locale. One of another machine is read only.
set -euo pipefail
binary=$1
failures=0
check() {
  local what=$1
  shift
  if "$@" >/dev/null 2>&1; then
    printf 'ok: %s\n' "$what"
  else
    printf 'FAILED: %s\n' "$what"
    failures=$((failures + 1))
  fi
}
has() { grep -qE "$2" <<<"$1"; }
lacks() { ! has "$1" "$2"; }
# With room for the program itself and little more.
# With so little that the program can be loaded, and not run to its end.
out_of_memory() {
  local said status kilobytes
  for kilobytes in 2600 2500 2400 2300; do
    status=0
    said=$(ulimit -v "$kilobytes" && "$binary" --check --root / -- sh 2>&1) || status=$?
    [ "$status" = 0 ] && continue
    [ "$status" = 70 ] && has "$said" 'out of memory'
    return
  done
  return 1
}

headers=$(readelf -lW "$binary")
dynamic=$(readelf -dW "$binary")
sections=$(readelf -SW "$binary")
machine=$(readelf -hW "$binary" | sed -n 's/^ *Machine: *//p')
objdump=objdump
native=yes
if [ "$machine" = AArch64 ] && [ "$(uname -m)" != aarch64 ]; then
  objdump=aarch64-linux-gnu-objdump
  native=no
fi
code=$("$objdump" -d --no-show-raw-insn "$binary")
size=$(stat -c %s "$binary")

printf 'size: %s bytes\n' "$size"
check "at most 2,100,000 bytes" test "$size" -le 2100000
check "stripped" lacks "$sections" '\.symtab'
check "position independent" has "$dynamic" 'PIE'
check "static: no loader" lacks "$headers" 'INTERP'
check "static: no library" lacks "$dynamic" 'NEEDED'
check "relocations are read-only" has "$headers" 'GNU_RELRO'
check "all symbols are bound at start" has "$dynamic" 'NOW'
check "the stack is not executable" has "$headers" 'GNU_STACK.* RW '
if [ "$machine" = AArch64 ]; then
  check "return addresses are signed" has "$code" 'paciasp'
  check "branch targets" has "$code" '\<bti\>'
else
  check "stack protector (the canary is read from %fs:0x28)" has "$code" '%fs:0x28'
  check "CET landing pads" has "$code" 'endbr64'
fi
check "fortify" has "$(strings -a "$binary")" 'buffer overflow detected'
# Its run-time type names would be there: 650 KB that nothing of ours needs.
check "no std::locale" lacks "$(strings -a "$binary")" 'St6locale'
check "no unwind tables" lacks "$sections" '\.eh_frame'
[ "$native" = yes ] || exit "$((failures > 0))"
# Its reader of floating point is not the C library's.
node=$(dirname "$0")/../stacks/nodes/h100-570.json
check "numbers of JSON" has "$("$binary" --facts --node "$node" --root / -- true)" '"milliseconds": 210\.5'
check "out of memory is a sentence and 70" out_of_memory
exit "$((failures > 0))"
