#!/usr/bin/env bash
# Every source file is as clang-format 14 writes it; a release of clang-format has its own idea of the same style.
set -euo pipefail
cd "$1"
clang_format=$(command -v clang-format-14 || command -v clang-format) || { echo "Skipped: clang-format is not installed"; exit 77; }
"$clang_format" --version | grep -q 'version 14\.' || { echo "Skipped: $clang_format is not version 14"; exit 77; }
find src include tests -name '*.cpp' -o -name '*.h' -o -name '*.c' | sort | xargs "$clang_format" --dry-run -Werror ||
  { echo "run: $clang_format -i on the files named above"; exit 1; }
