#!/usr/bin/env python3
"""The tables of src/rules/tables know what the tests' inputs are of, newer_tables.py finds each row that is taken away, and
docs/updating-tables.md tells of each table.

    newer_tables_test.py SOURCE

Only inputs of a fixed version are looked at here: the world may go on without failing this test.
"""
import pathlib
import re
import shutil
import sys
import tempfile

import newer_tables

SOURCE = pathlib.Path(sys.argv[1])
TABLES = SOURCE / "src/rules/tables"
failures = []

# A ptxas of CUDA 13.5, as newer_tables.py asks it.
PTXAS = """#!/usr/bin/python3 -SE
import sys
GPUS = "75 80 86 87 88 89 90 100 103 107 110 120 121".split()
FAMILIES = {"100": "100", "103": "100", "107": "100", "110": "110", "120": "120", "121": "120"}
if sys.argv[1] == "--version":
    print("Cuda compilation tools, release 13.5, V13.5.37")
elif sys.argv[1] == "--help":
    print(*(f"'compute_{gpu}','sm_{gpu}'," for gpu in GPUS))
else:
    text = open(sys.argv[2]).read()
    if ".version 99.0" in text:
        sys.exit("Unsupported .version 99.0; current version is '9.5'")
    gpu, target = sys.argv[1].removeprefix("-arch=sm_"), text.split("sm_")[1].split("f")[0]
    sys.exit(FAMILIES[gpu] != FAMILIES[target] or int(target) > int(gpu))
"""


def expect(what, condition):
    if not condition:
        failures.append(what)


def looked(tables, *inputs):
    newer = newer_tables.Newer(newer_tables.Tables(tables))
    for look, path in inputs:
        getattr(newer, look)(path)
    return newer.lines


def edited(work, file, old, new):
    """A copy of the tables in which the text `old` of a file is `new`."""
    copy = pathlib.Path(work) / "tables"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(TABLES, copy)
    text = (copy / file).read_text()
    expect(f"{file} has no {old!r}", old in text)
    (copy / file).write_text(text.replace(old, new))
    return copy


def try_edits(work):
    """What is taken away or made wrong is told, by the name of the table."""
    work = pathlib.Path(work)
    ptxas = work / "ptxas"
    ptxas.write_text(PTXAS)
    ptxas.chmod(0o755)
    header = work / "cuda.h"
    header.write_text("#define CUDA_VERSION 13020\n")
    site = work / "site"
    (site / "torch").mkdir(parents=True)
    (site / "torch/version.py").write_text("cuda: Optional[str] = '13.2'\n")
    (site / "triton-3.9.0.dist-info").mkdir()
    (site / "triton/backends/nvidia/bin").mkdir(parents=True)
    shutil.copy(ptxas, site / "triton/backends/nvidia/bin/ptxas-blackwell")
    everything = (("ptxas", ptxas), ("cuda_h", header), ("torch", site), ("triton", site), ("driver_branch", 620))
    expect(f"something is newer: {looked(TABLES, *everything)}", looked(TABLES, *everything) == [])

    def row(file, start):
        return next(line + "\n" for line in (TABLES / file).read_text().splitlines() if line.strip().startswith(start))

    edits = [
        ("driver_releases.h", row("driver_releases.h", "{13, 5,"), "", "no row for CUDA 13.5"),
        ("driver_releases.h", row("driver_releases.h", "{13, 5,"), "", "no row for driver branch 620"),
        ("driver_releases.h", row("driver_releases.h", "{13, 2,"), "", "no row for CUDA 13.2"),
        ("driver_releases.h", "9, 5,  {620, 0, 0}", "9, 5,  {0, 0, 0}", "no driver for CUDA 13.5"),
        ("driver_releases.h", "9, 5,  {620", "9, 4,  {620", "writes PTX ISA 9.5, not 9.4"),
        ("driver_releases.h", row("driver_releases.h", "{13, {580"), "", "kFamilyFloors has no row for CUDA 13"),
        ("compute_capabilities.h", row("compute_capabilities.h", "{8, 8,"), "", "no row for 8.8"),
        ("compute_capabilities.h", row("compute_capabilities.h", "{12, 1,"), "", "no row for 12.1"),
        ("compute_capabilities.h", "{10, 7,  13, 4,", "{10, 7,  13, 9,", "compiles for 10.7, not only 13.9"),
        ("compute_capabilities.h", "{7, 0,   9, 0,  12,", "{7, 0,   9, 0,  0, ", "does not compile for 7.0"),
        ("compute_capabilities.h", "{7, 5,   10, 0, 0, ", "{7, 5,   10, 0, 12,", "still compiles for 7.5"),
        ("compute_capabilities.h", "{10, 7,  13, 4, 0,    100,", "{10, 7,  13, 4, 0,    107,", "sm_100f runs on 10.7"),
        ("compute_capabilities.h", "{11, 0,  13, 0, 0,    110,", "{11, 0,  13, 0, 0,    120,", "sm_110f does not run on 12.0"),
        ("package_releases.h", row("package_releases.h", '{"cu132"'), "", "no row for cu132"),
        ("package_releases.h", row("package_releases.h", "{10, 7,"), "", "Triton 3.9.0 knows 10.7"),
        ("package_releases.h", '{10, 7, "3.9"}', '{10, 7, "3.10"}', "Triton 3.9.0 knows 10.7"),
    ]
    for file, old, new, told in edits:
        lines = looked(edited(work, file, old, new), *everything)
        expect(f"{file}: {old.strip()} became {new.strip()!r}, and {told!r} is not told: {lines}",
               any(file in line and told in line for line in lines))


