#!/usr/bin/env bash
# Runs gpuinit for aarch64 and its image as a container engine does on another machine: binfmt_misc starts qemu-user.
set -euo pipefail
gpuinit=$(readlink -f "$1")
here=$(readlink -f "$0")
image=${GPUINIT_TESTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gpuinit-tests}/aarch64/image/torch2.11.0-cp311
skip() { echo "$1"; exit 77; }

# In a user namespace, whose binfmt_misc is its own (Linux 6.7): nothing of it is seen outside. Everything is a mount that
# ends with it; the image is the lower side of an overlay and is not written to.
if [ "${2:-}" = inside ]; then
  mount --make-rprivate /
  work=$3
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  printf '%s' ':aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00' \
    ':\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff' \
    ":$(command -v qemu-aarch64-static):F" >"$work/rule"
  cat "$work/rule" >/proc/sys/fs/binfmt_misc/register
  mount -t tmpfs none "$work"
  mkdir "$work/upper" "$work/work" "$work/root"
  mount -t overlay overlay -o "lowerdir=$image,upperdir=$work/upper,workdir=$work/work" "$work/root"
  mkdir -p "$work/root/proc" "$work/root/dev" "$work/root/sys" "$work/root/tmp"
  for directory in proc dev sys; do mount --rbind "/$directory" "$work/root/$directory"; done
  cp "$gpuinit" "$work/root/gpuinit"
  shift 3
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 chroot "$work/root" "$@"
fi

[ -d "$image" ] || skip "the image is not there: tests/inputs/fetch.py aarch64/image/torch2.11.0-cp311"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
emulated() {
  unshare --user --map-root-user --mount --pid --fork --kill-child --mount-proc -- "$here" "$gpuinit" inside "$work" "$@"
}
emulated /usr/bin/python3 -c '' || skip "no binfmt_misc of one's own in a user namespace here"

failures=0
# expect WHAT CODE TEXT COMMAND...: its exit code, and a part of what it writes.
expect() {
  local what=$1 code=$2 text=$3 status=0 said
  shift 3
  said=$(emulated "$@" 2>&1) || status=$?
  if [ "$status" = "$code" ] && [[ $said == *"$text"* ]]; then
    echo "ok: $what"
  else
    echo "FAILED: $what: exit code $status, $said"
    failures=$((failures + 1))
  fi
}
no_gpu=(--set gpu.required=no)
expect "exec" 0 "aarch64 1" /gpuinit "${no_gpu[@]}" -- \
  python3 -c 'import os, platform; print(platform.machine(), os.getpid())'
expect "supervise" 7 "the command exited with 7" /gpuinit "${no_gpu[@]}" --supervise -- \
  python3 -c 'import os, sys; sys.exit(7 if os.getppid() == 1 else 1)'
expect "a command that dies" 139 "SIGSEGV" /gpuinit "${no_gpu[@]}" --supervise -- \
  python3 -c 'import os; os.kill(os.getpid(), 11)'
# `import torch` is not tried: under qemu-user 7.2 it works at times, and at times hangs, with and without gpuinit.
if [ -e /proc/sys/kernel/arch ]; then
  expect "the emulator is named where a GPU is needed" 65 \
    "the image is for aarch64, and an emulator runs it on $(cat /proc/sys/kernel/arch)" /gpuinit --check -- python3
fi
exit "$((failures > 0))"
