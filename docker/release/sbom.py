#!/usr/bin/env python3
"""Writes what is inside of a release as CycloneDX 1.5: from what the compiler and the linker have read, not from a list.

    sbom.py --build DIRECTORY --maps DIRECTORY --machine amd64|arm64 --version V --commit C --epoch SECONDS --output FILE

Headers are those of ninja's dependency log; libraries are the archives of which the linker's maps (-Wl,-Map=DIRECTORY/)
include a member, and its start files. Each file is traced to its Debian package, or to the package whose headers
docker/install-deps.sh has fetched. A file of an unknown package is an error: COMPONENTS has a row for each.
"""
import argparse
import datetime
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.parse
import uuid

GCC = "GPL-3.0-or-later WITH GCC-exception-3.1"

# What a package is called by those who made it, and its licence (THIRD-PARTY-NOTICES.md says what is used of it).
COMPONENTS = [
    (r"libc6-dev(-arm64-cross)?", "glibc", "LGPL-2.1-or-later"),
    (r"linux-libc-dev(-arm64-cross)?", "linux-headers", "GPL-2.0-only WITH Linux-syscall-note"),
    (r"libstdc\+\+-\d+-dev(-arm64-cross)?", "libstdc++", GCC),
    (r"libgcc-\d+-dev(-arm64-cross)?", "libgcc", GCC),
    (r"libseccomp-dev", "libseccomp", "LGPL-2.1-only"),
    (r"libspdlog-dev", "spdlog", "MIT"),
    (r"libfmt-dev", "fmt", "MIT"),
    (r"libtomlplusplus-dev", "toml++", "MIT"),
    (r"nlohmann-json3-dev", "nlohmann/json", "MIT"),
    (r"libpython3\.\d+-dev", "cpython-headers", "PSF-2.0"),
    (r"pybind11", "pybind11", "BSD-3-Clause"),
    (r"nvidia-cuda-runtime", "cuda-headers", None),  # NVIDIA's EULA, which SPDX has no name for
]
# The directories of headers that install-deps.sh fetches, each with a file `version`: package, package URL.
FETCHED = {
    "cuda-headers": ("nvidia-cuda-runtime", "pkg:pypi/nvidia-cuda-runtime"),
    "pybind11": ("pybind11", "pkg:pypi/pybind11"),
    "python-headers-aarch64": ("libpython3.11-dev", "pkg:deb/debian/libpython3.11-dev?arch=arm64&distro=debian-12"),
}


def output(*words):
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout


def headers_read(build):
    """{whether for the Python probe: files outside of the project} that the compiler has opened."""
    found, reader = {False: set(), True: set()}, None
    for line in output("ninja", "-C", build, "-t", "deps").splitlines():
        if line and not line.startswith(" "):
            reader = "python-probe-cpython" in line.split(":")[0]
        elif line.startswith(" /") or line.startswith("    /"):
            found[reader].add(line.strip())
    return found


def members_linked(map_file):
    """Archives with a member in the program, and the start files."""
    with open(map_file, errors="replace") as file:
        text = file.read()
    included = text.partition("Archive member included")[2].partition("\n\nDiscarded input sections")[0]
    found = set(re.findall(r"^(\S+\.a)\(", included, re.M))
    found |= set(re.findall(r"^LOAD (\S+/\w*crt\w*\.o)$", text, re.M))
    return found


def of_machine(names, machine):
    """dpkg names those that share a file in no order: what else is installed has no say."""
    return min(names, key=lambda name: (not name.endswith(":" + machine), name))


