#!/usr/bin/env python3
"""Installs real stacks as a user would, imports them, and holds gpuinit's verdicts on nine nodes against the truth.

usage: tests/stacks/run.py [--gpuinit FILE] [--only STACK]... [--again STACK]... [--recheck] [--wrappers] [--table]
                           [--list] [--limit GB] [--min-free GB] [--keep STACK]...

Not in CI: it downloads some 60 GB from PyPI. One stack at a time: install, import, facts, check on every node of
nodes/, read the device code by a walk of its own. What is done is not done again (--again STACK forces it, --recheck
repeats the checks alone). Afterwards the libraries of a stack lose what no check reads, machine code and the payloads
of fatbins, so that the stack can be checked again by a later gpuinit (--keep STACK leaves it whole). Everything is
under ${XDG_CACHE_HOME:-~/.cache}/gpuinit-stacks.

Truth: an import that ends without an error, the libraries it has mapped, and the containers of their fatbins that a
node's GPU can run. What these cannot decide is in expected.json, with the reason. A finding is `so`, `not so` (a false
alarm) or `?` (nobody has decided); `missed` is a failed import or unusable device code of a mapped library that no
finding names. Exit code 1: a false alarm, a missed failure or a wrapper that changed a verdict.
"""

import argparse
import fnmatch
import json
import mmap
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
CACHE_HOME = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
CACHE = CACHE_HOME / "gpuinit-stacks"
DRIVERS = pathlib.Path(os.environ.get("GPUINIT_TESTS_CACHE") or CACHE_HOME / "gpuinit-tests") / "driver"

# name: (Python, what pip is asked for, modules that are imported, what is noteworthy)
STACKS = {
    "torch-newest": ("3.12", "torch torchvision torchaudio torchcodec xformers",
                     "torch torchvision torchaudio torchcodec xformers xformers.ops", ""),
    "vllm-newest": ("3.12", "vllm==0.33.0", "vllm vllm.entrypoints.openai.api_server vllm._C_stable_libtorch "
                    "vllm._moe_C_stable_libtorch vllm.vllm_flash_attn flashinfer", ""),
    "sglang-newest": ("3.12", "sglang==0.5.23", "sglang sgl_kernel sglang.srt.entrypoints.http_server flashinfer", ""),
    "bitsandbytes": ("3.11", "transformers accelerate bitsandbytes peft",
                     "torch transformers accelerate bitsandbytes peft transformers.models.llama.modeling_llama", ""),
    "cupy-torch": ("3.12", "cupy-cuda13x torch", "torch cupy cupyx cupy.random cupyx.cusolver cupy.linalg", ""),
    "torch-2.8": ("3.12", "torch==2.8.0 torchvision==0.23.0 torchaudio==2.8.0 torchcodec==0.7.0 xformers==0.0.32.post2",
                  "torch torchvision torchaudio xformers.ops torchcodec", ""),
    "torch-2.6": ("3.12", "torch==2.6.0 torchvision==0.21.0 torchaudio==2.6.0 torchcodec==0.2.1 xformers==0.0.29.post3",
                  "torch torchvision torchaudio xformers.ops torchcodec", ""),
    "torch-2.2-numpy2": ("3.11", "torch==2.2.2 torchvision==0.17.2 torchaudio==2.2.2 numpy>=2",
                         "torch torchvision torchaudio", "NumPy 2 beside a torch of NumPy 1"),
    "vllm-0.10.2": ("3.12", "vllm==0.10.2", "vllm vllm.entrypoints.openai.api_server vllm._C vllm._moe_C "
                    "vllm.vllm_flash_attn", ""),
    "vllm-0.6.3": ("3.11", "vllm==0.6.3.post1", "vllm vllm._C vllm._moe_C vllm.vllm_flash_attn", ""),
    "whisper": ("3.12", "openai-whisper faster-whisper whisperx", "whisper faster_whisper whisperx ctranslate2", ""),
    "jax-cuda12": ("3.12", "jax[cuda12]", "jax jax_cuda12_plugin", "no torch"),
    "jax-cuda13-torch": ("3.13", "jax[cuda13] torch", "torch jax", ""),
    "tensorflow": ("3.11", "tensorflow[and-cuda]", "tensorflow", "no torch"),
    "onnxruntime-gpu": ("3.12", "onnxruntime-gpu", "onnxruntime", "no torch"),
    "dgl": ("3.10", "dgl torch==2.2.2 numpy<2", "torch dgl", ""),
    "auto-gptq": ("3.10", "auto-gptq transformers<4.50 optimum<1.25", "torch auto_gptq", ""),
    # Four of our own choice.
    "torch-1.13": ("3.10", "torch==1.13.1 torchvision==0.14.1 torchaudio==0.13.1 numpy<2",
                   "torch torchvision torchaudio", "CUDA 11.7 in wheels, libraries found by preloading"),
    "torchao-fbgemm": ("3.12", "torchao fbgemm-gpu-genai torch",
                       "torch torchao fbgemm_gpu fbgemm_gpu.experimental.gen_ai", "kernels for single architectures"),
    "lmdeploy": ("3.12", "lmdeploy", "torch lmdeploy", "a second engine with its own kernels"),
    "open3d-warp": ("3.11", "open3d warp-lang torch", "torch open3d warp",
                    "nobody would think of it: CUDA code that has nothing to do with torch beside torch"),
}

