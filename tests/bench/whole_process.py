#!/usr/bin/env python3
"""Times gpuinit as a whole process on real torch trees, and against `import torch`.

usage: tests/bench/whole_process.py [--runs N] [--gpuinit build/release/gpuinit]

Prints medians and, where two commands are compared, the median of the ratios of
neighbouring runs: absolute times mean little on a noisy machine.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

CACHE = pathlib.Path(
    os.environ.get("GPUINIT_TESTS_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gpuinit-tests"
)
NODE = {
    "node": {
        "driver": {"kernel_version": "580.95.05", "cuda_version": "13.0"},
        "devices": [{"name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0", "memory_bytes": 85899345920}],
    }
}


def run(command, environment):
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return (time.perf_counter() - start) * 1000, done


def median_ms(command, environment, runs, expected):
    times = []
    for _ in range(runs):
        took, done = run(command, environment)
        if done.returncode != expected:
            sys.exit(f"{command} exited with {done.returncode}, not {expected}:\n{done.stdout}")
        times.append(took)
    return statistics.median(times), min(times), max(times)


def drop_from_page_cache(directory):
    for path in pathlib.Path(directory).rglob("*"):
        if path.is_file() and not path.is_symlink():
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--gpuinit", default="build/release/gpuinit")
    arguments = parser.parse_args()
    gpuinit = os.path.abspath(arguments.gpuinit)
    node = tempfile.NamedTemporaryFile("w", suffix=".json")
    json.dump(NODE, node)
    node.flush()
    clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root"}

    true_ms, _, _ = median_ms(["/bin/true"], clean, arguments.runs, 0)
    print(f"/bin/true (the cost of measuring)                      {true_ms:8.2f} ms")
    off_ms, _, _ = median_ms([gpuinit, "/bin/true"], clean | {"GPUINIT": "off"}, arguments.runs, 0)
    print(f"GPUINIT=off gpuinit /bin/true                          {off_ms:8.2f} ms")

    for torch in sorted((CACHE / "torch").iterdir()):
        python = torch.name.rsplit("-cp", 1)[1]
        python = f"{python[0]}.{python[1:]}"
        runtime = {"2.5.1": "cu124", "2.8.0": "cu12"}.get(torch.name.split("-")[0], "cu13")
        environment = clean | {"PYTHONPATH": f"/torch/{torch.name}:/runtime/{runtime}"}
        interpreter = next(str(path) for path in (f"/python/{python}/usr/local/bin/python{python}",
                                                  f"/python/{python}/usr/bin/python{python}")
                           if (CACHE / path[1:]).exists())
        command = [gpuinit, "--check", "--root", str(CACHE), "--node", node.name, "--", interpreter]
        warm, low, high = median_ms(command, environment, arguments.runs, 0)
        print(f"--check, torch {torch.name:<14} warm                   {warm:8.2f} ms  ({low:.2f} to {high:.2f})")
        cold = []
        for _ in range(3):
            drop_from_page_cache(torch)
            cold.append(run(command, environment)[0])
        print(f"--check, torch {torch.name:<14} cold page cache        {statistics.median(cold):8.2f} ms")

    # The torch that can be imported here, both ways in turn.
    python = "/usr/bin/python3"
    ratios, checks, imports = [], [], []
    for _ in range(max(5, arguments.runs // 10)):
        check, done = run([gpuinit, "--check", "--node", node.name, "--", python], clean)
        if done.returncode != 0:
            sys.exit(done.stdout)
        imported, done = run([python, "-c", "import torch"], clean)
        if done.returncode != 0:
            sys.exit(done.stdout)
        checks.append(check)
        imports.append(imported)
        ratios.append(imported / check)
    print(f"--check, Debian's torch in /usr/bin/python3            {statistics.median(checks):8.2f} ms")
    print(f"python3 -c 'import torch', the same torch              {statistics.median(imports):8.2f} ms")
    print(f"import torch takes {statistics.median(ratios):.0f} times as long as the check (median of ratios)")


if __name__ == "__main__":
    main()
