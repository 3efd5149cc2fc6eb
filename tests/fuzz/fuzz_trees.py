#!/usr/bin/env python3
"""Runs gpuinit on whole images that were damaged at random: contents, names, kinds, modes and sizes of files, what else it reads, its limits.

    fuzz_trees.py GPUINIT [--seed N] [--runs N | --seconds N] [--only N] [--keep DIR] [--most N]

Every run must end within 5 s, by no signal and not with 70, and may print no control byte but a line feed, no text that is
not UTF-8 and nothing that turns the direction of writing; what is asked for as JSON must be JSON. Run N of a seed is the
same wherever it is made: a failure prints the command line that makes it again, alone, and keeps its files.
"""
import argparse
import json
import os
import pathlib
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

LIMIT_SECONDS = 5
SITE = "usr/local/lib/python3.12/site-packages"
NASTY = [b"\x1b[31m", b"\x9b", b"\n", b"\r", b"\x00", b"\xff\xfe", b"\xc3", "\u202e".encode(), "\u2066".encode(), b"\t", b"\x7f",
         b"\nfix: run this", b"%s%n", b"..", b"/", b"../../../../etc/passwd", b"/proc/self/mem", b"A" * 5000, b"-", b"'", b'"', b"\\", b"$ORIGIN",
         b"0", b"-1", b"18446744073709551615", b"1e999", b"[", b"{", b"]", b"=", b"==", b";", b",", b"torch", b"import os", b"\xef\xbb\xbf"]
NODE = {"node": {"driver": {"kernel_version": "570.124.06", "cuda_version": "12.8"},
                 "devices": [{"name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0", "memory_bytes": 85899345920}]}}
CONFIG = [{"Config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LD_LIBRARY_PATH=/opt/lib"], "Entrypoint": ["/app/start.sh"],
                      "Cmd": ["python3", "/app/main.py"], "User": "1000", "WorkingDir": "/app"}}]
POLICY = 'version = 1\n[checks]\nplatform = "warn"\n[expect]\ntorch = ">=2.0"\npackages.numpy = ">=1.20"\n[gpu]\nrequired = "no"\n' \
         '[seccomp]\nbase = "none"\ndeny = ["ptrace"]\n'
COMMANDS = [["python3", "/app/main.py"], ["/app/start.sh"], ["sh", "-c", "exec python3 -m torch.distributed.run /app/main.py"],
            ["env", "A=b", "python", "-c", "import torch"], ["/usr/local/bin/python3.12", "-m", "pkg"], ["torchrun", "/app/main.py"], []]


