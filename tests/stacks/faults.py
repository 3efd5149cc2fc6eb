#!/usr/bin/env python3
"""Makes nineteen faults with pip in real venvs, and holds what gpuinit says before the start against the real import.

usage: tests/stacks/faults.py [--gpuinit FILE] [--node FILE] [--only NAME]... [--cache DIR] [--keep] [--list]

Not in CI: it downloads some 25 GB from PyPI and needs 10 GB of disk at a time (--cache DIR: uv's cache, hard links are
made from it; what only one fault needs is not kept there). One venv at a time, under ${XDG_CACHE_HOME:-~/.cache}/
gpuinit-stacks/faults; --keep leaves the last one.

For each fault: `gpuinit --check --node NODE -- VENV/bin/python -c CODE`, which only reads files, and then CODE for
real. A fault is named if a warning or failure has the expected id and words; words of another cause are no answer.
Exit code 1: a fault that was not named.
"""

import argparse
import dataclasses
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run as stacks  # noqa: E402  (find_python, without_toolkit, say)

HERE = pathlib.Path(__file__).resolve().parent
HOME = stacks.CACHE / "faults"
TIMEOUT = 1800

TORCH = "torch==2.8.0"  # CUDA 12.8, NCCL 2.27.3, cuDNN 9.10.2
NEW = "torch==2.15.0"  # CUDA 13.2, NCCL 2.30.7 for CUDA 13


@dataclasses.dataclass
class Fault:
    """How it is made, and what must be said.

    install   arguments of `uv pip install` or, with a minus in front, of `uv pip uninstall`, one call each; "once:"
              in front: what it gets is not kept in the cache
    shell     bash lines after that; $SITE is site-packages, $DIR a directory beside the venv, $UV_PIP the installer
    env       environment of the command; {dir} is $DIR
    code      what the command runs; with script it is that file in $DIR
    expected  (id, words) of findings, any of which names the cause; words is a regular expression over the summary
              and the evidence
    """
    name: str
    install: list
    expected: list
    shell: str = ""
    env: dict = dataclasses.field(default_factory=dict)
    policy: str = ""
    node: str = "h100-580"
    code: str = "import torch; torch.ones(2)"
    script: str = ""
    python: str = "3.12"
    driver: bool = False  # what fails is the first CUDA call: no import of this machine can show it