# What users start, beside the imports; the programs are those of the stack.
COMMANDS = {
    "torch-newest": ["torchrun --nproc-per-node 1 train.py"],
    "torch-2.8": ["torchrun --nproc-per-node 1 train.py"],
    "vllm-newest": ["vllm serve facebook/opt-125m", "python -m vllm.entrypoints.openai.api_server"],
    "vllm-0.10.2": ["vllm serve facebook/opt-125m", "ray start --head"],
    "sglang-newest": ["python -m sglang.launch_server", "sglang serve"],
    "bitsandbytes": ["accelerate launch train.py"],
    "whisper": ["whisper audio.mp3", "whisperx audio.mp3"],
}

WRAPPERS = {
    "tini": ["tini", "--"],
    "env": ["env", "A=1"],
    "timeout": ["timeout", "5"],
    "sh -c": None,
    "bash -lc": None,
}

STACK_GB = 9  # the largest, before it is hollow
TIMEOUT_INSTALL = 1800
TIMEOUT_IMPORT = 400
TIMEOUT_CHECK = 120

IMPORT_CODE = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
mapped = sorted({line.split(None, 5)[5].strip() for line in open("/proc/self/maps") if ".so" in line and "/" in line})
print("\\nMAPPED " + json.dumps(mapped), flush=True)
import os
os._exit(0)
"""


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def run(command, timeout, env=None, log=None):
    """Runs a command in a group of its own; returns (exit code or None after the timeout, output)."""
    child = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
                             cwd=str(CACHE))
    try:
        output, _ = child.communicate(timeout=timeout)
        code = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output, _ = child.communicate()
        code = None
    if log:
        log.write_text(output)
    return code, output


def without_toolkit(command):
    """The command where it sees no CUDA toolkit of this machine: an image that pip has filled has none."""
    toolkits = [str(path) for path in pathlib.Path("/usr/local").glob("cuda*") if not path.is_symlink()]
    if not toolkits or os.geteuid() != 0 or not shutil.which("unshare"):
        return command
    hide = " && ".join(f"mount -t tmpfs none {path}" for path in toolkits)
    return ["unshare", "-m", "sh", "-c", f'{hide} && exec "$@"', "sh", *command]


def gib_of(path):
    """Blocks on disk, every hard-linked file once."""
    seen, blocks = set(), 0
    for directory, _, names in os.walk(path):
        for name in names:
            try:
                status = os.lstat(os.path.join(directory, name))
            except FileNotFoundError:
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                blocks += status.st_blocks
    return blocks * 512 / 2**30


def free_gib():
    return shutil.disk_usage(CACHE).free / 2**30


# ---------------------------------------------------------------------------------------------------------------------
# Device code, read independently of gpuinit

def sections_of(data):
    if data[:4] != b"\x7fELF" or data[4] != 2:
        return []
    (offset,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    if not offset or not count:
        return []
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, offset + i * size) for i in range(count)]
    start = headers[names][4]
    found = []
    for header in headers:
        end = data.find(b"\0", start + header[0])
        found.append((data[start + header[0]:end].decode("latin-1"), header[1], header[4], header[5]))
    return found


def walk_fatbin(data, offset, size):
    """Yields each container as a list of (target, PTX version or None, bytes of code, payload offset, payload size)."""
    at, end = offset, offset + size
    while at + 16 <= end:
        magic, _, header, total = struct.unpack_from("<IHHQ", data, at)
        if magic == 0:
            at += 8
            continue
        if magic != 0xBA55ED50:
            raise ValueError(f"no container at {at - offset} of {size}")
        entry, last, entries = at + header, at + header + total, []
        while entry < last:
            (kind,) = struct.unpack_from("<H", data, entry)
            (head,) = struct.unpack_from("<I", data, entry + 4)
            (padded,) = struct.unpack_from("<Q", data, entry + 8)
            minor, major, arch = struct.unpack_from("<HHI", data, entry + 24)
            (flags,) = struct.unpack_from("<Q", data, entry + 40)
            full = struct.unpack_from("<Q", data, entry + 56)[0] if head >= 64 else 0
            suffix = "a" if flags & 0x100000 else "f" if flags & 0x200000 else ""
            if kind in (1, 2):
                name = ("compute_" if kind == 1 else "sm_") + str(arch) + suffix
                entries.append((name, f"{major}.{minor}" if kind == 1 else None, full or padded, entry + head, padded))
            entry += head + padded
        yield entries
        at = last


def runs_on(target, ptx, capability, driver_cuda):
    """Whether a GPU can run this code: machine code on its major version upwards, PTX if the driver can compile it."""
    match = re.fullmatch(r"(sm|compute)_(\d+)([af]?)", target)
    number, suffix = int(match[2]), match[3]
    major, minor = number // 10, number % 10
    have = tuple(int(part) for part in capability.split("."))
    if suffix == "a":
        fits = (major, minor) == have
    elif suffix == "f" or match[1] == "sm":
        fits = major == have[0] and minor <= have[1]
    else:
        fits = (major, minor) <= have
    if fits and ptx:
        # PTX 7.0 came with CUDA 11.0, 8.0 with 12.0, 9.0 with 13.0; each minor version with its minor version.
        version = tuple(int(part) for part in ptx.split("."))
        cuda = tuple(int(part) for part in driver_cuda.split("."))
        fits = (version[0] + 4, version[1]) <= cuda
    return fits


def device_code(path):
    """Groups of containers with the same code: {"sm_80 compute_90:8.0": count}, or None without device code."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size < 4096 or file.read(4) != b"\x7fELF":
            return None
        data = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        groups = {}
        for name, kind, offset, size in sections_of(data):
            if name not in (".nv_fatbin", "__nv_relfatbin") or kind == 8:
                continue
            for entries in walk_fatbin(data, offset, size):
                if all(ptx is None and full < 2048 for _, ptx, full, _, _ in entries):
                    continue  # a device-link stub or constants only: no kernel
                key = " ".join(sorted({target + (f":{ptx}" if ptx else "") for target, ptx, _, _, _ in entries}))
                groups[key] = groups.get(key, 0) + 1
        data.close()
    return groups or None


