#!/usr/bin/env python3
"""Opens each real extension of torch in each real torch, in the real interpreter, and writes down what the loader says.

    import_truth.py [--python 3.10=PATH]...         lines of JSON, to stdout
    import_truth.py --check import_truth.jsonl      the same, and compared with what was written down

In each image of fetch.py an interpreter of its release imports torch, then torchvision and torchaudio where it is:

    image                   of fetch.py, "torch2.8.0-cp312"
    torch, cuda             what torch said of itself: "2.8.0+cu128", "12.8"
    imports                 "torch"; "extensions": torchvision and torchaudio, with torch imported already
    before                  the loader's link map, without the program
    opens                   what Python opened during the import, in that order: by ctypes or as an extension module
    loads                   what the link map had then behind `before`

And after `import torch` each library below the image's /extensions is opened in a child of its own with RTLD_NOW: as
Python imports an extension module, and as torch.ops.load_library opens the others.

    library                 path in the image
    after                   what is opened before it: what its package opens, and in a second try both CUDA runtimes,
                            so that it is not refused for that alone. These may be refused too.
    outcome                 "loads"; "refused": the loader said no; "crashes": it was loaded and its initialisation
                            ended the process
    error                   dlerror() word for word, or the signal

An image has no GPU driver: what needs libcuda.so.1 is refused for that.

Each image is the root of its run, with its own loader and its own C library. Debian's interpreters are those of the
image. python/3.10 and python/3.12 of fetch.py have names only; one of this machine takes their place, from --python or
from pyenv, and without one the image is left out.
"""
import argparse
import glob
import json
import os
import re
import subprocess
import sys

import fetch

# Runs in the interpreter; argv: "LIBRARY:AFTER:AFTER…".
OPENER = r"""
import ctypes, importlib, importlib.util, json, os, sys

class Map(ctypes.Structure): pass
Map._fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p), ("dynamic", ctypes.c_void_p),
                ("next", ctypes.POINTER(Map))]
class Debug(ctypes.Structure):
    _fields_ = [("version", ctypes.c_int), ("map", ctypes.POINTER(Map))]

def link_map():
    paths, at = [], Debug.in_dll(ctypes.CDLL(None), "_r_debug").map
    while at:
        paths.append(at.contents.name.decode())
        at = at.contents.next
    return [path for path in paths if path.startswith("/")]  # without the program and the vdso

def say(**line):
    print("\n=" + json.dumps(line), flush=True)

def in_child(work):
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.write(theirs, work().encode())
        os._exit(0)
    os.close(theirs)
    said = b""
    while piece := os.read(ours, 65536):
        said += piece
    os.close(ours)
    return said.decode(), os.waitpid(child, 0)[1]

def import_all():
    import torch, torchvision
    if importlib.util.find_spec("torchaudio"):
        import torchaudio

# What torch imports of the standard library comes first: those modules are the interpreter's, and are not asked about.
def standard_modules():
    import_all()
    return " ".join(name for name, module in sys.modules.items()
                    if "/lib-dynload/" in (getattr(module, "__file__", None) or ""))
for name in in_child(standard_modules)[0].split():
    importlib.import_module(name)

opened = []
def hook(event, arguments):
    if event == "ctypes.dlopen" and arguments[0]:
        opened.append(os.fspath(arguments[0]))
    elif event == "import" and arguments[1]:
        opened.append(arguments[1])
sys.addaudithook(hook)

def watched_import(what, work):
    before = link_map()
    opened.clear()
    work()
    opens, after = list(opened), link_map()
    assert after[:len(before)] == before
    return dict(imports=what, before=before, opens=opens, loads=after[len(before):])

def import_torch():
    import torch
line = watched_import("torch", import_torch)
import torch
import torch._C
about = dict(torch=torch.__version__, cuda=torch.version.cuda)
say(**about, **line)
say(**about, **json.loads(in_child(lambda: json.dumps(watched_import("extensions", import_all)))[0]))

def try_to_open(library, after):
    for path in after:
        try:
            ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_LOCAL)
        except OSError:
            pass
    try:
        ctypes.CDLL(library, mode=os.RTLD_NOW | os.RTLD_LOCAL)
        return "+"
    except OSError as error:
        return str(error)

for pair in sys.argv[1:]:
    library, *after = pair.split(":")
    said, status = in_child(lambda: try_to_open(library, after))
    if said == "+":
        outcome, error = "loads", ""
    elif said:
        outcome, error = "refused", said
    else:
        outcome, error = "crashes", "signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "exit"
    say(library=library, after=after, outcome=outcome, error=error)
"""