FAULTS = [
    Fault("torch of another Python", [TORCH, "once:--python-version 3.11 --only-binary :all: --no-deps --reinstall "
                                      + TORCH],
          [("python.abi", r"3\.11"), ("torch.install", r"3\.11")]),
    Fault("torchvision of another torch", [TORCH, "numpy pillow", "once:--no-deps torchvision==0.21.0"],
          [("extension.abi", r"torchvision.*another torch"), ("python.packages", r"torchvision.*requires torch")],
          code="import torchvision"),
    Fault("torchaudio of another torch", [TORCH, "once:--no-deps torchaudio==2.6.0"],
          [("extension.abi", r"torchaudio.*another torch"), ("python.packages", r"torchaudio.*requires torch")],
          code="import torchaudio"),
    Fault("torchaudio of another CUDA", [NEW, "once:--no-deps torchaudio==2.11.0"],
          [("python.packages", r"torchaudio.*CUDA 13\.0.*13\.2"), ("extension.abi", r"torchaudio.*CUDA")],
          code="import torchaudio"),
    Fault("cuDNN removed", [TORCH, "-nvidia-cudnn-cu12"], [("loader.missing", r"libcudnn")]),
    Fault("cuDNN of the system", [TORCH, "-nvidia-cudnn-cu12"],
          [("loader.*", r"cudnn"), ("python.packages", r"nvidia-cudnn-cu12.*not installed")],
          # As the system's packages have them: libcudnn.so.9 leads to libcudnn.so.9.13.0, in no directory of a wheel.
          shell='$UV_PIP --no-cache --no-deps --target "$DIR/wheel" nvidia-cudnn-cu13==9.13.0.50; mkdir "$DIR/system"; '
                'for file in "$DIR"/wheel/nvidia/cudnn/lib/*.so.9; do name=$(basename "$file"); '
                'mv "$file" "$DIR/system/$name.13.0"; ln -s "$name.13.0" "$DIR/system/$name"; done',
          env={"LD_LIBRARY_PATH": "{dir}/system"}),
    Fault("NCCL older", [TORCH, "once:--no-deps nvidia-nccl-cu12==2.19.3"],
          [("loader.symbol", r"nccl"), ("python.packages", r"nvidia-nccl-cu12")]),
    Fault("nvJitLink older, first in LD_LIBRARY_PATH", ["once:torch==2.5.1"],
          [("loader.symbol", r"nvJitLink"), ("loader.version", r"nvJitLink"), ("loader.shadowed", r"nvJitLink")],
          shell='$UV_PIP --no-cache --no-deps --target "$DIR/old" nvidia-nvjitlink-cu12==12.1.105',
          env={"LD_LIBRARY_PATH": "{dir}/old/nvidia/nvjitlink/lib"}),
    Fault("onnxruntime over onnxruntime-gpu", ["numpy onnxruntime-gpu==1.23.2", "onnxruntime==1.23.2"],
          [("python.packages", r"onnxruntime .*onnxruntime-gpu|onnxruntime-gpu .*onnxruntime ")],
          code="import onnxruntime; assert 'CUDAExecutionProvider' in onnxruntime.get_available_providers(), "
               "onnxruntime.get_available_providers()"),
    Fault("NumPy 2 under torch 2.2", ["once:torch==2.2.2 numpy==2.2.6"],
          [("python.packages", r"compiled for NumPy 1.*NumPy 2")], python="3.11",
          code="import torch; torch.ones(1).numpy()"),
    Fault("torch.py beside the script", [TORCH], [("torch.install", r"torch\.py.*is not PyTorch")],
          shell='echo "print(1)" > "$DIR/torch.py"', script="train.py"),
    Fault("CPU torch", [TORCH], [("torch.cuda-build", r"CPU"), ("*", r"not a CUDA build|CPU build|CPU-only")],
          # Where PyTorch's own index is out of reach, the CUDA build with the version.py of the CPU's stands in.
          shell="$UV_PIP --no-cache --no-deps --reinstall --index-url https://download.pytorch.org/whl/cpu "
                + TORCH + """ >/dev/null 2>&1 ||
                { cp "$SITE/torch/version.py" "$DIR/version.py"; rm "$SITE/torch/version.py"
                  sed "s/^cuda.*/cuda = None/; s/+cu128/+cpu/" "$DIR/version.py" > "$SITE/torch/version.py"; }""",
          policy='gpu.required = "yes"\n', code="import torch; torch.ones(2).cuda()"),
    Fault("driver too old", [NEW], [("cuda.driver", r"needs CUDA 13")], node="h100-535", driver=True),
    Fault("GPU too old", [NEW], [("device.arch", r"no code|cannot run|6\.1")], node="gtx1080ti", driver=True),
    Fault("two dist-infos of torch", [TORCH],
          [("python.packages", r"more than one torch is recorded")],
          shell='cp -r "$SITE/torch-2.8.0.dist-info" "$SITE/torch-2.6.0.dist-info"\n'
                'rm "$SITE/torch-2.6.0.dist-info/METADATA"\n'
                'sed "s/^Version: .*/Version: 2.6.0/" "$SITE/torch-2.8.0.dist-info/METADATA" '
                '> "$SITE/torch-2.6.0.dist-info/METADATA"',
          code="import importlib.metadata as m, torch; assert m.version('torch') in torch.__version__, "
               "m.version('torch') + ' is recorded, ' + torch.__version__ + ' runs'"),
    Fault("torch of aarch64", [TORCH, "once:--python-platform aarch64-unknown-linux-gnu --no-deps --reinstall "
                               + TORCH],
          [("platform", r"aarch64"), ("torch.*", r"aarch64"), ("python.abi", r"aarch64")]),
    Fault("NumPy of musllinux", [TORCH, "once:--python-platform x86_64-unknown-linux-musl --no-deps --reinstall "
                                 "numpy==2.3.5"],
          [("extension.abi", r"numpy.*musl"), ("*", r"numpy.*musl")]),
    Fault("an old libstdc++ first", [TORCH], [("loader.version", r"GLIBCXX|CXXABI"), ("loader.shadowed", r"libstdc")],
          # A real one of GCC 4.8 is not in any registry: this one has its versions and nothing else.
          shell='mkdir -p "$DIR/old"\n'
                'printf "%s\\n" "GLIBCXX_3.4 { x; };" "GLIBCXX_3.4.19 { y; } GLIBCXX_3.4;" "CXXABI_1.3 { z; };" '
                '"CXXABI_1.3.7 { w; } CXXABI_1.3;" > "$DIR/map"\n'
                'echo "int w, x, y, z;" | gcc -shared -fPIC -nostdlib -x c - -Wl,--version-script="$DIR/map" '
                '-Wl,-soname,libstdc++.so.6 -o "$DIR/old/libstdc++.so.6"',
          env={"LD_LIBRARY_PATH": "{dir}/old"}),
    Fault("NCCL of CUDA 12 over that of CUDA 13", [NEW, "once:--no-deps nvidia-nccl-cu12==2.21.5"],
          [("python.packages", r"nvidia-nccl-cu12 .*nvidia-nccl-cu13|nvidia-nccl-cu13 .*nvidia-nccl-cu12"),
           ("loader.symbol", r"nccl")]),
]


