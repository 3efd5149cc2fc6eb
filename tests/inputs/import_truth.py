#!/usr/bin/env python3
"""Opens each real extension of torch in each real torch, in the real interpreter, and writes down what the loader says.

    import_truth.py [--python 3.10=PATH]...         a line of JSON for each pair, to stdout
    import_truth.py --check import_truth.jsonl      the same, and compared with what was written down

For each image of fetch.py an interpreter of its release imports torch, and then each library of the images'
/extensions is opened in a child of its own with RTLD_NOW: as Python imports an extension module, and as
torch.ops.load_library opens the others.

    image, torch, python    "torch2.8.0-cp312", "2.8.0+cu128", "3.12.1"
    library                 path below the image's root
    outcome                 "loads"; "refused": the loader said no; "crashes": it was loaded and its initialisation
                            ended the process
    error                   dlerror() word for word, or the signal

There must be no GPU driver: a library that needs libcuda.so.1 is refused for that. The interpreters of the images are
run inside of them where they can run (Debian's); python/3.10 and python/3.12 of fetch.py have names only, and one of
this machine is taken: from --python, pyenv, or PATH. Such an image is skipped if there is none. The C library is then
this machine's too: the file that is kept was made on Debian 12, which those images have.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys

import fetch

# Runs in the interpreter; argv: the libraries.
OPENER = r"""
import ctypes, json, os, platform, sys
import torch
import torch._C
for library in sys.argv[1:]:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        try:
            ctypes.CDLL(library, mode=os.RTLD_NOW | os.RTLD_LOCAL)
            os.write(theirs, b"\0")
        except OSError as error:
            os.write(theirs, str(error).encode())
        os._exit(0)
    os.close(theirs)
    said = b""
    while piece := os.read(ours, 65536):
        said += piece
    os.close(ours)
    _, status = os.waitpid(child, 0)
    if said == b"\0":
        outcome, error = "loads", ""
    elif said:
        outcome, error = "refused", said.decode()
    else:
        outcome, error = "crashes", "signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "exit"
    print("\n=" + json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda,
                              "python": platform.python_version(), "library": library, "outcome": outcome,
                              "error": error}), flush=True)
"""

# Into the root $0, with a /dev because torch reads /dev/urandom.
ENTER = 'mount --rbind /dev "$0/dev" && mount --rbind /proc "$0/proc" && exec chroot "$0" "$@"'


def extension_libraries(image):
    """Paths below the image's root; not the libraries that auditwheel put beside a package."""
    found = []
    for wheel in fetch.EXTENSIONS:
        inside = os.path.join(image, "extensions", os.path.basename(wheel))
        for path in glob.glob(inside + "/**/*.so*", recursive=True):
            if not os.path.relpath(path, inside).split("/")[0].endswith(".libs"):
                found.append("/" + os.path.relpath(path, image))
    return sorted(found)


def interpreter_for(minor, given):
    candidates = [given.get(minor), *sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{minor}.*/bin/python3"))),
                  shutil.which(f"python{minor}")]
    for program in filter(None, candidates):
        said = subprocess.run([program, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
        if said == minor:
            return program
    return None


def truth_of(name, given):
    """The lines of one image; none if no interpreter can be had."""
    recipe = fetch.INPUTS[name]
    image = os.path.join(fetch.CACHE, name)
    minor = recipe.python.partition("/")[2]
    libraries = extension_libraries(image)
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/nonexistent", "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1"}
    if isinstance(fetch.INPUTS[recipe.python], fetch.DebianPython):
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        command = ["unshare", "--mount", *user, "sh", "-c", ENTER, image, f"/usr/bin/python{minor}"]
        prefix = ""
    else:
        program = interpreter_for(minor, given)
        if program is None:
            print(f"import_truth: no Python {minor}: {name} is left out", file=sys.stderr)
            return []
        command = [program, "-s"]
        environment["PYTHONPATH"] = os.path.join(image, recipe.site)
        prefix = image
    ran = subprocess.run([*command, "-c", OPENER, *(prefix + library for library in libraries)], env=environment,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [json.loads(line[1:]) for line in ran.stdout.splitlines() if line.startswith("=")]
    if ran.returncode != 0 or len(lines) != len(libraries):
        sys.stderr.write(ran.stderr)
        raise SystemExit(f"import_truth: {name}: status {ran.returncode} after {len(lines)} of {len(libraries)} libraries")
    for line in lines:
        line["image"] = os.path.basename(name)
        line["library"] = line["library"].removeprefix(prefix)
        if prefix:
            line["error"] = line["error"].replace(prefix, "")
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", action="append", default=[], metavar="3.X=PATH")
    parser.add_argument("--check", metavar="FILE")
    arguments = parser.parse_args()
    given = dict(one.split("=", 1) for one in arguments.python)
    lines = [line for name, recipe in fetch.INPUTS.items() if isinstance(recipe, fetch.Image)
             for line in truth_of(name, given)]
    keys = ("image", "torch", "cuda", "python", "library", "outcome", "error")
    found = [json.dumps({key: line[key] for key in keys}) for line in lines]
    if not arguments.check:
        print("\n".join(found))
        return 0
    images = {line["image"] for line in lines}
    with open(arguments.check) as file:
        kept = [line.rstrip("\n") for line in file if json.loads(line)["image"] in images]
    for line in sorted(set(found) ^ set(kept)):
        print(("found: " if line in found else "kept:  ") + line)
    print(f"{len(found)} pairs, {len(set(found) & set(kept))} as they were written down")
    return 0 if found == kept else 1


if __name__ == "__main__":
    sys.exit(main())
