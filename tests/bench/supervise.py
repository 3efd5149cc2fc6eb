#!/usr/bin/env python3
"""Measures gpuinit --supervise against tini, dumb-init and catatonit, all in one run.

usage: tests/bench/supervise.py [--gpuinit build/release/gpuinit] [--tries 2000]
                                [early] [start] [memory] [wakeups]

  early    SIGTERM at every point of the first 4 ms, as PID 1 and not: how many are lost
  start    CPU time of `INIT true` and of `true`, in turns; the ratio to tini-static, in exec mode too
  memory   Pss and private dirty memory while the command sleeps
  wakeups  context switches of the init while the command sleeps

Needs root. Run it when nothing else does: times are of this machine, ratios last.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import time

PEERS = {
    "tini": ["/usr/bin/tini", "-s", "--"],
    "tini-static": ["/usr/bin/tini-static", "-s", "--"],
    "dumb-init": ["/usr/bin/dumb-init", "--"],
    "catatonit": ["/usr/bin/catatonit", "--"],
}
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root", "GPUINIT": "off"}


def inits(gpuinit):
    return PEERS | {"gpuinit": [gpuinit, "--supervise", "--"]}


def early(arguments):
    helper = pathlib.Path(arguments.gpuinit).parent / "tests/bench/early_signal"
    for where in ("pid1", "child"):
        for name, words in inits(arguments.gpuinit).items():
            subprocess.run([helper, str(arguments.tries), "4000", where, *words], env=ENVIRONMENT, check=True)


def cpu_time(words):
    """In microseconds, of the init and all that it has waited for."""
    pid = os.posix_spawn(words[0], words, ENVIRONMENT)
    _, status, used = os.wait4(pid, 0)
    assert status == 0, (words, status)
    return (used.ru_utime + used.ru_stime) * 1e6


def start(arguments):
    os.sched_setaffinity(0, {1})
    runs = arguments.tries // 2
    commands = {name: [*words, "/bin/true"] for name, words in inits(arguments.gpuinit).items()}
    commands |= {"gpuinit, exec": [arguments.gpuinit, "--", "/bin/true"], "true": ["/bin/true"]}
    times = {name: [] for name in commands}
    for _ in range(runs):
        for name, words in commands.items():
            times[name].append(cpu_time(words))
    for name in commands:
        # Of neighbours, so that what the machine does meanwhile meets both.
        ratios = [a / b for a, b in zip(times[name], times["tini-static"])]
        print(f"{name:<14} {statistics.median(times[name]):6.0f} us, {statistics.median(ratios):.3f} x tini-static "
              f"(medians of {runs})")
    os.sched_setaffinity(0, range(os.cpu_count()))


def resident(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {key: int(value) for key, value in re.findall(r"^(\w+): +(\d+) kB", text, re.M)}


def memory(arguments):
    for name, words in inits(arguments.gpuinit).items():
        figures = []
        for _ in range(5):
            process = subprocess.Popen([*words, "/bin/sleep", "30"], env=ENVIRONMENT)
            time.sleep(0.3)
            figures.append(resident(process.pid))
            process.terminate()
            process.wait()
        median = {key: statistics.median(f[key] for f in figures) for key in ("Rss", "Pss", "Private_Dirty")}
        print(f"{name:<12} Pss {median['Pss']:5.0f} kB   Rss {median['Rss']:5.0f} kB   "
              f"private dirty {median['Private_Dirty']:4.0f} kB")


def switches(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return sum(int(value) for value in re.findall(r"ctxt_switches:\s+(\d+)", text))


def wakeups(arguments):
    for name, words in inits(arguments.gpuinit).items():
        process = subprocess.Popen([*words, "/bin/sleep", "30"], env=ENVIRONMENT)
        time.sleep(0.5)
        before = switches(process.pid)
        time.sleep(5)
        print(f"{name:<12} {switches(process.pid) - before} wake-ups in 5 s")
        process.terminate()
        process.wait()


def main():
    measures = {"early": early, "start": start, "memory": memory, "wakeups": wakeups}
    parser = argparse.ArgumentParser()
    parser.add_argument("--gpuinit", default="build/release/gpuinit")
    parser.add_argument("--tries", type=int, default=2000)
    parser.add_argument("measures", nargs="*", default=list(measures))
    arguments = parser.parse_args()
    arguments.gpuinit = os.path.abspath(arguments.gpuinit)
    for name in arguments.measures:
        print(f"== {name}", flush=True)
        measures[name](arguments)


if __name__ == "__main__":
    main()