def uv(options, words, once=False):
    env = {**os.environ, "UV_CACHE_DIR": options.cache, "UV_NO_PROGRESS": "1"}
    env.pop("PYTHONPATH", None)
    done = subprocess.run([options.uv, *words, *(["--no-cache"] if once else [])], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
    return "" if done.returncode == 0 else f"uv {' '.join(words)}: " + done.stdout.strip()[-400:]


def make(fault, venv, beside, options):
    """Installs it; returns what went wrong."""
    shutil.rmtree(HOME, ignore_errors=True)
    beside.mkdir(parents=True)
    error = uv(options, ["venv", "-q", "--python", stacks.find_python(fault.python), str(venv)])
    python = str(venv / "bin" / "python")
    for line in fault.install:
        if error:
            return error
        once, words = line.startswith("once:"), line.removeprefix("once:")
        verb = "uninstall" if words.startswith("-nvidia") else "install"
        words = words[1:] if verb == "uninstall" else words
        error = uv(options, ["pip", verb, "-q", "--python", python, *words.split()], once)
    if error or not fault.shell:
        return error
    site = next((venv / "lib").glob("python3.*/site-packages"))
    env = {**os.environ, "SITE": str(site), "DIR": str(beside), "UV_NO_PROGRESS": "1",
           "UV_PIP": f"{options.uv} pip install -q --python {python}"}
    done = subprocess.run(["bash", "-ec", fault.shell], env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
    return "" if done.returncode == 0 else done.stdout.strip()[-400:]


def command_of(fault, venv, beside):
    python = str(venv / "bin" / "python")
    if not fault.script:
        return [python, "-c", fault.code]
    (beside / fault.script).write_text(fault.code + "\n")
    return [python, str(beside / fault.script)]


def judged(fault, command, env, beside, options):
    """The findings that warn or fail."""
    policy = beside / "policy.toml"
    policy.write_text("version = 1\n" + fault.policy)
    node = options.node or str(HERE / "nodes" / f"{fault.node}.json")
    words = [options.gpuinit, "--check", "--format", "json", "--policy", str(policy), "--node", node, "--", *command]
    done = subprocess.run(stacks.without_toolkit(words), env=env, cwd=beside, text=True, capture_output=True,
                          timeout=stacks.TIMEOUT_CHECK, check=False)
    try:
        report = json.loads(done.stdout[done.stdout.index("{"):])
    except ValueError:
        return [{"id": "gpuinit", "severity": "fail", "summary": (done.stdout + done.stderr)[-400:], "evidence": []}]
    return [finding for finding in report["findings"] if finding["severity"] in ("warn", "fail")]


def names(fault, finding):
    """Whether this finding tells the cause."""
    text = finding["summary"] + " " + json.dumps(finding.get("evidence", []))
    return any(fnmatch.fnmatch(finding["id"], identifier) and re.search(words, text, re.S)
               for identifier, words in fault.expected)


def really(command, env, beside):
    """How the command really ends: its last line."""
    env = {**env, "LD_LIBRARY_PATH": ":".join(filter(None, [env.get("LD_LIBRARY_PATH"), stacks.libcuda_directory()]))}
    done = subprocess.run(stacks.without_toolkit(command), env=env, cwd=beside, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, errors="replace", timeout=stacks.TIMEOUT_IMPORT, check=False)
    lines = [line for line in done.stdout.split("\n") if line.strip()]
    return "works" if done.returncode == 0 else f"ends with {done.returncode}: {lines[-1][:160] if lines else ''}"


def try_out(fault, options):
    """Makes one, and prints what it comes to. True: named; None: it could not be made."""
    venv, beside = HOME / "venv", HOME / "beside"
    error = make(fault, venv, beside, options)
    if error:
        print(f"{fault.name}\n    cannot be made here: {error}\n", flush=True)
        return None
    command = command_of(fault, venv, beside)
    env = {"PATH": f"{venv}/bin:/usr/bin:/bin", "HOME": str(beside), "LANG": "C.UTF-8",
           **{key: value.format(dir=beside) for key, value in fault.env.items()}}
    findings = judged(fault, command, env, beside, options)
    named = [finding for finding in findings if names(fault, finding)]
    print(fault.name + ": " + ("named" if named else "NOT NAMED"))
    for finding in named or findings:
        print(f"    {finding['severity']} {finding['id']}: {finding['summary']}")
    outcome = "needs the driver, and is not run" if fault.driver else really(command, env, beside)
    print(f"    the command itself {outcome}\n", flush=True)
    return bool(named)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("--gpuinit", default=str(HERE.parent.parent / "build" / "release" / "gpuinit"))
    parser.add_argument("--node")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--cache", default=str(stacks.CACHE / "uv"))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    known = [fault.name for fault in FAULTS]
    for name in options.only:
        if name not in known:
            sys.exit(f"no fault {name!r}: " + "; ".join(known))
    chosen = [fault for fault in FAULTS if not options.only or fault.name in options.only]
    if options.list:
        for fault in chosen:
            print(f"{fault.name}\n    made by: " + "; ".join([*fault.install, *fault.shell.split("\n")]).rstrip("; ")
                  + "\n    expected: " + " or ".join(f"{identifier} /{words}/" for identifier, words in fault.expected))
        return 0
    options.gpuinit = os.path.abspath(options.gpuinit)
    stacks.tools()
    options.uv = str(stacks.CACHE / "tools" / "bin" / "uv")
    results = [try_out(fault, options) for fault in chosen]
    if not options.keep:
        shutil.rmtree(HOME, ignore_errors=True)
    print(f"{results.count(True)} of {len(results) - results.count(None)} named"
          + (f", {results.count(None)} could not be made here" if None in results else ""))
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
