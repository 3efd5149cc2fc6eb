#!/usr/bin/env python3
"""Edits real images at random and holds the sealed verdict against the full one: facts and findings must be equal.

usage: tests/program/seal_edits.py GPUINIT [--rounds 600] [--seed N] [--image NAME]

Each round has a fresh overlay over an image of tests/inputs/fetch.py and over its seal, one or two edits, and one
command. Needs root (mounts); exits with 77, skipped, without.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

CACHE = pathlib.Path(os.environ.get("GPUINIT_TESTS_CACHE")
                     or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gpuinit-tests")
NODE = {"node": {"driver": {"kernel_version": "595.71.05", "cuda_version": "13.2"},
                 "devices": [{"name": "NVIDIA H100 80GB HBM3", "compute_capability": "9.0"}]}}
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root"}
NOBODY = 65534
LARGE = 16 << 20  # overlayfs copies a file that is changed


class Image:
    def __init__(self, name, gpuinit, scratch):
        self.name, self.gpuinit, self.scratch = name, gpuinit, scratch
        self.lower = CACHE / "image" / name
        self.root = scratch / "root"
        self.sealed = scratch / "sealed"
        for directory in (self.root, self.sealed):
            directory.mkdir(parents=True)
            directory.chmod(0o755)
        (self.sealed / "app").mkdir()
        (self.sealed / "app/train.py").write_text("import torch\n")
        (self.sealed / "usr/bin").mkdir(parents=True)
        for program in ("sh", "env"):
            shutil.copy(f"/usr/bin/{program}", self.sealed / "usr/bin", follow_symlinks=True)
        self.site = next(path.relative_to(self.lower) for path in self.lower.glob("usr/local/lib/python3.*/*-packages")
                         if (path / "torch").is_dir())
        (self.scratch / "node.json").write_text(json.dumps(NODE))
        with self.mounted(self.sealed):
            self.run("--seal", str(self.root / "etc/gpuinit/seal"), command=["python3", "/app/train.py"], node=False)
        self.witnesses = self.looked_at()

    @contextlib.contextmanager
    def mounted(self, upper=None):
        fresh = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        lower = str(self.lower) if upper else f"{self.sealed}:{self.lower}"
        (fresh / "upper").mkdir()
        (fresh / "work").mkdir()
        subprocess.run(["mount", "-t", "overlay", "overlay", str(self.root), "-o",
                        f"lowerdir={lower},upperdir={upper or fresh / 'upper'},workdir={fresh / 'work'}"], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "-R", str(self.root)], check=True)
            shutil.rmtree(fresh)

    def run(self, *arguments, command, environment=ENVIRONMENT, node=True, user=None):
        words = [self.gpuinit, *arguments, "--root", str(self.root)]
        if node:
            words += ["--node", str(self.scratch / "node.json")]
        done = subprocess.run([*words, "--", *command], env=environment, user=user, capture_output=True, text=True)
        if done.returncode not in (0, 65, 66, 127, 126):
            sys.exit(f"{words} exited with {done.returncode}: {done.stderr}")
        return done

    def judged(self, command, environment, user, *more):
        done = self.run("--check", "--format", "json", *more, command=command, environment=environment, user=user)
        if not done.stdout:  # the command is not there
            return {"exit_code": done.returncode, "facts": {"image": {"seal": None}}, "findings": [], "checks": []}, None
        report = json.loads(done.stdout)
        report.pop("timings_ms", None)
        seal = report["facts"]["image"].pop("seal")
        for key in ("findings", "checks"):
            report[key] = [one for one in report[key] if one["id"] != "image.sealed"]
        for key in ("verdict", "exit_code", "policy"):  # image.sealed has a say in them; image.seal is set
            report.pop(key)
        return report, seal

    def looked_at(self):
        """Files that a full reading opens, from strace."""
        with self.mounted():
            trace = self.scratch / "trace"
            subprocess.run(["strace", "-f", "-y", "-o", str(trace), "-e", "trace=pread64,getdents64", self.gpuinit, "--check",
                            "--quiet", "--set", "image.seal=", "--root", str(self.root), "--node",
                            str(self.scratch / "node.json"), "--", "python3"], env=ENVIRONMENT, capture_output=True)
            found = set()
            for line in trace.read_text(errors="replace").splitlines():
                path = line.partition("<")[2].partition(">")[0]
                if path.startswith(f"{self.root}/"):
                    found.add(path[len(str(self.root)) + 1:])
            return sorted(found)


class Edits:
    """Each returns a word for the log."""

    def __init__(self, image, rng):
        self.image, self.rng, self.root = image, rng, image.root

    def some_file(self):
        # Mostly one that matters.
        for _ in range(1000):
            if self.rng.random() < 0.85:
                path = self.root / self.rng.choice(self.image.witnesses)
            else:
                directory = self.rng.choice([self.image.site, pathlib.Path("usr/lib"), pathlib.Path("etc")])
                files = [path for path in (self.root / directory).iterdir() if path.is_file()]
                if not files:
                    continue
                path = self.rng.choice(files)
            if path.is_file():
                return path
        raise IndexError("no file is left")

    def small_file(self):
        while True:
            path = self.some_file()
            if path.stat().st_size < LARGE:
                return path

    def touch(self):
        path = self.small_file()
        was = path.stat().st_mtime
        time = was + self.rng.choice([-1, 1, -86400, 86400])
        os.utime(path, (time, time))
        return f"touch {path}"

    def append(self):
        path = self.small_file()
        with open(path, "ab") as file:
            file.write(b"\0")
        return f"append {path}"

    def truncate(self):
        path = self.small_file()
        os.truncate(path, path.stat().st_size // 2)
        return f"truncate {path}"

    def remove(self):
        path = self.some_file()
        path.unlink()
        return f"remove {path}"

    def replace_by_link(self):
        path = self.some_file()
        path.unlink()
        path.symlink_to(self.rng.choice(["/usr/bin/env", "nowhere", "/etc/passwd", "/etc"]))
        return f"link {path}"

    def replace_by_directory(self):
        path = self.some_file()
        path.unlink()
        path.mkdir()
        return f"directory {path}"

    def replace_by_copy(self):
        path = self.small_file()
        text = path.read_bytes()
        path.unlink()
        path.write_bytes(text)
        return f"copy {path}"

    def chmod(self):
        path = self.small_file()
        path.chmod(self.rng.choice([0o600, 0o644, 0o755, 0]))
        return f"chmod {path}"

    def rename(self):
        path = self.some_file()
        path.rename(path.with_name(path.name + ".old"))
        return f"rename {path}"

    def add(self):
        site = self.root / self.image.site
        place = self.rng.choice([site, site / "torch", site / "torch/lib", self.root, self.root / "app", self.root / "usr/lib",
                                 self.root / "usr/lib/x86_64-linux-gnu", self.root / "usr/local/lib", site / "nvidia",
                                 self.root / "usr/local/nvidia/lib64", self.root / "usr/local/cuda-13.0/compat",
                                 self.root / "opt/lib", self.root / "root/.local" / "lib" / site.parent.name / "site-packages"])
        place.mkdir(parents=True, exist_ok=True)
        kind = self.rng.randrange(9)
        if kind == 0:
            (place / "torch.py").write_text("raise SystemExit\n")
        elif kind == 1:
            (place / "some-1.0.dist-info").mkdir()
            (place / "some-1.0.dist-info/METADATA").write_text("Name: some\nVersion: 1.0\nRequires-Dist: torch==1.0\n")
        elif kind == 2:
            (place / "more.pth").write_text("/opt/more\nimport sys; sys.path.insert(0, '/x')\n")
        elif kind == 3:
            (place / "sitecustomize.py").write_text("import sys; sys.path.append('/y')\n")
        elif kind == 4:
            with contextlib.suppress(shutil.SameFileError, FileNotFoundError):
                shutil.copy(self.root / "usr/lib/x86_64-linux-gnu/libstdc++.so.6", place / "libstdc++.so.6")
        elif kind == 5:
            (place / "libcudart.so.12").write_bytes(b"\x7fELF nothing")
        elif kind == 6:
            (place / "torch").mkdir(exist_ok=True)
            (place / "torch/__init__.py").write_text("")
        elif kind == 7:
            (place / "nothing.txt").write_text("")
        else:
            (place / "libcuda.so.1").write_bytes(b"\x7fELF nothing")
        return f"add {kind} in {place}"

    def uninstall(self):
        site = self.root / self.image.site
        info = self.rng.choice([path for path in site.iterdir() if path.name.endswith(".dist-info")])
        shutil.rmtree(info)
        package = site / info.name.partition("-")[0]
        if package.is_dir() and package.name not in ("torch", "nvidia", "triton"):
            shutil.rmtree(package)
        return f"uninstall {info}"

    def upgrade(self):
        site = self.root / self.image.site
        info = self.rng.choice([path for path in site.iterdir() if path.name.endswith(".dist-info")])
        text = (info / "METADATA").read_text() if (info / "METADATA").is_file() else ""
        shutil.rmtree(info)
        new = info.with_name(info.name.partition("-")[0] + "-99.dist-info")
        new.mkdir()
        (new / "METADATA").write_text("Version: 99\n".join(text.split("Version: ", 1)) or "Name: x\n")
        return f"upgrade {info}"

    def ldconfig(self):
        extra = self.root / "opt/extra"
        extra.mkdir(parents=True, exist_ok=True)
        name = self.rng.choice(["libunrelated.so.1", "libstdc++.so.6", "libgcc_s.so.1", "libcuda.so.1"])
        source = self.root / "usr/lib/x86_64-linux-gnu" / (name if name.startswith(("libstdc", "libgcc")) else "libz.so.1")
        if source.exists():
            shutil.copy(source, extra / name)
        (self.root / "etc/ld.so.conf.d").mkdir(parents=True, exist_ok=True)
        (self.root / "etc/ld.so.conf.d/000-extra.conf").write_text("/opt/extra\n")
        subprocess.run(["ldconfig", "-r", str(self.root)], capture_output=True)
        return f"ldconfig with {name}"

    def mount(self):
        place = self.root / self.rng.choice([self.image.site, self.image.site / "torch", pathlib.Path("app"), pathlib.Path("root"),
                                             pathlib.Path("usr/local"), pathlib.Path("opt")])
        if not place.is_dir():
            return "no mount"
        if self.rng.random() < 0.5:
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], check=True)
        else:  # the same files once more
            subprocess.run(["mount", "--bind", str(place), str(place)], check=True)
        return f"mount {place}"

    def nothing(self):
        return "nothing"

    def one(self):
        kinds = [self.touch, self.append, self.truncate, self.remove, self.replace_by_link, self.replace_by_directory,
                 self.replace_by_copy, self.chmod, self.rename, self.add, self.add, self.add, self.uninstall, self.upgrade,
                 self.ldconfig, self.mount]
        if self.rng.random() < 0.3:
            return self.nothing()
        try:
            return self.rng.choice(kinds)()
        except (OSError, IndexError) as error:  # the edit before took away what this one needs
            return f"not possible: {error}"


def command_and_environment(image, rng):
    command = rng.choice([["python3"], ["python3", "/app/train.py"], ["python3", "-c", "import torch"],
                          ["python3", "-m", "train"], ["python3", "-I", "/app/train.py"], ["python3", "-s", "-c", "1"],
                          ["env", "python3", "/app/train.py"], ["sh", "-c", "exec python3 /app/train.py"],
                          ["sh", "-c", "cd /app && exec python3 -m train"], ["python3", "-S", "-c", "1"], ["bash", "/no/such.sh"]])
    environment = dict(ENVIRONMENT)
    if rng.random() < 0.35:
        name = rng.choice(["LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONUSERBASE",
                           "VIRTUAL_ENV", "HOME", "PYTHONUNBUFFERED", "PYTHONSAFEPATH", "NVIDIA_VISIBLE_DEVICES", "PATH",
                           "NVIDIA_PYTORCH_VERSION"])
        environment[name] = rng.choice(["/usr/local/lib", "/app", "/opt/lib:/usr/local/nvidia/lib64", "1", "app:", "",
                                        f"/{image.site}/torch/lib", "/usr/bin:/bin:/usr/local/bin"])
    return command, environment


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("gpuinit")
    parser.add_argument("--rounds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--image", action="append")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("only root can mount")
        return 77
    if os.environ.get("GPUINIT_SEAL_EDITS") != "1":  # the mounts end with this process
        os.environ["GPUINIT_SEAL_EDITS"] = "1"
        os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    names = options.image or sorted(path.name for path in (CACHE / "image").iterdir() if path.is_dir())
    rng = random.Random(options.seed)
    wrong = held = changed = unused = 0
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", scratch], check=True)
        os.chmod(scratch, 0o755)
        gpuinit = shutil.copy(options.gpuinit, scratch)  # where every user may run it
        images = [Image(name, gpuinit, pathlib.Path(scratch) / name) for name in names]
        for number in range(options.rounds):
            image = images[number % len(images)]
            with image.mounted():
                edits = Edits(image, rng)
                done = [edits.one() for _ in range(rng.choice([1, 1, 1, 2]))]
                command, environment = command_and_environment(image, rng)
                user = rng.choice([None, None, None, NOBODY])
                sealed, seal = image.judged(command, environment, user)
                full, _ = image.judged(command, environment, user, "--set", "image.seal=")
            state = seal or {}
            changed += bool(state.get("changes"))
            unused += bool(state.get("unused_because"))
            is_held = "changes" in state and not state["changes"] and not state["unused_because"]
            held += is_held
            if sealed != full:
                wrong += 1
                print(f"round {number} of {image.name}: {done}, {command}, {environment}, user {user}: the sealed verdict is another; {seal}")
                for part in sorted({*sealed["facts"]["image"], *full["facts"]["image"]}):
                    ours, theirs = sealed["facts"]["image"].get(part), full["facts"]["image"].get(part)
                    if ours != theirs:
                        print(f"  {part}: sealed {json.dumps(ours)[:600]}\n  {' ' * len(part)}  read   {json.dumps(theirs)[:600]}")
            elif done == ["nothing"] and environment == ENVIRONMENT and command[0] == "python3" and len(command) < 3 and not is_held:
                wrong += 1
                print(f"round {number} of {image.name}: nothing was changed, and the seal does not hold: {seal}")
        subprocess.run(["umount", scratch], check=True)
    print(f"{options.rounds} rounds: the seal held in {held}, the image had changed in {changed}, the start was another in {unused}; "
          f"{wrong} wrong")
    # Neither side of the comparison may be empty.
    return int(wrong > 0 or held < options.rounds // 10 or changed < options.rounds // 4)


if __name__ == "__main__":
    sys.exit(main())
