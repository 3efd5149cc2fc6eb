#!/usr/bin/env python3
"""Times a cold and a warm start of `import torch` (a full CUDA torch), bare and with gpuinit in front.

usage: tests/bench/cold_start.py [--runs N] [--gpuinit build/release/gpuinit] [--image torch2.15.0-cp314]
                                 [--variant NAME=OPTION ...] [--read-ahead KB]

The image of tests/inputs/fetch.py runs under an overlay, as in a container. Each round has every variant once,
cold (everybody's page cache is dropped: `echo 3 > /proc/sys/vm/drop_caches`) and warm. What gpuinit wins back is

    (bare cold - with gpuinit cold) / (bare cold - bare warm)

Medians, and the least and most of the rounds. Needs root, and a machine that does nothing else. --read-ahead sets
the block device's read_ahead_kb meanwhile: Linux has 128, some clouds 4096 and more, which makes page faults cheaper.
"""

import argparse
import os
import pathlib
import shutil
import stat
import statistics
import subprocess
import sys
import tempfile
import time

CACHE = pathlib.Path(
    os.environ.get("GPUINIT_TESTS_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gpuinit-tests"
)
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root", "GPUINIT_SET": "gpu.required=no"}
RECORDING = "/var/lib/gpuinit.pages"


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def container(image, gpuinit, scratch):
    """A root like a container's; the mounts end with this process, which has a mount namespace of its own."""
    upper, work, root = scratch / "upper", scratch / "work", scratch / "root"
    for directory in (upper, work, root):
        directory.mkdir()
    mount("-t", "overlay", "overlay", "-o", f"lowerdir={image},upperdir={upper},workdir={work}", str(root))
    # Nothing of the machine's own is mounted here: what cleans up must not find it.
    mount("-t", "proc", "proc", str(root / "proc"))
    for name in ("dev", "tmp"):
        mount("-t", "tmpfs", "tmpfs", str(root / name))
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        os.mknod(root / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
    shutil.copy2(gpuinit, root / "usr/bin/gpuinit")
    return root


def run(root, command):
    start = time.perf_counter()
    done = subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, preexec_fn=lambda: (os.chroot(root), os.chdir("/")))
    took = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{command} exited with {done.returncode}:\n{done.stdout}")
    return took, done.stdout


def drop_caches():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


def read_ahead():
    device = os.stat(CACHE).st_dev
    return pathlib.Path(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb")


def spread(values):
    return f"{statistics.median(values):7.2f}  ({min(values):.2f} to {max(values):.2f})"


def measure(arguments, image, root):
    python = next(path.name for path in (image / "usr/bin").glob("python3.1?"))
    bare = [python, "-c", "import torch"]
    run(root, bare)  # writes the .pyc files, as `pip install` does
    print(run(root, ["gpuinit", "--record", RECORDING, "--", *bare])[1], end="")
    variants = {
        "bare": bare,
        "pages = recording": ["gpuinit", "--set", f"warmup.pages={RECORDING}", *bare],
        "pages = auto": ["gpuinit", *bare],
        "pages = off": ["gpuinit", "--set", "warmup.pages=off", *bare],
        "--supervise, recording": ["gpuinit", "--supervise", "--set", f"warmup.pages={RECORDING}", *bare],
        "--supervise, auto": ["gpuinit", "--supervise", *bare],
    }
    for variant in arguments.variant:
        name, _, option = variant.partition("=")
        variants[name] = ["gpuinit", "--set", option, *bare]
    cold = {name: [] for name in variants}
    warm = {name: [] for name in variants}
    for _ in range(arguments.runs):
        for name, command in variants.items():
            drop_caches()
            cold[name].append(run(root, command)[0])
        for name, command in variants.items():
            warm[name].append(run(root, command)[0])
    lost = statistics.median(cold["bare"]) - statistics.median(warm["bare"])
    print(f"{'seconds':<22} {'cold':<26} {'warm':<26} won back   warm ÷ bare")
    for name in variants:
        won = (statistics.median(cold["bare"]) - statistics.median(cold[name])) / lost
        ratio = statistics.median(a / b for a, b in zip(warm[name], warm["bare"]))
        print(f"{name:<22} {spread(cold[name]):<26} {spread(warm[name]):<26} {won:7.0%}   {ratio:7.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--gpuinit", default="build/release/gpuinit")
    parser.add_argument("--image", default="torch2.15.0-cp314")
    parser.add_argument("--variant", action="append", default=[], metavar="NAME=OPTION")
    parser.add_argument("--read-ahead", metavar="KB")
    arguments = parser.parse_args()
    if os.environ.get("GPUINIT_BENCH_NAMESPACE") != "own":
        os.environ["GPUINIT_BENCH_NAMESPACE"] = "own"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])

    scratch = pathlib.Path(tempfile.mkdtemp(dir=CACHE))
    image = CACHE / "image" / arguments.image
    root = container(image, arguments.gpuinit, scratch)
    before = read_ahead().read_text()
    try:
        if arguments.read_ahead:
            read_ahead().write_text(arguments.read_ahead)
        print(f"read_ahead_kb {read_ahead().read_text()}", end="")
        measure(arguments, image, root)
    finally:
        read_ahead().write_text(before)
        subprocess.run(["umount", "--recursive", "--lazy", str(root)], check=True)
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