def owners(paths, machine):
    """{path: (package, purl without version, version)}; of a package that is here for two machines, that of `machine`."""
    found, of_debian = {}, {}
    for path in paths:
        for directory, package in FETCHED.items():
            base, inside, _ = path.partition(f"/{directory}/include/")
            if inside:
                with open(f"{base}/{directory}/version") as file:
                    found[path] = (*package, file.read().strip())
        if path not in found:
            of_debian[path] = path
            # A directory that was merged into /usr is known under its old name.
            of_debian[path.removeprefix("/usr")] = path
    listed = subprocess.run(["dpkg", "-S", *sorted(of_debian)], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    packages = {}
    for line in listed.splitlines():
        names, _, path = line.rpartition(": ")
        if path in of_debian:
            packages[of_debian[path]] = of_machine(names.split(", "), machine)
    for path, name in packages.items():
        version, machine = output("dpkg-query", "-W", "-f", "${Version} ${Architecture}\n", name).splitlines()[0].split()
        found[path] = (name.split(":")[0], f"pkg:deb/debian/{name.split(':')[0]}?arch={machine}&distro=debian-12", version)
    missing = sorted(set(paths) - set(found))
    if missing:
        sys.exit("sbom: error: no package has " + ", ".join(missing))
    return found


def purl(package_url, version):
    base, mark, qualifiers = package_url.partition("?")
    return f"{base.replace('+', '%2B')}@{urllib.parse.quote(version, safe='.~-')}{mark}{qualifiers}"


def component(package, package_url, version, uses):
    row = next((row for row in COMPONENTS if re.fullmatch(row[0], package)), None)
    if row is None:
        sys.exit(f"sbom: error: COMPONENTS of {sys.argv[0]} has no row for {package}")
    licence = {"expression": row[2]} if row[2] else {"license": {"name": "NVIDIA CUDA Toolkit EULA"}}
    reference = purl(package_url, version)
    return {"type": "library", "bom-ref": reference, "name": row[1], "version": version, "licenses": [licence],
            "purl": reference, "properties": [{"name": "gpuinit:use", "value": use} for use in sorted(uses)]}


def program(path, version):
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    name = os.path.basename(path)
    return {"type": "application", "bom-ref": f"program:{name}", "name": name, "version": version,
            "hashes": [{"alg": "SHA-256", "content": digest}]}


def inside(files_by_use, machine, components):
    """References of what has one of the files; `components` gets what it lacks."""
    files = {}
    for use, paths in files_by_use.items():
        for path in paths:
            files.setdefault(os.path.realpath(path), set()).add(use)
    uses = {}
    for path, owner in owners(files, machine).items():
        uses.setdefault(owner, set()).update(files[path])
    references = set()
    for owner, used in uses.items():
        made = component(*owner, used)
        references.add(made["bom-ref"])
        known = components.setdefault(made["bom-ref"], made)
        merged = {p["value"] for p in known["properties"] + made["properties"]}
        known["properties"] = [{"name": "gpuinit:use", "value": use} for use in sorted(merged)]
    return sorted(references)


def tools_of(build):
    """Compiler and linker. CMake's cache lacks what a toolchain file has named."""
    found = glob.glob(os.path.join(build, "CMakeFiles/*/CMakeCXXCompiler.cmake"))
    if len(found) != 1:
        sys.exit(f"sbom: error: {build} is configured by {len(found)} releases of cmake")
    with open(found[0]) as file:
        values = dict(re.findall(r'^set\((\w+) "(.*)"\)$', file.read(), re.M))
    return values["CMAKE_CXX_COMPILER"], values["CMAKE_LINKER"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("build", "maps", "machine", "version", "commit", "output"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--epoch", required=True, type=int)
    arguments = parser.parse_args()

    build = os.path.realpath(arguments.build)
    # The tree is wherever CMakeCache.txt says; neither it nor what the build made is a stranger's.
    with open(os.path.join(build, "CMakeCache.txt")) as file:
        cache = dict(re.findall(r"^(\w+):\w+=(.*)$", file.read(), re.M))
    own = (os.path.realpath(cache["CMAKE_HOME_DIRECTORY"]) + "/", build + "/")
    headers = {probe: {path for path in paths if not os.path.realpath(path).startswith(own)}
               for probe, paths in headers_read(build).items()}

    def linked(name):
        paths = members_linked(os.path.join(arguments.maps, name + ".map"))
        return {path for path in paths if path.startswith("/") and not os.path.realpath(path).startswith(own)}

    components, dependencies, programs = {}, [], []
    binary = os.path.join(build, "gpuinit")
    probes = os.path.join(build, "libexec/gpuinit")
    paths = [binary] + [os.path.join(probes, name) for name in sorted(os.listdir(probes) if os.path.isdir(probes) else [])]
    for path in paths:
        made = program(path, arguments.version)
        programs.append(made)
        files = {"headers": headers[path != binary], "linked": linked(made["name"])}
        if not all(files.values()):
            sys.exit(f"sbom: error: no headers or no linked libraries were seen of {path}")
        dependencies.append({"ref": made["bom-ref"], "dependsOn": inside(files, arguments.machine, components)})

    root = f"pkg:generic/gpuinit@{arguments.version}?arch={arguments.machine}"
    dependencies.insert(0, {"ref": root, "dependsOn": [made["bom-ref"] for made in programs]})
    dependencies += [{"ref": reference} for reference in sorted(components)]
    when = datetime.datetime.fromtimestamp(arguments.epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    compiler, linker = tools_of(build)
    tools = [{"type": "application", "name": os.path.basename(compiler), "version": output(compiler, "-dumpfullversion").strip()},
             {"type": "application", "name": "ld", "version": output(linker, "--version").split("\n")[0].split()[-1]}]
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_URL, root + "".join(p["hashes"][0]["content"] for p in programs))),
        "metadata": {
            "timestamp": when, "tools": {"components": tools},
            "component": {"type": "application", "bom-ref": root, "name": "gpuinit", "version": arguments.version, "purl": root,
                          "licenses": [{"license": {"id": "Apache-2.0"}}], "components": programs,
                          "properties": [{"name": "gpuinit:commit", "value": arguments.commit}]},
        },
        "components": [components[reference] for reference in sorted(components)],
        "dependencies": dependencies,
    }
    with open(arguments.output, "w") as file:
        json.dump(bom, file, indent=1)
        file.write("\n")
    print(f"sbom: {arguments.machine}: " + ", ".join(sorted({made["name"] for made in components.values()})))


if __name__ == "__main__":
    main()
