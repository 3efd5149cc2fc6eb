#!/usr/bin/env python3
"""Holds gpuinit's word on symbols against the real `import torch`: one NVIDIA package replaced at a time.

usage: tests/stacks/symbols.py [--gpuinit FILE] [--only TORCH]... [--directory DIR] [--node FILE] [--python PYTHON]
                               [--verbose]

Not in CI: it downloads some 15 GB from PyPI. For each torch of TORCHES one environment; in it each of the packages of
its list takes the place of the one that torch asks for (`uv pip install --no-deps`), `import torch` is run, gpuinit is
asked, and what torch asks for is put back. An environment is gone before the next one comes.

Prints a table: what was replaced, whether the import came through, what gpuinit fails on, and whether they agree. They
agree if gpuinit fails exactly where the import does; a warning beside an import that came through is no disagreement.
This machine's own CUDA toolkits are out of sight for both, if the script may unshare a mount namespace.
Exit code 1: they disagree somewhere.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CACHE_HOME = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")

# torch: (what takes the place of its own, ...). "over NAME": laid over NAME, which stays; "preload NAME": only its
# library, by LD_PRELOAD; "without": taken away.
TORCHES = {
    "2.6.0": ["nvidia-nccl-cu12==2.19.3", "nvidia-nccl-cu12==2.23.4", "nvidia-nccl-cu12==2.27.3",
              "nvidia-cudnn-cu12==8.9.7.29", "nvidia-cudnn-cu12==9.0.0.312", "nvidia-cudnn-cu12==9.10.2.21",
              "nvidia-cusparselt-cu12==0.7.1", "nvidia-cusparselt-cu12==0.8.1"],
    "2.8.0": ["nvidia-nccl-cu12==2.19.3", "nvidia-nccl-cu12==2.21.5", "nvidia-nccl-cu12==2.32.3",
              "nvidia-cudnn-cu12==8.9.7.29", "nvidia-cudnn-cu12==9.1.0.70", "nvidia-cudnn-cu12==9.28.0.42",
              "nvidia-cusparselt-cu12==0.6.2", "nvidia-cusparselt-cu12==0.8.1",
              "over nvidia-nccl-cu12: nvidia-nccl-cu11==2.19.3", "preload nvidia-nccl-cu12==2.19.3",
              "without nvidia-cudnn-cu12", "without nvidia-nccl-cu12"],
    "2.15.0": ["nvidia-nccl-cu13==2.27.7", "nvidia-nccl-cu13==2.28.9", "nvidia-nccl-cu13==2.32.3",
               "nvidia-cudnn-cu13==9.12.0.46", "nvidia-cudnn-cu13==9.20.0.48", "nvidia-cudnn-cu13==9.28.1.4",
               "nvidia-cusparselt-cu13==0.8.0", "nvidia-cusparselt-cu13==0.10.0",
               "over nvidia-nccl-cu13: nvidia-nccl-cu12==2.27.3"],
}


def run(command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=1800, **more)
    return done.returncode, done.stdout


def without_toolkit(command):
    toolkits = [str(path) for path in pathlib.Path("/usr/local").glob("cuda*") if not path.is_symlink()]
    if not toolkits or os.geteuid() != 0:
        return command
    hide = " && ".join(f"mount -t tmpfs none {path}" for path in toolkits)
    return ["unshare", "-m", "sh", "-c", f'{hide} && exec "$@"', "sh", *command]


class Environment:
    def __init__(self, options, torch):
        self.options = options
        self.venv = options.directory / f"torch-{torch}"
        self.python = str(self.venv / "bin" / "python")
        self.clean = {"PATH": f"{self.venv}/bin:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
        self.uv([options.uv, "venv", "-q", "--clear", "--python", options.python, str(self.venv)])
        self.pip("install", f"torch=={torch}", "numpy")
        code, text = run([self.python, "-c", "import importlib.metadata as m; print(*m.requires('torch'), sep='\\n')"])
        exact = re.compile(r"([\w-]+) ?\(?==([\w.]+)\)?")  # "nvidia-nccl-cu12==2.27.3", in 2.6 "nvidia-nccl-cu12 (==2.21.5)"
        found = [exact.match(line) for line in text.splitlines() if code == 0]
        self.wanted = {match[1]: f"{match[1]}=={match[2]}" for match in found if match}

    def uv(self, command):
        code, text = run(command)
        if code != 0:
            sys.exit(f"{command}: {text}")

    def pip(self, verb, *words):
        self.uv([self.options.uv, "pip", verb, "-q", *(["--link-mode=hardlink"] if verb == "install" else []),
                 "--python", self.python, *words])

    def judge(self, label, environment):
        code, text = run(without_toolkit([self.python, "-c", "import torch"]), env=environment)
        last = text.strip().splitlines()[-1][:150] if text.strip() else ""
        _, report = run(without_toolkit([str(self.options.gpuinit), "--check", "--format", "json", "--node",
                                         str(self.options.node), "--", self.python, "-c", "import torch"]),
                        env=environment)
        try:
            findings = json.loads(report)["findings"]
        except (ValueError, KeyError):
            findings = [{"id": "gpuinit", "severity": "fail", "summary": report[-300:]}]
        fails = sorted({one["id"] for one in findings if one["severity"] == "fail"})
        warns = sorted({one["id"] for one in findings if one["severity"] == "warn"})
        agree = (code != 0) == bool(fails)
        said = ", ".join(fails) or "; ".join(f"({one})" for one in warns) or "ok"
        print(f"{'equal' if agree else 'NOT EQUAL':<10}{label:<52} import {'ok ' if code == 0 else 'not'} | {said}", flush=True)
        if code != 0 or not agree or self.options.verbose:
            print(f"{'':<10}  python: {last}")
            for one in findings:
                if one["severity"] in ("fail", "warn"):
                    print(f"{'':<10}  gpuinit: {one['id']}: {one['summary']}", flush=True)
        return agree

    def put_back(self, name):
        self.pip("uninstall", name)
        self.pip("install", "--no-deps", self.wanted[name])

    def replace(self, change):
        if change.startswith("preload "):
            return self.preload(change)
        word, _, rest = change.partition(" ")
        if word == "without":
            self.pip("uninstall", rest)
            own, equal = rest, self.judge(change, self.clean)
            self.pip("install", "--no-deps", self.wanted[own])
            return equal
        elif word == "over":
            own, wheel = rest.split(": ")
            self.pip("install", "--no-cache", "--no-deps", wheel)
            equal = self.judge(change, self.clean)
            self.pip("uninstall", wheel.split("==")[0])
        else:
            own = change.split("==")[0]
            self.pip("install", "--no-cache", "--no-deps", change)
            equal = self.judge(change, self.clean)
        self.put_back(own)
        return equal

    def preload(self, change):
        wheel = change.split(" ")[1]
        target = self.venv / "preloaded"
        self.uv([self.options.uv, "pip", "install", "-q", "--no-cache", "--no-deps", "--python",
                 self.python, "--target", str(target), wheel])
        library = next(path for path in sorted(target.rglob("*.so.*")) if path.is_file())
        equal = self.judge(change, self.clean | {"LD_PRELOAD": str(library)})
        shutil.rmtree(target)
        return equal


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpuinit", type=pathlib.Path, default=HERE.parents[1] / "build/release/gpuinit")
    parser.add_argument("--only", action="append", default=[], choices=TORCHES)
    parser.add_argument("--directory", type=pathlib.Path, default=CACHE_HOME / "gpuinit-stacks" / "symbols")
    parser.add_argument("--node", type=pathlib.Path, default=HERE / "nodes" / "h100-580.json")
    parser.add_argument("--python", default="3.12")
    parser.add_argument("--uv", default=shutil.which("uv") or str(CACHE_HOME / "gpuinit-tests/uv/bin/uv"))
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    options.gpuinit = options.gpuinit.resolve()
    options.directory.mkdir(parents=True, exist_ok=True)
    all_equal = True
    for torch in options.only or TORCHES:
        environment = Environment(options, torch)
        print(f"torch {torch}")
        all_equal &= environment.judge("as torch asks", environment.clean)
        for change in TORCHES[torch]:
            all_equal &= environment.replace(change)
        shutil.rmtree(environment.venv)
    sys.exit(0 if all_equal else 1)


if __name__ == "__main__":
    main()
