#!/usr/bin/env python3
"""Judges a real aarch64 image (Debian's Python, PyPI's torch with its CUDA) on the machines that such images are run on.

usage: tree_test.py GPUINIT...

A GPUINIT is a command: "build/release/gpuinit" or "qemu-aarch64-static build/release-aarch64/gpuinit". With several of
them the facts of the image, and each verdict on it, are the same from all. One that is not there is left out.
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get("GPUINIT_TESTS_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gpuinit-tests")
IMAGE = os.path.join(CACHE, "aarch64/image/torch2.11.0-cp311")

# name, compute capability, processor → exit code, what is failed or warned of
NODES = {
    "GH200": ("NVIDIA GH200 480GB", "9.0", "aarch64", 0, []),
    "GB200": ("NVIDIA GB200", "10.0", "aarch64", 0, []),
    "GB300": ("NVIDIA GB300", "10.3", "aarch64", 0, []),
    "GB10": ("NVIDIA GB10", "12.1", "aarch64", 0, []),
    "Thor": ("NVIDIA Thor", "11.0", "aarch64", 0, []),
    "A100 beside an Arm CPU": ("NVIDIA A100-SXM4-80GB", "8.0", "aarch64", 0, []),
    "Orin": ("Orin", "8.7", "aarch64", 0, ["warn device.arch"]),
    "T4G": ("NVIDIA T4G", "7.5", "aarch64", 66, ["fail device.arch"]),
    "H100 beside an x86 CPU": ("NVIDIA H100 80GB HBM3", "9.0", "x86_64", 65, ["fail platform"]),
}

# What `cuobjdump --list-elf` lists of torch 2.11.0's libtorch_cuda.so.
TARGETS = {"sm_80", "sm_90", "sm_90a", "sm_100", "sm_100a", "sm_103a", "sm_110", "sm_110a", "sm_120", "sm_120a", "sm_121a"}

failures = 0


def check(what, holds, seen=""):
    global failures
    if not holds:
        failures += 1
        print(f"FAILED: {what}: {seen}")
    else:
        print(f"ok: {what}")


def ask(gpuinit, *arguments):
    done = subprocess.run([*gpuinit, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    return done.returncode, done.stdout, done.stderr


def node_of(name, capability, machine):
    with open(os.path.join(HERE, "../stacks/nodes/h100-580.json")) as file:
        text = file.read().replace("NVIDIA H100 80GB HBM3", name).replace("x86_64-linux-gnu", machine + "-linux-gnu")
    facts = json.loads(text)
    facts["node"]["machine"] = machine
    facts["node"]["devices"][0]["compute_capability"] = capability
    return facts


def verdict(gpuinit, node):
    """The exit code, and what is failed and warned of."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(node, file)
        file.flush()
        code, out, err = ask(gpuinit, "--check", "--format", "json", "--root", IMAGE, "--node", file.name, "--", "python3")
    try:
        findings = json.loads(out)["findings"]
    except (ValueError, KeyError):
        return code, [out + err]
    return code, [f"{one['severity']} {one['id']}" for one in findings if one["severity"] in ("fail", "warn")]


def main(*commands):
    if not os.path.isdir(IMAGE):
        print(f"the image is not there: tests/inputs/fetch.py aarch64/image/{os.path.basename(IMAGE)}")
        return 77
    gpuinits = [words for words in map(shlex.split, commands) if os.path.exists(words[-1])]
    facts = {}
    for gpuinit in gpuinits:
        code, out, err = ask(gpuinit, "--facts", "--root", IMAGE, "--", "python3")
        facts[gpuinit[-1]] = json.loads(out)["image"] if code == 0 else {"error": err}
    first = facts[gpuinits[0][-1]]
    torch = first.get("torch") or {}
    check("torch is read", torch.get("version") == "2.11.0+cu130" and torch.get("machine") == "aarch64", first)
    check("its device code is read", set(torch.get("device_code", {}).get("entries", {})) == TARGETS,
          torch.get("device_code"))
    check("nothing that it loads is missing", first["loader"]["problems"]["missing"] == [], first["loader"])
    for gpuinit in gpuinits[1:]:
        other = facts[gpuinit[-1]]
        different = [key for key in first.keys() | other.keys() if first.get(key) != other.get(key)]
        check(f"the facts are the same from {shlex.join(gpuinit)}", not different, different)
    for name, (device, capability, machine, code, findings) in NODES.items():
        for gpuinit in gpuinits:
            seen = verdict(gpuinit, node_of(device, capability, machine))
            check(f"{name}, {os.path.basename(os.path.dirname(gpuinit[-1]))}", seen == (code, findings), seen)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