def library(path, soname, needed=(), runpath="", symbols=()):
    """A shared library that is one to the loader, with little inside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        stubs = []
        for name in needed:
            stub = os.path.join(scratch, name)
            subprocess.run(["gcc", "-shared", "-nostdlib", "-o", stub, f"-Wl,-soname,{name}", "-x", "c", os.devnull], check=True)
            stubs.append(stub)
        source = "".join(f"int {symbol}(void) {{ return 1; }}\n" for symbol in ("gpuinit_fuzz", *symbols))
        subprocess.run(["gcc", "-shared", "-nostdlib", "-fPIC", "-Wl,--no-as-needed", "-s", "-o", path, f"-Wl,-soname,{soname}",
                        *([f"-Wl,-rpath,{runpath}"] if runpath else []), "-x", "c", "-", "-x", "none", *stubs],
                       input=source, text=True, check=True)


def text(path, content, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)


def make_image(root):
    """Python 3.12 and torch 2.8 with a CUDA runtime, an egg, an extension, a .pth, a virtual environment and two programs."""
    here = pathlib.Path(__file__).resolve().parent.parent
    subprocess.run([sys.executable, here / "inputs/make_python_tree.py", "--version", "3.12.1", "--out", root, "--exports",
                    here / "inputs/libpython3.12.exports"], check=True, stdout=subprocess.DEVNULL)
    lib = root / "usr/local/lib/python3.12"
    for spare in sorted((lib / "lib-dynload").iterdir())[3:]:  # so many are of no use here
        spare.unlink()
    for name in ("python3", "python"):
        if not (root / "usr/local/bin" / name).exists():
            (root / "usr/local/bin" / name).symlink_to("python3.12")
    site, torch = root / SITE, root / SITE / "torch"
    text(torch / "__init__.py", "import numpy\n")
    text(torch / "version.py", "__version__ = '2.8.0+cu128'\ndebug = False\ncuda: Optional[str] = '12.8'\nhip: Optional[str] = None\n")
    origin = "$ORIGIN/../../nvidia/cuda_runtime/lib:$ORIGIN"
    library(torch / "_C.cpython-312-x86_64-linux-gnu.so", "_C.so", ["libtorch_python.so"], "$ORIGIN/lib", ["PyInit__C"])
    library(torch / "lib/libtorch_python.so", "libtorch_python.so", ["libtorch.so", "libtorch_cuda.so"], origin)
    library(torch / "lib/libtorch_global_deps.so", "libtorch_global_deps.so", ["libcudart.so.12"], origin)
    library(torch / "lib/libtorch_cuda.so", "libtorch_cuda.so", ["libcudart.so.12", "libc10.so"], origin)
    for name in ("libtorch.so", "libc10.so"):
        library(torch / "lib" / name, name)
    library(site / "nvidia/cuda_runtime/lib/libcudart.so.12", "libcudart.so.12")
    library(site / "ext/_x.cpython-312-x86_64-linux-gnu.so", "_x.so", ["libtorch.so", "libc10.so"], "", ["PyInit__x"])
    metadata = "Metadata-Version: 2.1\nName: {0}\nVersion: {1}\nRequires-Dist: {2}\n\nText\n"
    text(site / "torch-2.8.0+cu128.dist-info/METADATA", metadata.format("torch", "2.8.0+cu128", "numpy>=1.20"))
    text(site / "torch-2.8.0+cu128.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp312-cp312-manylinux_2_28_x86_64\n")
    text(site / "torch-2.8.0+cu128.dist-info/RECORD", "torch/__init__.py,sha256=abcdefghijk,13\ntorch/lib/libtorch.so,sha256=abcdefghijk,99\n")
    text(site / "ext-1.0.dist-info/METADATA", metadata.format("ext", "1.0", "torch==2.9 ; python_version > '3'"))
    text(site / "ext-1.0.dist-info/RECORD", "ext/_x.cpython-312-x86_64-linux-gnu.so,sha256=abcdefghijk,99\n")
    text(site / "old-1.egg/EGG-INFO/PKG-INFO", metadata.format("old", "1", "numpy"))
    text(site / "older.egg-info", metadata.format("older", "0", "numpy<1"))
    text(site / "more.pth", "/opt/more\nimport sys; sys.path\n")
    text(root / "opt/more/numpy-2.0.dist-info/METADATA", metadata.format("numpy", "2.0", "x"))
    text(root / "opt/venv/pyvenv.cfg", "home = /usr/local/bin\nversion = 3.12.1\n")
    (root / "opt/venv/bin").mkdir()
    (root / "opt/venv/bin/python3").symlink_to("/usr/local/bin/python3")
    text(root / "app/main.py", "#!/usr/bin/env python3\nimport torch, ext\n", 0o755)
    text(root / "app/start.sh", "#!/bin/sh\nset -e\n. /app/env\nexport A=$(nproc)\nexec /opt/venv/bin/python3 /app/main.py \"$@\"\n", 0o755)
    text(root / "app/env", "PATH=/usr/local/bin:$PATH\n")
    text(root / "usr/local/bin/torchrun", "#!/usr/local/bin/python3\nimport torch\n", 0o755)
    for name in ("sh", "env", "bash"):
        shutil.copy(root / "usr/local/bin/python3.12", root / "usr/local/bin" / name)
    (root / "bin").symlink_to("usr/local/bin")
    (root / "usr/bin").symlink_to("local/bin")
    text(root / "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000::/home/u:/bin/sh\n")
    text(root / "etc/ld.so.preload", "")
    text(root / "etc/os-release", "ID=debian\nVERSION_ID=12\n")


def damaged(rng, data):
    """The bytes with one to eight wounds."""
    data = bytearray(data[:1 << 20])
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 1, 4, 16, 400)))
        wound = rng.randrange(7)
        if wound == 0 and data:
            data[min(at, len(data) - 1)] = rng.randrange(256)
        elif wound in (1, 2):
            data[at:at] = rng.choice(NASTY)
        elif wound == 3:
            data[at:end] = rng.choice(NASTY)
        elif wound == 4:
            del data[at:end]
        elif wound == 5:
            data[at:at] = data[at:end] * rng.choice((1, 2, 300))
        else:
            del data[at:]
    return bytes(data)


def damage_place(rng, root, path):
    """Does something to one file, link or directory of the image."""
    kind = rng.randrange(12)
    # An earlier wound may have made a link of a directory above it, which leads out to the machine's own files.
    if os.path.realpath(path.parent) != os.path.join(os.path.realpath(root), path.parent.relative_to(root)):
        return
    if kind < 5 and path.is_file() and not path.is_symlink():
        with open(path, "rb") as file:
            data = damaged(rng, file.read(1 << 20))
        mode = path.stat().st_mode
        path.unlink()  # it shares its bytes with the image that is copied
        path.write_bytes(data)
        path.chmod(mode)
        return
    if kind in (5, 6):
        name = bytearray(os.fsencode(path.name))
        at = rng.randrange(len(name) + 1)
        name[at:at] = rng.choice(NASTY).replace(b"/", b"_").replace(b"\0", b"_")[:200]
        os.rename(path, os.path.join(os.fsencode(path.parent), bytes(name)[:255]))
        return
    if kind == 7:
        if not path.is_symlink():
            path.chmod(rng.choice((0, 0o111, 0o444, 0o4755, 0o777)))
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    if kind == 8:
        os.symlink(rng.choice((path.name, "/", "..", "/proc/self/root/etc", "/dev/zero", "/dev/tty", "/none", "x" * 4000, "\udcff\x1b[0m", "../" * 50,
                               "/proc/self/fd/0", os.fspath(root))), path)
    elif kind == 9:
        rng.choice((os.mkfifo, os.mkdir))(path)
    elif kind == 10:
        path.touch()
        os.truncate(path, rng.choice((0, 1, 4096, 1 << 20, 1 << 33, 1 << 40)))
    elif kind == 11 and len(os.fspath(path)) < 100:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(os.fspath(path))


class Case:
    """One run: its files, and the words and the environment that gpuinit gets."""

    def __init__(self, rng, base, directory, program):
        self.rng, self.directory, self.program = rng, directory, program
        root = directory / "image"
        shutil.copytree(base / "image", root, symlinks=True, copy_function=os.link)
        places = sorted(root.rglob("*"))
        for _ in range(rng.choice((0, 1, 1, 2, 4))):
            try:
                damage_place(rng, root, rng.choice(places))
            except OSError:  # what was there is gone with another
                pass
        self.json = False
        self.environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root"}
        self.words = [os.fspath(program), *self.options(base, root)]
        if rng.randrange(6) == 0:
            name = rng.choice(("LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "CUDA_VISIBLE_DEVICES", "GPUINIT_SET", "HOME", "PATH", "LD_PRELOAD"))
            self.environment[name] = damaged(rng, b"/opt/lib:/opt/more").replace(b"\0", b"")[:4000]
        self.limits = []
        if rng.randrange(8) == 0:
            self.limits.append((resource.RLIMIT_NOFILE, rng.choice((3, 4, 5, 6, 8, 12, 20, 40))))
        if rng.randrange(8) == 0:
            self.limits.append((resource.RLIMIT_AS, rng.choice((64, 128, 512)) << 20))
        self.is_user = os.geteuid() == 0 and rng.randrange(8) == 0

    def file(self, base, name):
        """One of the files that the user gives, damaged half of the time."""
        path = self.directory / name
        data = (base / name).read_bytes()
        path.write_bytes(damaged(self.rng, data) if self.rng.randrange(2) else data)
        return path

    def options(self, base, root):
        rng = self.rng
        words = []
        if rng.randrange(3) == 0:
            words += ["--policy", self.file(base, "policy.toml")]
        if rng.randrange(4) == 0:
            words += ["--set", damaged(rng, rng.choice((b"gpu.required=no", b"expect.packages.numpy===3", b"checks.platform=off"))).replace(b"\0", b"")]
        form = rng.choice(("text", "text", "json"))
        words += ["--format", form]
        words += rng.choice(([], ["--quiet"], ["--verbose"]))
        command = rng.choice(COMMANDS)
        verb = rng.choice(("--check", "--check", "--check", "--facts", "--seal", "--image", "--print-policy", "--explain", "launch"))
        self.json = form == "json" and verb in ("--check", "--print-policy", "--image") or verb == "--facts"
        if verb == "--print-policy":
            return [*words, verb]
        if verb == "--explain":
            return [*words, verb, damaged(rng, b"python.abi").replace(b"\0", b"")[:300]]
        if verb == "launch":  # of a static program, with a recording that is damaged: no loader says anything
            self.json = False
            return [*words, "--set", "gpu.required=no", "--set", b"image.seal=" + os.fsencode(self.file(base, "recorded.seal")), "--",
                    self.program, "--version"]
        node = ["--node", self.file(base, rng.choice(("node.json", "facts.json")))]
        if verb == "--image":
            return [*words, "--check", verb, self.file(base, rng.choice(("image.seal", "facts.json"))), *node]
        if verb == "--seal":
            verb, node = f"--seal={self.directory / 'new.seal'}", []
        if rng.randrange(3) == 0:
            words += ["--image-config", self.file(base, "config.json")]
        if rng.randrange(4) == 0 and not verb.startswith("--seal"):
            words += ["--set", b"image.seal=/image.seal"]
            shutil.copy(self.file(base, "image.seal"), root / "image.seal")
        return [*words, verb, "--root", root, *node, "--", *command] if command else [*words, verb, "--root", root, *node]

    def in_child(self):
        for limit, value in self.limits:
            resource.setrlimit(limit, (value, value))
        if self.is_user:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

    def run(self):
        """What is wrong with the run; "" if nothing is."""
        try:
            ran = subprocess.run(self.words, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_SECONDS,
                                 preexec_fn=self.in_child, check=False)
        except subprocess.TimeoutExpired:
            return f"it did not end within {LIMIT_SECONDS} s"
        wrong = [f"ended by signal {-ran.returncode}"] if ran.returncode < 0 else []
        if ran.returncode == 70:
            wrong.append("exit code 70")
        for name, output in (("standard output", ran.stdout), ("standard error", ran.stderr)):
            wrong += [f"{name}: {problem}" for problem in problems_of(output)]
        if self.json and ran.stdout:
            try:
                json.loads(ran.stdout)
            except ValueError as error:
                wrong.append(f"standard output is not JSON: {error}")
        if wrong:
            wrong += ["--- standard output", repr(ran.stdout[-2000:]), "--- standard error", repr(ran.stderr[-2000:])]
        return "\n".join(wrong)


def problems_of(output):
    try:
        characters = set(output.decode())
    except UnicodeDecodeError as error:
        return [f"not UTF-8: {output[max(0, error.start - 40):error.start + 40]!r}"]
    return [f"has U+{ord(c):04X}" for c in sorted(characters)
            if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c in "\u200e\u200f\u2028\u2029" or "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069"]


def make_base(base, program):
    make_image(base / "image")
    (base / "node.json").write_text(json.dumps(NODE))
    (base / "config.json").write_text(json.dumps(CONFIG))
    (base / "policy.toml").write_text(POLICY)
    root = ["--root", base / "image", "--", "python3", "/app/main.py"]
    facts = subprocess.run([program, "--facts", *root], check=True, stdout=subprocess.PIPE).stdout
    (base / "facts.json").write_bytes(facts)
    if b"2.8.0+cu128" not in facts:
        sys.exit("the undamaged image is not understood: there is nothing to be damaged")
    subprocess.run([program, "--quiet", "--seal", base / "image.seal", *root], check=True)
    recorded = subprocess.run([program, "--quiet", "--seal", base / "recorded.seal", "--", "/usr/bin/python3", "-S", "-c", "1"], check=False)
    if recorded.returncode != 0:  # neither ptrace nor a listener is allowed here
        shutil.copy(base / "image.seal", base / "recorded.seal")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1 << 62)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path("fuzz-trees-found"))
    parser.add_argument("--most", type=int, default=5, help="failures, then stop")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    end, failures, runs = time.monotonic() + arguments.seconds, 0, 0
    with tempfile.TemporaryDirectory(prefix="gpuinit-fuzz-") as scratch:
        os.chmod(scratch, 0o755)
        base = pathlib.Path(scratch) / "base"
        base.mkdir()
        make_base(base, program)
        for number in range(arguments.runs) if arguments.only is None else [arguments.only]:
            if time.monotonic() >= end or failures >= arguments.most:
                break
            directory = pathlib.Path(scratch) / "run"
            directory.mkdir()
            directory.chmod(0o777)
            case = Case(random.Random(f"{arguments.seed} {number}"), base, directory, program)
            wrong = case.run()
            runs += 1
            if runs % 1000 == 0:
                print(f"{runs} runs, {failures} failed", flush=True)
            if wrong:
                failures += 1
                kept = arguments.keep / f"{arguments.seed}-{number}"
                print(f"run {number}: {wrong}\nwords: {case.words}\nenvironment: {case.environment}\nlimits: {case.limits}"
                      f"{' user 65534' if case.is_user else ''}\nagain: {sys.argv[0]} {arguments.program} --seed {arguments.seed} --only {number}",
                      flush=True)
                shutil.rmtree(kept, ignore_errors=True)
                kept.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-a", "--sparse=always", directory, kept], check=False)
            shutil.rmtree(directory)
    print(f"{runs} runs, {failures} failed")
    sys.exit(bool(failures) or runs == 0)


main()