def usable(groups, node):
    count = 0
    for key, containers in groups.items():
        for item in key.split():
            target, _, ptx = item.partition(":")
            if runs_on(target, ptx or None, node["capability"], node["cuda"]):
                count += containers
                break
    return count


def libraries_under(site):
    for directory, _, names in os.walk(site):
        if f"{os.sep}nvidia{os.sep}" in directory + os.sep:
            continue  # NVIDIA's own libraries keep code in tables of their own
        for name in names:
            path = os.path.join(directory, name)
            if (".so" in name) and not os.path.islink(path):
                yield path


# ---------------------------------------------------------------------------------------------------------------------
# Hollowing: a library without its machine code and device code, sparse, with everything that is read from headers

CODE = {".text", ".eh_frame", ".gcc_except_table", ".symtab", ".strtab", ".ldata", ".lrodata", ".cask_resource",
        ".nv_fatbin_compressed", ".data.rel.ro", ".data", ".debug_info", ".debug_str", ".debug_line"}
DATA = {".rodata", ".rela.dyn"}
UNREAD = {".a", ".bc", ".cpp", ".cu", ".cuh", ".h", ".hpp", ".inl", ".mo", ".pyc", ".xz"}


def hollow_file(path):
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < 1 << 20 or file.read(4) != b"\x7fELF":
            return
        data = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        holes = []
        try:
            for name, kind, offset, length in sections_of(data):
                if kind == 8:
                    continue
                if name in CODE or (name in DATA and f"{os.sep}torch{os.sep}" not in path):
                    holes.append((offset, offset + length))
                elif name in (".nv_fatbin", "__nv_relfatbin"):
                    for entries in walk_fatbin(data, offset, length):
                        holes += [(at, at + padded) for _, _, _, at, padded in entries]
        except (ValueError, struct.error):
            data.close()
            return
        holes.sort()
        temporary = path + ".hollow"
        with open(temporary, "wb") as out:
            at = 0
            for start, end in holes + [(size, size)]:
                if end - start < 4096 and end != size:
                    continue
                out.seek(at)
                out.write(data[at:start])
                at = max(at, end)
            out.truncate(size)
        data.close()
    shutil.copymode(path, temporary)
    os.replace(temporary, path)