def inputs_of_the_tests():
    cache = newer_tables.CACHE
    found = [("cuda_h", path) for path in cache.glob("runtime/*/nvidia/**/include/cuda.h")]
    found += [("torch", path.parent.parent) for path in cache.glob("torch/*/torch/version.py")]
    return found


def hold_documents():
    page = (SOURCE / "docs/updating-tables.md").read_text()
    for path in sorted(TABLES.glob("*")):
        text = path.read_text()
        expect(f"docs/updating-tables.md does not name {path.name}", f"src/rules/tables/{path.name}" in page)
        expect(f"{path.name} does not name its page", "docs/updating-tables.md" in text.replace("\n// ", " "))
        expect(f"{path.name} says no day", re.search(r"\b20\d\d-\d\d-\d\d\b", text))
        expect(f"{path.name} says no source", re.search(r"Sources?\b", text))
    # Sentences for people repeat numbers of the tables.
    tables = newer_tables.Tables(TABLES)
    said = (SOURCE / "src/checks/cuda_driver.cpp").read_text().split(".looks_at")[1].replace('"\n        "', "")
    for cuda, driver in tables.floors.items():
        text = ".".join(f"{number:02}" for number in driver if number)
        expect(f"cuda.driver's text lacks {cuda}: {text}", f"{cuda}: {text}" in said)
    said = (SOURCE / "src/checks/device_features.cpp").read_text().split(".looks_at")[1].replace('"\n        "', "")
    for name, major, minor in newer_tables.rows((TABLES / "gpu_features.h").read_text(), "kGpuFeatures"):
        expect(f"device.features' text lacks {name}", name in said and (not major or f"{major}.{minor}" in said))


def main():
    with tempfile.TemporaryDirectory() as work:
        try_edits(work)
    hold_documents()
    inputs = inputs_of_the_tests()
    failures.extend(looked(TABLES, *inputs))
    print("\n".join(failures) or f"{len(inputs)} inputs of fixed versions are in the tables")
    if not inputs and not failures:
        print("Skipped: the tests' inputs are not there (tests/inputs/fetch.py)")
        return 77
    if failures:
        print("How a row is added: docs/updating-tables.md")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
