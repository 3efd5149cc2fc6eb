#!/usr/bin/env python3
"""Measures what it costs a script that gpuinit --supervise follows it from exec to exec.

usage: tests/bench/follow.py [--gpuinit build/release/gpuinit] [--pairs 15]

1,000 processes started by a shell, followed and not, in turns: the median of each, and of the
ratios of neighbours. The script times itself, so the checks before it do not count. Run it when
nothing else does: times are of this machine, ratios last.
"""

import argparse
import os
import statistics
import subprocess

LOOP = "i=0; while [ $i -lt 1000 ]; do {}; i=$((i+1)); done"
SCRIPTS = {
    "1,000 programs": LOOP.format("/bin/true"),
    "1,000 subshells": LOOP.format("(:)"),
    "1,000 substitutions": LOOP.format("x=$(/bin/echo a)"),
    "500 pipes": "i=0; while [ $i -lt 500 ]; do /bin/echo a | /bin/cat >/dev/null; i=$((i+1)); done",
}
TIMED = 'a=$EPOCHREALTIME; sh -c "$1"; b=$EPOCHREALTIME; echo $((${b/[.,]/}-${a/[.,]/}))'
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root"}


def run(gpuinit, follow, script):
    words = [gpuinit, "--supervise", "--quiet", "--set", "gpu.required=no", "--set", f"launch.follow={follow}"]
    ran = subprocess.run([*words, "bash", "-c", TIMED, "bash", script], env=ENVIRONMENT, check=True, capture_output=True)
    return int(ran.stdout) / 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gpuinit", default="build/release/gpuinit")
    parser.add_argument("--pairs", type=int, default=15)
    arguments = parser.parse_args()
    gpuinit = os.path.abspath(arguments.gpuinit)
    for name, script in SCRIPTS.items():
        plain, followed = [], []
        for pair in range(arguments.pairs):
            for follow in ("off", "auto") if pair % 2 else ("auto", "off"):
                (plain if follow == "off" else followed).append(run(gpuinit, follow, script))
        ratio = statistics.median(b / a for a, b in zip(plain, followed))
        print(f"{name:<20} {statistics.median(plain):7.0f} ms, followed {statistics.median(followed):7.0f} ms: "
              f"x {ratio:.3f}", flush=True)


if __name__ == "__main__":
    main()
