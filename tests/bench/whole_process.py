#!/usr/bin/env python3
"""Times gpuinit as a whole process on real torch trees, and against `import torch`.

usage: tests/bench/whole_process.py [--runs N] [--gpuinit build/release/gpuinit] [--against OTHER_GPUINIT]
                                    [--sealed [--python INTERPRETER ...]]

With --against it only compares two binaries on the same images: CPU time, run by run in turn.
With --sealed it only measures what a check costs with a seal and without, over /bin/true: CPU time, in turn. INTERPRETER
is of this machine's own tree, such as that of an environment with vLLM.

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
        "driver": {"kernel_version": "595.71.05", "cuda_version": "13.2"},
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


def measure_image(label, root, gpuinit, node, environment, runs):
    command = [gpuinit, "--check", "--quiet", "--root", str(root), "--node", node, "--", "python3"]
    warm, low, high = median_ms(command, environment, runs, 0)
    print(f"{label:<34} warm                {warm:8.2f} ms  ({low:.2f} to {high:.2f})")
    cold = []
    for _ in range(3):
        drop_from_page_cache(root)
        cold.append(run(command, environment)[0])
    print(f"{label:<34} cold page cache     {statistics.median(cold):8.2f} ms")


def cpu_ms(command, environment):
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{command} ended with status {status}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def compare(gpuinit, other, node, environment, runs):
    for image in sorted((CACHE / "image").iterdir()):
        command = ["--check", "--quiet", "--root", str(image), "--node", node, "--", "python3"]
        pairs = [(cpu_ms([gpuinit, *command], environment), cpu_ms([other, *command], environment))
                 for _ in range(runs)]
        ratios = sorted(new / old for new, old in pairs)
        print(f"--check, {image.name:<24} CPU {statistics.median(new for new, _ in pairs):6.2f} ms, against "
              f"{statistics.median(old for _, old in pairs):6.2f} ms; ratio {statistics.median(ratios):.3f} "
              f"({ratios[runs // 4]:.3f} to {ratios[runs * 3 // 4]:.3f}, the middle half)")


def add_packages(site, wanted):
    """Packages with one small extension each and a real METADATA, until there are `wanted`; how many there are."""
    have = len(list(site.glob("*.dist-info")))
    metadata = next(site.glob("networkx-*.dist-info")).joinpath("METADATA").read_text()
    extension = next(site.glob("markupsafe/*.so"))
    for number in range(have, wanted):
        name = f"package_{number}"
        info = site / f"{name}-1.0.dist-info"
        (site / name).mkdir()
        info.mkdir()
        (site / name / "__init__.py").touch()
        os.link(extension, site / name / extension.name)
        info.joinpath("METADATA").write_text(metadata.replace("Name: networkx", f"Name: {name}", 1))
        info.joinpath("RECORD").write_text(f"{name}/__init__.py,,\n{name}/{extension.name},,\n")
    return max(have, wanted)


def measure_sealed(label, command, seal, node, environment, runs):
    """`command` is gpuinit with the options that say which image; `seal` where its seal is to lie, in it."""
    gpuinit, *image = command
    done = run([gpuinit, "--seal", str(seal[0]), *image, "--no-run", *seal[1]], environment)[1]
    if done.returncode != 0:
        sys.exit(done.stdout)
    check = [gpuinit, "--check", "--quiet", "--node", node, *image]
    times = []
    for _ in range(runs):
        times.append([cpu_ms(words, environment) for words in (
            ["/bin/true"], [*check, "--set", f"image.seal={seal[2]}", *seal[1]], [*check, "--set", "image.seal=", *seal[1]])])
    sealed, unsealed = (statistics.median(one[i] - one[0] for one in times) for i in (1, 2))
    print(f"{label:<34} CPU over /bin/true: sealed {sealed:6.2f} ms, unsealed {unsealed:6.2f} ms; "
          f"seal {pathlib.Path(seal[0]).stat().st_size} bytes", flush=True)


def measure_seals(arguments, gpuinit, node, environment):
    inside = "/etc/gpuinit/seal"
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        for image in sorted((CACHE / "image").iterdir()):
            root = pathlib.Path(directory) / image.name
            subprocess.run(["cp", "-al", image, root], check=True)
            command = [gpuinit, "--root", str(root)]
            seal = (f"{root}{inside}", ["--", "python3"], inside)
            measure_sealed(image.name, command, seal, node, environment, arguments.runs)
            if image.name == "torch2.8.0-cp312":
                count = add_packages(root / "usr/local/lib/python3.12/site-packages", 300)
                measure_sealed(f"the same with {count} packages", command, seal, node, environment, arguments.runs)
        for python in arguments.python:
            seal = (f"{directory}/seal", ["--", python], f"{directory}/seal")
            measure_sealed(python, [gpuinit], seal, node, environment, arguments.runs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--gpuinit", default="build/release/gpuinit")
    parser.add_argument("--against")
    parser.add_argument("--sealed", action="store_true")
    parser.add_argument("--python", action="append", default=[])
    arguments = parser.parse_args()
    gpuinit = os.path.abspath(arguments.gpuinit)
    node = tempfile.NamedTemporaryFile("w", suffix=".json")
    json.dump(NODE, node)
    node.flush()
    clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root"}
    if arguments.against:
        compare(gpuinit, os.path.abspath(arguments.against), node.name, clean, arguments.runs)
        return

    if arguments.sealed:
        measure_seals(arguments, gpuinit, node.name, clean)
        return

    true_ms, _, _ = median_ms(["/bin/true"], clean, arguments.runs, 0)
    print(f"/bin/true (the cost of measuring)                      {true_ms:8.2f} ms")
    off_ms, _, _ = median_ms([gpuinit, "/bin/true"], clean | {"GPUINIT": "off"}, arguments.runs, 0)
    print(f"GPUINIT=off gpuinit /bin/true                          {off_ms:8.2f} ms")

    for image in sorted((CACHE / "image").iterdir()):
        measure_image(f"--check, {image.name}", image, gpuinit, node.name, clean, arguments.runs)
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        root = pathlib.Path(directory) / "root"
        subprocess.run(["cp", "-al", CACHE / "image" / "torch2.8.0-cp312", root], check=True)
        count = add_packages(root / "usr/local/lib/python3.12/site-packages", 300)
        measure_image(f"the same with {count} packages", root, gpuinit, node.name, clean, arguments.runs)

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