# ---------------------------------------------------------------------------------------------------------------------
# One stack

class Stack:
    def __init__(self, name, options):
        self.name = name
        self.options = options
        self.python, self.wants, self.imports, self.note = STACKS[name]
        self.directory = CACHE / "stacks" / name
        self.venv = self.directory / "venv"
        self.result_file = self.directory / "result.json"
        self.result = json.loads(self.result_file.read_text()) if self.result_file.exists() else {}

    def save(self):
        temporary = self.result_file.with_suffix(".new")
        temporary.write_text(json.dumps(self.result, indent=1))
        temporary.replace(self.result_file)

    @property
    def interpreter(self):
        return str(self.venv / "bin" / "python")

    @property
    def site(self):
        return next((self.venv / "lib").glob("python3.*/site-packages"))

    def environment(self):
        home = CACHE / "home"
        home.mkdir(exist_ok=True)
        return {"PATH": f"{self.venv}/bin:/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}

    def command(self):
        return [self.interpreter, "-c", "import " + ", ".join(self.imports.split())]

    def install(self):
        if self.result.get("installed"):
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        base = find_python(self.python)
        if not base:
            self.result["install_error"] = f"no Python {self.python}"
            self.save()
            return
        uv = str(CACHE / "tools" / "bin" / "uv")
        env = {**os.environ, "UV_CACHE_DIR": str(CACHE / "uv"), "UV_LINK_MODE": "hardlink", "UV_NO_PROGRESS": "1"}
        env.pop("PYTHONPATH", None)
        log = self.directory / "install.log"
        code, output = run([uv, "venv", "-q", "--clear", "--seed", "--python", base, str(self.venv)], 120, env, log)
        if code == 0:
            say(f"{self.name}: installs {self.wants}")
            start = time.monotonic()
            code, output = run([uv, "pip", "install", "--python", self.interpreter, *self.wants.split()],
                               TIMEOUT_INSTALL, env, log)
            say(f"{self.name}: {'installed' if code == 0 else 'NOT installed'} in {time.monotonic() - start:.0f} s")
        self.result = {"installed": code == 0}
        if code != 0:
            self.result["install_error"] = output[-1500:] if code is not None else "timeout"
        else:
            _, frozen = run([uv, "pip", "freeze", "--python", self.interpreter], 60, env)
            self.result["packages"] = [line for line in frozen.split("\n") if "==" in line]
        self.save()

    def really_import(self):
        if "imports" in self.result:
            return
        results = {}
        env = {**self.environment(), "LD_LIBRARY_PATH": libcuda_directory()}
        for module in self.imports.split():
            code, output = run(without_toolkit([self.interpreter, "-W", "ignore", "-c", IMPORT_CODE, module]),
                               TIMEOUT_IMPORT, env)
            mapped = re.findall(r"^MAPPED (\[.*\])$", output, re.M)
            lines = [line for line in output.strip().split("\n") if line.strip() and not line.startswith("MAPPED ")]
            if code == 0 and mapped:
                site = str(self.site)
                names = [os.path.relpath(p, site) for p in json.loads(mapped[-1]) if p.startswith(site)]
                results[module] = {"ok": True, "mapped": names, "said": lines[-4:]}
            else:
                results[module] = {"ok": False, "error": "timeout" if code is None else "\n".join(lines[-4:])[-900:]}
            say(f"{self.name}: import {module}: "
                + ("ok" if results[module]["ok"] else "ERROR " + results[module]["error"].split("\n")[-1][:160]))
        self.result["imports"] = results
        self.save()

    def read_device_code(self):
        if "device_code" in self.result:
            return
        codes = {}
        for path in libraries_under(self.site):
            name = os.path.relpath(path, self.site)
            try:
                groups = device_code(path)
            except (ValueError, struct.error) as error:
                groups = {"unknown": str(error)}
            if groups:
                codes[name] = groups
        self.result["device_code"] = codes
        self.save()

    def gpuinit(self, verb, node, command, on_path=True):
        words = [self.options.gpuinit, verb, *(["--format", "json"] if verb == "--check" else []), "--root", "/",
                 "--node", str(node), "--", *command]
        env = self.environment()
        if not on_path:
            env["PATH"] = env["PATH"].partition(":")[2]
        code, output = run(without_toolkit(words), TIMEOUT_CHECK, env)
        try:
            return code, json.loads(output[output.index("{"):])
        except ValueError:
            return code, {"findings": [{"id": "gpuinit", "severity": "fail", "summary": output[-400:]}]}

    def findings(self, node, command, on_path=True):
        code, report = self.gpuinit("--check", node, command, on_path)
        return {"exit_code": code, "findings": [
            {key: finding.get(key) for key in ("id", "severity", "summary", "evidence")}
            for finding in report["findings"] if finding["severity"] in ("warn", "fail", "undecided")]}

    def check(self):
        binary = os.stat(self.options.gpuinit)
        stamp = [binary.st_mtime_ns, binary.st_size]
        if self.result.get("stamp") == stamp and not self.options.recheck:
            return
        nodes = {}
        for name, node in NODES.items():
            nodes[name] = self.findings(node["file"], self.command())
            for text in COMMANDS.get(self.name, []):
                have = {(f["severity"], f["summary"]) for f in nodes[name]["findings"]}
                nodes[name]["findings"] += [
                    {**finding, "command": text} for finding in self.findings(node["file"], text.split())["findings"]
                    if (finding["severity"], finding["summary"]) not in have]
        self.result["checks"] = nodes
        self.result["stamp"] = stamp
        _, facts = self.gpuinit("--facts", NODES["h100-580"]["file"], self.command())
        (self.directory / "facts.json").write_text(json.dumps(facts, indent=1))
        self.save()

    def check_wrappers(self):
        """[(wrapper, node, what differs)] of wrappers in front that change the verdict.

        The stack's Python is not on PATH here: a wrapper that is not followed would end at another Python.
        """
        def verdict(node, command):
            found = self.findings(node, command, on_path=False)["findings"]
            return sorted((finding["id"], finding["severity"], finding["summary"]) for finding in found)

        differing = []
        for name, node in NODES.items():
            bare = verdict(node["file"], self.command())
            for wrapper, words in WRAPPERS.items():
                if not shutil.which(words[0] if words else wrapper.split()[0]):
                    continue
                shell = f"exec {self.interpreter} -c '{self.command()[2]}'"
                command = words + self.command() if words else [*wrapper.split(), shell]
                got = verdict(node["file"], command)
                if got != bare:
                    changed = sorted({f"{i} {s}" for i, s, _ in set(got) ^ set(bare)})
                    differing.append([wrapper, name, ", ".join(changed)])
        self.result["wrappers"] = differing
        self.save()
        return differing

    def hollow(self):
        if self.result.get("hollow") or self.name in self.options.keep:
            return
        before = json.dumps(self.gpuinit("--facts", NODES["h100-580"]["file"], self.command())[1], sort_keys=True)
        for path in list(libraries_under(self.venv)):
            hollow_file(path)
        for path in self.site.rglob("*"):
            if path.is_file() and not path.is_symlink():
                if path.suffix in UNREAD:
                    path.unlink()
                elif ".so" not in path.name or "nvidia" in path.parts:
                    hollow_file(str(path))
        after = json.dumps(self.gpuinit("--facts", NODES["h100-580"]["file"], self.command())[1], sort_keys=True)
        self.result["hollow"] = True
        self.result["hollow_changed_facts"] = before != after
        if before != after:
            say(f"{self.name}: WARNING: the facts are others without code")
        self.save()


def find_python(version):
    for root in (pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv") / "versions",):
        for found in sorted(root.glob(f"{version}.*"), reverse=True):
            if (found / "bin" / "python").exists():
                return str(found / "bin" / "python")
    return shutil.which(f"python{version}") or version  # uv knows some, and gets it where it can


def libcuda_directory():
    """A directory with a real libcuda.so.1: what only a missing driver would break is no fault of the stack."""
    directory = CACHE / "libcuda"
    link = directory / "libcuda.so.1"
    if not link.exists():
        found = sorted(DRIVERS.glob("*/usr/lib/*/nvidia/*/libcuda.so.*"))
        directory.mkdir(parents=True, exist_ok=True)
        if found:
            link.symlink_to(found[-1])
        else:
            say("no libcuda.so.1 at hand (tests/inputs/fetch.py gets one): extensions that need it will not import")
    return str(directory)


def nodes():
    found = {}
    for name in ("h100-535", "h100-570", "h100-580", "a100-550", "rtx4090", "rtx5090", "t4", "v100", "gtx1080ti"):
        file = HERE / "nodes" / f"{name}.json"
        node = json.loads(file.read_text())["node"]
        found[name] = {"file": file, "capability": node["devices"][0]["compute_capability"],
                       "cuda": node["driver"]["cuda_version"]}
    return found


NODES = nodes()


# ---------------------------------------------------------------------------------------------------------------------
# Truth

def torch_code(stack):
    """libtorch_cuda's; CUDA 11 builds have cut it in two."""
    codes = stack.result.get("device_code", {})
    together = {}
    for name in ("libtorch_cuda.so", "libtorch_cuda_cu.so", "libtorch_cuda_cpp.so"):
        for key, count in codes.get(f"torch/lib/{name}", {}).items():
            together[key] = together.get(key, 0) + count
    return together


def code_of(stack, finding):
    """The library that a finding of device.arch is about, and its code: that of its evidence, or libtorch_cuda."""
    for text in (line["value"] for line in finding["evidence"]):
        name = os.path.relpath(text, stack.site) if text.startswith(str(stack.site)) else ""
        if name in stack.result["device_code"]:
            return name, stack.result["device_code"][name]
    return "libtorch_cuda", torch_code(stack)


def matches(rule, stack, **texts):
    return fnmatch.fnmatch(stack.name, rule.get("stack", "*")) and all(
        fnmatch.fnmatch(text, rule.get(key, "*")) for key, text in texts.items())


def truth_of(stack, node_name, finding, rules):
    """(True: so, False: a false alarm, None: undecided; why)"""
    node = NODES[node_name]
    for rule in rules:
        if "so" in rule and matches(rule, stack, node=node_name, id=finding["id"], severity=finding["severity"],
                                    summary=finding["summary"]):
            return rule["so"], rule["because"]
    if finding["id"] == "device.arch":
        name, code = code_of(stack, finding)
        if code:
            can = usable(code, node)
            return can == 0, f"{can} of {sum(code.values())} containers of {name} are usable"
    if finding["id"] == "cuda.driver":
        needs = re.search(r"needs CUDA (\d+)", finding["summary"])
        if needs:
            serves = int(node["cuda"].split(".")[0])
            return int(needs[1]) > serves, "minor versions of CUDA are compatible, major ones are not"
    return None, ""


def missed(stack, node_name, rules):
    """What the imports and the device code say that no finding says."""
    told = [f for f in stack.result["checks"][node_name]["findings"] if f["severity"] != "undecided"]
    if any(finding["severity"] == "fail" for finding in told):
        return []
    said = " ".join(finding["summary"] + json.dumps(finding["evidence"]) for finding in told)
    found, mapped = [], set()
    for module, result in stack.result["imports"].items():
        if result["ok"]:
            mapped.update(result["mapped"])
        elif module.split(".")[0] not in said:
            found.append(f"import {module}: " + "; ".join(result["error"].split("\n")[-2:]))
    # As a package: one that brings kernels for several kinds of GPU picks among its libraries.
    packages = {}
    for name, groups in stack.result["device_code"].items():
        if name in mapped and "unknown" not in groups and not name.startswith("torch/"):
            packages.setdefault(name.split("/")[0], []).append((name, groups))
    for package, libraries in packages.items():
        if package not in said and not any(usable(groups, NODES[node_name]) for _, groups in libraries):
            found.append("no code: " + ", ".join(f"{name} has {' | '.join(sorted(groups))[:120]}"
                                                 for name, groups in libraries))
    return [text for text in found if not any("missed" in rule and matches(rule, stack, missed=text) for rule in rules)]


def rules_of():
    return json.loads((HERE / "expected.json").read_text())


def generic(finding):
    """Its summary without what differs from node to node."""
    text = re.sub(r"GPU 0 \(.*?\)", "the GPU", finding["summary"])
    text = re.sub(r"the node has driver.*", "the node's driver is older", text)
    return text + (f" (`{finding['command']}`)" if finding.get("command") else "")


def cell_of(stack, node_name, rules, lists):
    """The verdict with its marks; what is behind them goes into `lists`."""
    severities, marks = set(), ""
    for finding in stack.result["checks"][node_name]["findings"]:
        if finding["severity"] == "undecided":
            continue
        if not finding.get("command"):
            severities.add(finding["severity"])
        so, why = truth_of(stack, node_name, finding, rules)
        title, mark = {True: ("So", ""), False: ("False alarms", "!"), None: ("Undecided", "?")}[so]
        row = (f"{stack.name}: {finding['severity']} {finding['id']}: {generic(finding)}", why)
        lists[title].setdefault(row, []).append(node_name)
        marks += mark
    for text in missed(stack, node_name, rules):
        lists["Missed"].setdefault((f"{stack.name}: {text}", ""), []).append(node_name)
        marks += "m"
    verdict = "FAIL" if "fail" in severities else "warn" if severities else "ok"
    return f"{verdict} {marks[:4]}"


def table(stacks):
    """Prints it; returns whether a bar is missed."""
    rules = rules_of()
    lists = {title: {} for title in ("False alarms", "Missed", "Undecided", "So")}
    width = max(len(name) for name in STACKS)
    print("\n" + " " * width + "  " + "".join(f"{name:<11}" for name in NODES))
    for stack in stacks:
        cells = ["not installed" if "install_error" in stack.result else "not run"]
        if "checks" in stack.result:
            cells = [cell_of(stack, name, rules, lists) for name in NODES]
        print(f"{stack.name:<{width}}  " + "".join(f"{cell:<11}" for cell in cells))
    print("\n! false alarm   ? undecided   m missed")
    for title, rows in lists.items():
        print(f"\n{title}: {len(rows)}")
        for (text, why), names in rows.items():
            where = "all nodes" if len(names) == len(NODES) else ", ".join(names)
            print(f"  {text} [{where}]" + (f"\n      {why}" if why else ""))
    changed = [(stack.name, *row) for stack in stacks for row in stack.result.get("wrappers", [])]
    print(f"\nVerdicts changed by a wrapper: {len(changed)} (of {sum('wrappers' in s.result for s in stacks)} stacks)")
    for name, wrapper, node, what in changed:
        print(f"  {wrapper} before {name} on {node}: {what}")
    return bool(lists["False alarms"] or lists["Missed"] or changed)


# ---------------------------------------------------------------------------------------------------------------------

def make_room(options):
    """Keeps the cache below its limit, the next stack included: what uv has kept goes."""
    used = gib_of(CACHE)
    if used > options.limit - STACK_GB or free_gib() < options.min_free + STACK_GB:
        say(f"cache {used:.1f} GB, {free_gib():.0f} GB free: uv's cache goes")
        shutil.rmtree(CACHE / "uv", ignore_errors=True)
    used, free = gib_of(CACHE), free_gib()
    if used > options.limit or free < options.min_free:
        sys.exit(f"cache {used:.1f} of {options.limit} GB, {free:.1f} GB free: delete a stack under {CACHE}")


def tools():
    uv = CACHE / "tools" / "bin" / "uv"
    if not uv.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        say("gets uv")
        subprocess.run([sys.executable, "-m", "venv", str(CACHE / "tools")], check=True)
        subprocess.run([str(CACHE / "tools" / "bin" / "pip"), "-q", "install", "uv"], check=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("--gpuinit", default=str(HERE.parent.parent / "build" / "release" / "gpuinit"))
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--again", action="append", default=[])
    parser.add_argument("--keep", action="append", default=[])
    parser.add_argument("--recheck", action="store_true")
    parser.add_argument("--wrappers", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--limit", type=float, default=20)
    parser.add_argument("--min-free", type=float, default=15)
    options = parser.parse_args()
    for name in options.only + options.again + options.keep:
        if name not in STACKS:
            sys.exit(f"no stack {name}: {' '.join(STACKS)}")
    options.gpuinit = os.path.abspath(options.gpuinit)
    chosen = [Stack(name, options) for name in STACKS if not options.only or name in options.only]
    if options.list:
        for stack in chosen:
            print(f"{stack.name:<18} Python {stack.python}: {stack.wants}" + (f" ({stack.note})" if stack.note else ""))
        return 0
    if not options.table:
        tools()
        for number, stack in enumerate(chosen, 1):
            if stack.name in options.again:
                shutil.rmtree(stack.directory, ignore_errors=True)
                stack.result = {}
            if not stack.result.get("installed"):
                if "install_error" in stack.result:
                    continue
                make_room(options)
            say(f"{stack.name} ({number} of {len(chosen)})")
            stack.install()
            if stack.result.get("installed"):
                stack.really_import()
                stack.read_device_code()
                stack.check()
                if options.wrappers:
                    stack.check_wrappers()
                stack.hollow()
    return 1 if table(chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
