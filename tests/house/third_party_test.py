#!/usr/bin/env python3
"""THIRD-PARTY-NOTICES.md names every package that the built gpuinit has something of, and another libseccomp can be linked.

    third_party_test.py SOURCE BUILD
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile


def output(*words, **options):
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def link_command(build):
    return output("ninja", "-C", build, "-t", "commands", "gpuinit").splitlines()[-1]


def files_of_others(source, build):
    """What was compiled or linked into the program and lies outside of the tree."""
    found = set()
    ours = False
    for line in output("ninja", "-C", build, "-t", "deps").splitlines():
        if not line.startswith(" "):
            ours = line.startswith("src/") and "/python_probe/" not in line
        elif ours and line.strip().startswith("/"):
            found.add(os.path.realpath(line.strip()))
    found.update(os.path.realpath(word) for word in link_command(build).split() if word.startswith("/") and word.endswith(".a"))
    for library in ("libc.a", "libstdc++.a", "libgcc.a", "libgcc_eh.a"):
        found.add(os.path.realpath(output("c++", f"-print-file-name={library}").strip()))
    return {path for path in found if os.path.exists(path) and not path.startswith((source + "/", build + "/"))}


def packages_of(paths):
    """{package without numbers: a file}; what no package has is named by its last directory and file."""
    found = {}
    # A directory of Debian's that was merged into /usr is known under its old name.
    done = subprocess.run(["dpkg", "-S", *sorted(paths)], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    owned = {}
    for line in done.stdout.splitlines():
        packages, _, path = line.rpartition(": ")
        owned[path] = packages.split(",")[0].split(":")[0]
    for path in paths:
        name = owned.get(path, os.path.basename(path))
        found.setdefault(re.sub(r"-\d+-dev$", "-N-dev", name), path)
    return found


def relink(source, build):
    """The program linked with a copy of libseccomp at another place; its --version."""
    command = link_command(build)
    library = next(word for word in command.split() if word.endswith("/libseccomp.a"))
    with tempfile.TemporaryDirectory() as work:
        other = shutil.copy(library, os.path.join(work, "libseccomp.a"))
        program = os.path.join(work, "gpuinit")
        # Without optimising the whole program anew, which is not the point and takes a minute.
        command = command.replace(library, other).replace("-o gpuinit ", f"-fno-lto -o {program} ")
        subprocess.run(command, shell=True, check=True, cwd=build)
        return output(program, "--version").strip()


def main():
    source, build = (os.path.realpath(path) for path in sys.argv[1:3])
    with open(os.path.join(source, "THIRD-PARTY-NOTICES.md")) as file:
        notices = file.read()
    packages = packages_of(files_of_others(source, build))
    missing = {name: path for name, path in packages.items() if f"`{name}`" not in notices}
    for name, path in missing.items():
        print(f"THIRD-PARTY-NOTICES.md does not name {name}, of which gpuinit has {path}")
    if "libseccomp-dev" not in packages:
        print(f"libseccomp was not seen, so this test saw too little: {sorted(packages)}")
        return 1
    print("relinked:", relink(source, build))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
