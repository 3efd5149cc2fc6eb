#!/usr/bin/env bash
# Everything about a release of HEAD: made twice and compared, signed with a key made for it, checked, installed and run.
set -euo pipefail
if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  echo "usage: tests/release/run.sh [--machines amd64,arm64]    what two_builds.sh takes; dist/ is kept in build/dist"
  exit 0
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec </dev/null
docker/install-deps.sh --tests --aarch64
tests/inputs/fetch.py uv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ssh-keygen -q -t ed25519 -N '' -C gpuinit-test -f "$work/key"
mkdir -p build
tests/release/two_builds.sh --key "$work/key" --keep build/dist "$@"
tests/release/dist_test.py build/dist --key "$work/key.pub"
