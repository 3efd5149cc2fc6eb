#!/usr/bin/env bash
# Counts per architecture, as NVIDIA's cuobjdump tells them, the device code in a torch wheel's libraries.
#
#   cuobjdump_oracle.sh CUOBJDUMP TORCH_TREE OUT
#
# Writes OUT.cuobjdump for libtorch_cuda.so and OUT.NAME.cuobjdump for every other libNAME.so among libtorch_cuda*.so:
#   sm_90a 2          two cubins for sm_90a
#   ptx sm_90 341     341 PTX texts for compute_90
#   nvvm sm_120 1     one LTO intermediate for compute_120
# The plain listing is read rather than --list-elf, because only it tells sm_103f from sm_103.
# cuobjdump maps the library five times over: 6 GB of memory for 1 GB of library.
set -euo pipefail

cuobjdump=$1
tree=$2
out=$3

mkdir -p "$(dirname "$out")"
for library in "$tree"/torch/lib/libtorch_cuda*.so; do
  name=$(basename "$library" .so)
  name=${name#lib}
  target=$out.cuobjdump
  [ "$name" = torch_cuda ] || target=$out.$name.cuobjdump
  # Listing all sections includes the relocatable device code that nccl keeps apart.
  "$cuobjdump" -all "$library" |
    awk '/^Fatbin [a-z]+ code:/ { kind = $2 == "elf" ? "" : $2 " "; next }
         /^arch = / { count[kind $3]++ }
         END { for (arch in count) print arch, count[arch] }' |
    LC_ALL=C sort >"$target.new"
  [ -s "$target.new" ] || { echo "cuobjdump lists no device code in $library" >&2; exit 1; }
  mv "$target.new" "$target"
done
