#!/usr/bin/env python3
"""Times a cold and a warm start of `import torch` (a full CUDA torch), bare and with gpuinit in front.

usage: tests/bench/cold_start.py [--storage disk|throttled|fuse ...] [--rate MB_PER_S] [--delay US] [--read-ahead KB]
                                 [--runs N] [--gpuinit build/release/gpuinit] [--image torch2.15.0-cp314]
                                 [--variant NAME=OPTION ...] [--check]

The image of tests/inputs/fetch.py runs under an overlay, as in a container, on the machine's disk, on the disk
throttled to --rate by a cgroup, or on a FUSE file system with --rate and a --delay per read (which needs
`apt install libfuse3-dev`). Each round starts every variant cold, and then once more, warm. What gpuinit wins back is

    (bare cold - with gpuinit cold) / (bare cold - bare warm)

Medians, and the least and most of the rounds. Seconds are wall time less what the command spent waiting for a CPU
(/proc/PID/schedstat), so that a shared machine disturbs less; it still has to be quiet. --check times `gpuinit --check`
alone instead of a start, without a seal and with one. Needs root. The disk's cold runs drop everybody's
page cache (/proc/sys/vm/drop_caches); --read-ahead sets its read_ahead_kb meanwhile: Linux has 128, some clouds 4096.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import cold_storage
from whole_process import CACHE, NODE

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root", "GPUINIT_SET": "gpu.required=no"}
SEAL = "/var/lib/gpuinit.seal"


def seal(root, command):
    """Seals the image; the options with which gpuinit goes by it."""
    print(run(root, ["gpuinit", "--seal", SEAL, "--", *command]).said, end="")
    return ["--set", f"image.seal={SEAL}"]


class Ran:
    def __init__(self, seconds, said):
        self.seconds = seconds
        self.said = said


def waiting_for_cpu(process, command):
    """Seconds so far, by process: of this one, and of the command below it if that is a child (--supervise)."""
    processes = [process.pid]  # the command itself, once gpuinit has become it
    with contextlib.suppress(OSError):
        for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            if os.readlink(f"/proc/{child}/exe").endswith("/" + command[-3]):
                processes.append(int(child))
    waited = {}
    for pid in processes:
        with contextlib.suppress(OSError, IndexError):
            waited[pid] = int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return waited


def run(root, command, cgroup=None):
    def enter():
        if cgroup:
            cgroup.write_text("0")
        os.chroot(root)
        os.chdir("/")

    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, preexec_fn=enter)
        waited = {}
        try:
            while process.poll() is None:
                waited |= waiting_for_cpu(process, command)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.02)
            took = time.perf_counter() - start
        finally:
            process.terminate()  # we have been interrupted, if it still runs
            process.wait()
        output.seek(0)
        said = output.read()
    if process.returncode != 0:
        sys.exit(f"{command} exited with {process.returncode}:\n{said}")
    wait_for_the_rest(root)
    return Ran(took - sum(waited.values()), said)


def wait_for_the_rest(root):
    """What still reads ahead when the command has ended must not disturb the next one."""
    for _ in range(500):
        here = 0
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                here += os.readlink(process / "root") == str(root)
        if not here:
            return
        time.sleep(0.02)
    sys.exit(f"a process is left in {root}")


def start_variants(arguments, root, bare):
    sealed = seal(root, bare)
    variants = {
        "bare": bare,
        "exec, sealed": ["gpuinit", *sealed, *bare],
        "exec, auto": ["gpuinit", *bare],
        "--supervise, sealed": ["gpuinit", "--supervise", *sealed, *bare],
        "--supervise, auto": ["gpuinit", "--supervise", *bare],
    }
    for variant in arguments.variant:
        name, _, option = variant.partition("=")
        variants[name] = ["gpuinit", "--set", option, *bare]
    return variants


def check_variants(arguments, root, bare):
    (root / "var/lib/node.json").write_text(json.dumps(NODE))
    check = ["gpuinit", "--check", "--node", "/var/lib/node.json"]
    return {"--check": [*check, "--", *bare], "--check, sealed": [*check, *seal(root, bare), "--", *bare]}


def spread(values):
    return f"{statistics.median(values):7.3f}  ({min(values):.3f} to {max(values):.3f})"


def share_won_back(cold, warm, name):
    """Of the medians, and the least and most of the rounds."""
    def of(bare_cold, this_cold, bare_warm):
        return (bare_cold - this_cold) / (bare_cold - bare_warm)
    rounds = [of(*values) for values in zip(cold["bare"], cold[name], warm["bare"])]
    all_of_them = of(*(statistics.median(values) for values in (cold["bare"], cold[name], warm["bare"])))
    return f"{all_of_them:5.0%}  ({min(rounds):.0%} to {max(rounds):.0%})"


def measure(storage, variants, rounds):
    cold = {name: [] for name in variants}
    warm = {name: [] for name in variants}
    for _ in range(rounds):
        for name, command in variants.items():
            with storage.cold() as root:
                cold[name].append(run(root, command, storage.cgroup).seconds)
                warm[name].append(run(root, command, storage.cgroup).seconds)
    print(f"\n{storage.name}: {storage.described}; {rounds} rounds")
    print(f"{'seconds':<23} {'cold':<27} {'warm':<27}" + (" won back" if "bare" in variants else ""))
    for name in variants:
        line = f"{name:<23} {spread(cold[name]):<27} {spread(warm[name]):<27}"
        print(line + (" " + share_won_back(cold, warm, name) if "bare" in variants else ""), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", action="append", choices=cold_storage.STORAGES, help="several are allowed (disk)")
    parser.add_argument("--rate", type=float, default=100, help="MB/s of throttled and fuse (100)")
    parser.add_argument("--delay", type=int, default=1000, help="microseconds per read of fuse (1000)")
    parser.add_argument("--read-ahead", type=int, metavar="KB", help="(the disk's own; 128 for fuse)")
    parser.add_argument("--runs", type=int, default=5, help="rounds (5)")
    parser.add_argument("--gpuinit", default="build/release/gpuinit")
    parser.add_argument("--image", default="torch2.15.0-cp314")
    parser.add_argument("--variant", action="append", default=[], metavar="NAME=OPTION", help="one more: --set OPTION")
    parser.add_argument("--check", action="store_true", help="gpuinit --check alone")
    arguments = parser.parse_args()
    if os.environ.get("GPUINIT_BENCH_NAMESPACE") != "own":
        os.environ["GPUINIT_BENCH_NAMESPACE"] = "own"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what follows is undone all the same
    scratch = pathlib.Path(tempfile.mkdtemp(dir=CACHE))
    image = CACHE / "image" / arguments.image
    try:
        root = cold_storage.mount_overlay(image, scratch)
        shutil.copy2(arguments.gpuinit, root / "usr/bin/gpuinit")
        python = next(path.name for path in (image / "usr/bin").glob("python3.1?"))
        bare = [python, "-c", "import torch"]
        run(root, bare)  # writes the .pyc files, as `pip install` does
        variants = (check_variants if arguments.check else start_variants)(arguments, root, bare)
        for name in arguments.storage or ["disk"]:
            storage = cold_storage.STORAGES[name](root, scratch, arguments)
            try:
                measure(storage, variants, arguments.runs)
            finally:
                storage.close()
    finally:
        if os.path.ismount(scratch / "root"):
            cold_storage.unmount(scratch / "root")
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
