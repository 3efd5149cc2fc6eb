#!/usr/bin/env python3
"""Device code of each framework as gpuinit counts it against cuobjdump, on real wheels.

usage: tests/stacks/device_code.py GPUINIT CUOBJDUMP PYTHON...

Each PYTHON is the interpreter of an environment in which frameworks are installed, such as
  uv pip install --no-deps jax-cuda12-pjrt jax-cuda13-pjrt onnxruntime-gpu cupy-cuda12x ctranslate2 xgboost

cuobjdump (13.5) leaves the `f` of sm_100f out of its lists, and has it in the headers that it prints without --list-elf;
so it is left out of gpuinit's here.
"""
import collections
import json
import re
import subprocess
import sys


def listed(cuobjdump, file):
    """target → entries, as `cuobjdump --list-elf` and `--list-ptx` name them."""
    entries = collections.Counter()
    for option in ("--list-elf", "--list-ptx"):
        run = subprocess.run([cuobjdump, option, file], capture_output=True, text=True)
        for line in run.stdout.splitlines():
            if found := re.search(r"\.(sm_\d+[af]?)\.(cubin|ptx)\s*$", line):
                target, kind = found.groups()
                entries[target if kind == "cubin" else target.replace("sm_", "compute_")] += 1
    return entries


def main():
    gpuinit, cuobjdump, *pythons = sys.argv[1:]
    differ = compared = 0
    for python in pythons:
        facts = json.loads(subprocess.run([gpuinit, "--facts", "--", python, "x.py"],
                                          capture_output=True, text=True, check=True).stdout)
        for framework in facts["image"]["frameworks"]:
            code = framework["device_code"] or {}
            if "entries" not in code:
                continue
            counted = collections.Counter()
            for target, count in code["entries"].items():
                counted[target.removesuffix("f")] += count
            truth = collections.Counter()
            for file in code["files"]:
                truth += listed(cuobjdump, file)
            compared += 1
            same = truth == counted
            differ += not same
            print(f"{'same' if same else 'DIFFERS'}  {framework['name']} {framework['version']}  "
                  f"{sum(truth.values())} entries, {len(truth)} targets, {len(code['files'])} files")
            if not same:
                print("  gpuinit  ", sorted(code["entries"].items()))
                print("  cuobjdump", sorted(truth.items()))
    print(f"{compared} compared, {differ} differ")
    return 1 if differ or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
