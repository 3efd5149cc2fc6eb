#!/usr/bin/env python3
"""Says what is newer than the tables of src/rules/tables: a line for each row that is missing or wrong.

    newer_tables.py [--cuda-h FILE]... [--ptxas FILE]... [--torch DIR]... [--triton DIR]... [--pypi] [--tables DIR]

    --cuda-h FILE   a cuda.h: its CUDA_VERSION
    --ptxas FILE    a ptxas: its CUDA, its PTX ISA, the GPUs that it knows, and which targets of a family it takes for them
    --torch DIR     a site-packages with torch in it: the CUDA in torch/version.py
    --triton DIR    a site-packages with triton in it: the GPUs that its ptxas know
    --pypi          what PyPI has now, through pip: nvidia-cuda-runtime, nvidia-ml-py, torch, and nvidia-cuda-nvcc, whose
                    ptxas is fetched (50 MB) and asked

Without any of them: what this machine has. Exits with 0 if nothing is newer, with 1 if something is, with 2 if nothing
could be looked at. docs/updating-tables.md says how a row is added.
"""
import argparse
import functools
import glob
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
TABLES = HERE.parent.parent / "src/rules/tables"
CACHE = pathlib.Path(os.environ.get("GPUINIT_TESTS_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gpuinit-tests")


def rows(text, table):
    """The rows of `constexpr T TABLE[] = {…};`: numbers, texts and true or false, without the braces between."""
    body = re.search(rf"\b{table}\[\] = {{\n(.*?)\n}};", text, re.S)
    if not body:
        raise SystemExit(f"newer_tables.py: there is no table {table}")
    found = []
    for line in body[1].splitlines():
        values = re.findall(r'"[^"]*"|\d+|true|false', line.split("//")[0])
        if values:
            found.append(tuple(int(value) if value.isdigit() else value.strip('"') for value in values))
    return found


class Tables:
    def __init__(self, directory):
        def read(name):
            return (pathlib.Path(directory) / name).read_text()
        releases = read("driver_releases.h")
        self.isa = {row[:2]: row[2:4] for row in rows(releases, "kDriverReleases")}
        self.branch = {row[:2]: row[4] for row in rows(releases, "kDriverReleases")}
        self.floors = {row[0]: row[1:] for row in rows(releases, "kFamilyFloors")}
        gpus = rows(read("compute_capabilities.h"), "kCapabilities")
        self.first = {row[:2]: row[2:4] for row in gpus}
        self.last = {row[:2]: row[4] for row in gpus}
        self.family = {row[:2]: row[5] for row in gpus}
        packages = read("package_releases.h")
        self.indexes = {row[1:3]: row[0] for row in rows(packages, "kTorchIndexes")}
        self.triton = {row[:2]: row[2] for row in rows(packages, "kTritonPtxas")}


def words(version):
    return ".".join(str(number) for number in version)


def numbers(text, count=2):
    return tuple(int(number) for number in re.findall(r"\d+", text)[:count])


def output(*command):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout


class Newer:
    """What is newer, in lines; `looked` counts what was looked at."""

    def __init__(self, tables):
        self.tables = tables
        self.lines = []
        self.looked = 0

    def say(self, file, line, source):
        text = f"src/rules/tables/{file}: {line} ({source})"
        if text not in self.lines:
            self.lines.append(text)

    def cuda(self, version, source):
        self.looked += 1
        tables = self.tables
        if version not in tables.isa:
            if version > min(tables.isa):
                self.say("driver_releases.h", f"kDriverReleases has no row for CUDA {words(version)}", source)
        elif tables.branch[version] == 0:
            self.say("driver_releases.h", f"kDriverReleases has no driver for CUDA {words(version)}", source)
        if version[0] >= 11 and version[0] not in tables.floors:
            self.say("driver_releases.h", f"kFamilyFloors has no row for CUDA {version[0]}", source)

    def cuda_h(self, path):
        number = int(re.search(r"#define CUDA_VERSION (\d+)", pathlib.Path(path).read_text(errors="replace"))[1])
        self.cuda((number // 1000, number % 1000 // 10), path)

    def driver_branch(self, branch, source="a driver"):
        self.looked += 1
        if branch > max(self.tables.branch.values()):
            self.say("driver_releases.h", f"kDriverReleases has no row for driver branch {branch}", source)

    def ptxas(self, path, source=None):
        source = source or path
        release = re.search(r"release (\d+)\.(\d+)", output(path, "--version"))
        if not release:
            raise SystemExit(f"newer_tables.py: {path} does not say its release")
        cuda = (int(release[1]), int(release[2]))
        self.cuda(cuda, source)
        isa = isa_of(path)
        known = self.tables.isa.get(cuda)
        if known and isa and known != isa:
            self.say("driver_releases.h", f"CUDA {words(cuda)} writes PTX ISA {words(isa)}, not {words(known)}", source)
        gpus = gpus_of(path)
        for gpu in gpus:
            first = self.tables.first.get(gpu)
            if first is None and gpu != (10, 1):  # renamed to 11.0
                self.say("compute_capabilities.h", f"kCapabilities has no row for {words(gpu)}, which CUDA {words(cuda)} "
                         "compiles for", source)
            elif first and first > cuda:
                self.say("compute_capabilities.h", f"CUDA {words(cuda)} compiles for {words(gpu)}, not only {words(first)} and "
                         "newer", source)
        for gpu, last in self.tables.last.items():
            compiles, wanted = gpu in gpus, self.tables.first[gpu] <= cuda and last in (0, *range(cuda[0], 99))
            if wanted and not compiles:
                self.say("compute_capabilities.h", f"CUDA {words(cuda)} does not compile for {words(gpu)}", source)
            elif compiles and last and last < cuda[0]:
                self.say("compute_capabilities.h", f"CUDA {words(cuda)} still compiles for {words(gpu)}", source)
        self.families(path, isa, [gpu for gpu in gpus if gpu[0] >= 10 and gpu != (10, 1)], source)

    def families(self, path, isa, gpus, source):
        if not isa:
            return
        family = self.tables.family
        for target in gpus:
            for gpu in gpus:
                known = family.get(target) and family.get(target) == family.get(gpu) and target <= gpu
                if target in family and gpu in family and bool(known) != compiles_for(path, isa, target, gpu):
                    self.say("compute_capabilities.h", f"kCapabilities: sm_{target[0]}{target[1]}f "
                             f"{'does not run' if known else 'runs'} on {words(gpu)}", source)

    def torch(self, site):
        text = (pathlib.Path(site) / "torch/version.py").read_text()
        cuda = re.search(r"^cuda\b.*= '(\d+)\.(\d+)'", text, re.M)
        if cuda:
            self.torch_cuda((int(cuda[1]), int(cuda[2])), pathlib.Path(site) / "torch/version.py")

    def torch_cuda(self, cuda, source):
        self.cuda(cuda, source)
        if cuda not in self.tables.indexes:
            self.say("package_releases.h", f"kTorchIndexes has no row for cu{cuda[0]}{cuda[1]}", source)

    def triton(self, site):
        site = pathlib.Path(site)
        version = re.search(r"triton-([\d.]+)\.dist-info$", str(next(iter(site.glob("triton-*.dist-info")), "")))
        tools = sorted(site.glob("triton/backends/nvidia/bin/ptxas*"))
        if not version or not tools:
            return
        self.looked += 1
        for gpu in sorted({gpu for tool in tools for gpu in gpus_of(tool)}):
            first = self.tables.triton.get(gpu)
            # Every ptxas that is in a release of Triton knows older GPUs.
            if gpu >= (10, 0) and gpu != (10, 1) and (first is None or numbers(first) > numbers(version[1])):
                self.say("package_releases.h", f"kTritonPtxas: the ptxas of Triton {version[1]} knows {words(gpu)}", site)


@functools.cache
def isa_of(ptxas):
    with tempfile.TemporaryDirectory() as work:
        source = pathlib.Path(work) / "a.ptx"
        source.write_text(".version 99.0\n.target sm_75\n.address_size 64\n")
        newest = re.search(r"current version is '(\d+)\.(\d+)'", output(ptxas, "-arch=sm_75", source, "-o", os.devnull))
    return (int(newest[1]), int(newest[2])) if newest else None


@functools.cache
def gpus_of(ptxas):
    """(8, 6) of sm_86. Older ones have no --list-arch, all of them a list in their help."""
    return sorted({(int(name) // 10, int(name) % 10) for name in re.findall(r"'sm_(\d+)'", output(ptxas, "--help"))})


@functools.cache
def compiles_for(ptxas, isa, target, gpu):
    with tempfile.TemporaryDirectory() as work:
        source = pathlib.Path(work) / "a.ptx"
        source.write_text(f".version {words(isa)}\n.target sm_{target[0]}{target[1]}f\n.address_size 64\n"
                          ".visible .entry k() { ret; }\n")
        return subprocess.run([str(ptxas), f"-arch=sm_{gpu[0]}{gpu[1]}", source, "-o", os.devnull], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0


def pip(*words_of_command):
    # Nothing is installed: only looked up, or put into a directory of ours.
    return subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *words_of_command], text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PIP_BREAK_SYSTEM_PACKAGES": "1"}).stdout


def newest_on_pypi(package):
    return re.search(r"\(([\d.]+)\)", pip("index", "versions", package))[1]


def look_at_pypi(newer):
    version = newest_on_pypi("nvidia-cuda-runtime")
    newer.cuda(numbers(version), f"nvidia-cuda-runtime {version} on PyPI")
    version = newest_on_pypi("nvidia-ml-py")  # 13.615.71: CUDA, driver branch, number
    newer.driver_branch(numbers(version)[1], f"nvidia-ml-py {version} on PyPI")
    report = json.loads(pip("install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--report", "-", "torch"))
    metadata = report["install"][0]["metadata"]
    for requirement in metadata.get("requires_dist", ()):
        cuda = re.match(r"cuda-toolkit(?:\[[^]]*\])?\s*==\s*(\d+)\.(\d+)", requirement)
        if cuda:
            newer.torch_cuda((int(cuda[1]), int(cuda[2])), f"torch {metadata['version']} on PyPI")
    with tempfile.TemporaryDirectory() as work:
        pip("download", "--no-deps", "--quiet", "--dest", work, "nvidia-cuda-nvcc")
        wheel = next(iter(glob.glob(work + "/*.whl")))
        with zipfile.ZipFile(wheel) as file:
            name = next(name for name in file.namelist() if name.endswith("/bin/ptxas"))
            path = pathlib.Path(file.extract(name, work))
        path.chmod(0o755)
        newer.ptxas(path, os.path.basename(wheel).split("-py3")[0] + " on PyPI")


def look_at_this_machine(newer):
    for path in [*CACHE.glob("runtime/*/nvidia/**/include/cuda.h"), *glob.glob("/usr/local/cuda*/include/cuda.h")]:
        newer.cuda_h(path)
    for path in glob.glob("/usr/local/cuda/bin/ptxas"):
        newer.ptxas(path)
    for path in sorted(CACHE.glob("torch/*/torch/version.py")):
        newer.torch(path.parent.parent)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--cuda-h", "--ptxas", "--torch", "--triton"):
        parser.add_argument(name, action="append", default=[])
    parser.add_argument("--pypi", action="store_true")
    parser.add_argument("--tables", default=TABLES)
    asked = parser.parse_args(arguments)

    newer = Newer(Tables(asked.tables))
    for name in ("cuda_h", "ptxas", "torch", "triton"):
        for path in getattr(asked, name):
            getattr(newer, name)(path)
    if asked.pypi:
        look_at_pypi(newer)
    elif not (asked.cuda_h or asked.ptxas or asked.torch or asked.triton):
        look_at_this_machine(newer)
    for line in newer.lines:
        print(line)
    if newer.lines:
        print("How a row is added: docs/updating-tables.md")
        return 1
    print(f"nothing of {newer.looked} is newer than the tables" if newer.looked else "nothing was looked at")
    return 0 if newer.looked else 2


if __name__ == "__main__":
    sys.exit(main())