# Into the root $0, with a /dev because torch reads /dev/urandom, and with the interpreter's prefix $1, if any, as /home.
ENTER = """mount --rbind /dev "$0/dev" && mount --rbind /proc "$0/proc" || exit
prefix=$1; shift
[ -z "$prefix" ] || mount --bind "$prefix" "$0/home" || exit
exec chroot "$0" "$@" """

# A package opens these first.
AFTER = {"_torchaudio.so": "libtorchaudio.so", "_torchaudio.abi3.so": "libtorchaudio.abi3.so",
         "_torchaudio_sox.so": "libtorchaudio_sox.so", "pybind11_prefixctc.so": "libctc_prefix_decoder.so"}

# In EXTENSIONS; a library that is loaded answers to its SONAME wherever it lies.
CUDA_RUNTIMES = ("/extensions/cu12/nvidia/cuda_runtime/lib/libcudart.so.12", "/extensions/cu13/nvidia/cu13/lib/libcudart.so.13")

# A second C library in one process is no case of interest.
C_LIBRARY = re.compile(r"(ld-linux-x86-64|lib(anl|BrokenLocale|c|c_malloc_debug|dl|m|memusage|mvec|nsl|nss_\w+|pcprofile|"
                       r"pthread|resolv|rt|thread_db|util))\.so")


def pairs_of(image):
    """"LIBRARY:AFTER…", paths in the image; not the libraries that auditwheel put beside a package."""
    found = []
    for path in glob.glob(image + "/extensions/**/*.so*", recursive=True):
        inside = os.path.relpath(path, image + "/extensions").split("/")
        name = inside[-1]
        if os.path.islink(path) or inside[1].endswith(".libs") or C_LIBRARY.match(name) or "gconv" in inside:
            continue
        library = "/extensions/" + "/".join(inside)
        package = [os.path.join(os.path.dirname(library), AFTER[name])] if name in AFTER else []
        found.append(":".join([library, *package]))
        if inside[1] in ("torchaudio", "torchvision", "xformers"):
            found.append(":".join([library, *CUDA_RUNTIMES, *package]))
    return sorted(found)


def prefix_of(minor, given):
    """Where a real interpreter of that release is; None if there is none."""
    programs = [given[minor]] if minor in given else sorted(
        glob.glob(os.path.expanduser(f"~/.pyenv/versions/{minor}.*/bin/python{minor}")))
    return os.path.dirname(os.path.dirname(os.path.realpath(programs[-1]))) if programs else None


def truth_of(name, given):
    """The lines of one image; none if no interpreter can be had."""
    recipe = fetch.INPUTS[name]
    image = os.path.join(fetch.CACHE, name)
    minor = recipe.python.partition("/")[2]
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/nonexistent", "LC_ALL": "C",
                   "PYTHONDONTWRITEBYTECODE": "1"}  # the files are those of other inputs too
    prefix, program = "", f"/usr/bin/python{minor}"
    if isinstance(fetch.INPUTS[recipe.python], fetch.MadePython):
        prefix, program = prefix_of(minor, given), f"/home/bin/python{minor}"
        environment.update(PYTHONPATH="/" + recipe.site, LD_LIBRARY_PATH="/home/lib")
        if prefix is None:
            print(f"import_truth: no Python {minor}: {name} is left out", file=sys.stderr)
            return []
    pairs = pairs_of(image)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    ran = subprocess.run(["unshare", "--mount", *user, "sh", "-c", ENTER, image, prefix, program, "-c", OPENER, *pairs],
                         env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = [json.loads(line[1:]) for line in ran.stdout.splitlines() if line.startswith("=")]
    if ran.returncode != 0 or len(lines) != 2 + len(pairs):
        sys.stderr.write(ran.stderr)
        raise SystemExit(f"import_truth: {name}: status {ran.returncode} after {len(lines)} of {2 + len(pairs)} lines")
    return [{"image": os.path.basename(name), **line} for line in lines]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", action="append", default=[], metavar="3.X=PATH")
    parser.add_argument("--check", metavar="FILE")
    arguments = parser.parse_args()
    given = dict(one.split("=", 1) for one in arguments.python)
    lines = [line for name, recipe in fetch.INPUTS.items() if isinstance(recipe, fetch.Image)
             for line in truth_of(name, given)]
    found = [json.dumps(line) for line in lines]
    if not arguments.check:
        print("\n".join(found))
        return 0
    images = {line["image"] for line in lines}
    with open(arguments.check) as file:
        kept = [line.rstrip("\n") for line in file if json.loads(line)["image"] in images]
    for line in sorted(set(found) ^ set(kept)):
        print(("found: " if line in found else "kept:  ") + line)
    print(f"{len(found)} lines, {len(set(found) & set(kept))} as they were written down")
    return 0 if found == kept else 1


if __name__ == "__main__":
    sys.exit(main())
