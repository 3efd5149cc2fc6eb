#!/usr/bin/python3
"""Runs what the pages tell their reader to type, as it stands, in a directory of its own for each page.

    typed_commands.py [--containers] [--write] GPUINIT [PAGE...]

The word behind ``` says what a block is; one without such a word is an error. A second word names the file that the
block is written to, for the blocks below it.

    sh            typed; must exit with 0
    console       "$ command" and what it prints; "(exit code N)" where that is not 0. --write puts the output there
    dockerfile    built: a whole one, or lines for one with torch, gpuinit and train.py; with a file name, by the commands
                  below it
    yaml          a Kubernetes manifest, held to the API's schemas
    toml          a policy, loaded
    json, python  parsed; with a file name, what the blocks below use
    text          not to be typed

Pages with a docker command or a dockerfile are run with --containers (podman), all others without. What needs a
cluster, a registry or another machine is replaced by a program of stand_ins/, or listed in NOT_RUN with its reason.
"""
import argparse
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import kubernetes_schema

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
ROOT = kubernetes_schema.fetch.CACHE
COLUMNS = 100
SECONDS = 240

# Commands that are not run here, and why. Each must be found in a page.
NOT_RUN = {
    "./docker/demo.sh": "installs packages and builds the program",
    "./tests/run.sh": "runs this test",
    "cmake --preset release -D GPUINIT_LIBSECCOMP=": "tests/house/third_party_test.py links it so",
    "cmake --build --preset release --target gpuinit": "the same",
    "docker/install-deps.sh && cmake --preset release": "it built the program that is tested here",
    "cmake --preset release && cmake --build --preset release": "it built the program that is tested here",
    "cmake --install build/release --prefix ": "tests/build/install_test.py installs so",
    "docker build -t gpuinit -f docker/Dockerfile .": "tests/container/images.py has run it",
    "docker push ": "needs a registry",
    "docker build -f docker/Dockerfile.python-probe": "installs a compiler in an image of python.org",
}

# Pages that have a test of their own.
OWN_TEST = {
    "docs/install.md": "tests/release/dist_test.py",
    "docs/migrate.md": "tests/container/migrate_test.py",
    "docs/verify.md": "tests/release/dist_test.py",
}

KINDS = {"sh", "console", "dockerfile", "yaml", "toml", "json", "python", "text"}

TRAIN = """import argparse
import torch
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.parse_args()
print("trained with torch", torch.__version__)
"""


class Block:
    def __init__(self, page, line, kind, file, text):
        self.page, self.line, self.kind, self.file, self.text = page, line, kind, file, text

    def place(self):
        return f"{self.page}:{self.line}"

    def lines(self):
        """The lines that are typed: those of NOT_RUN are left out, comments stay."""
        kept, left_out = [], []
        for line in self.text.splitlines():
            command = line.removeprefix("$ ") if self.kind == "console" else line
            reason = next((start for start in NOT_RUN if command.startswith(start)), None)
            (left_out if reason else kept).append(reason or line)
        return kept, left_out


def skip_without_containers():
    if os.environ.get("GPUINIT_TESTS_NO_CONTAINERS") == "1":
        print("GPUINIT_TESTS_NO_CONTAINERS=1: no container was run")
        sys.exit(77)


def pages():
    found = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "THIRD-PARTY-NOTICES.md"]
    found += ["docs/" + name for name in sorted(os.listdir(os.path.join(SOURCE, "docs"))) if name.endswith(".md")]
    templates = ".github/ISSUE_TEMPLATE"
    found += [f"{templates}/{name}" for name in sorted(os.listdir(os.path.join(SOURCE, templates)))]
    return [page for page in found if os.path.exists(os.path.join(SOURCE, page))]


def blocks(page):
    """The fenced blocks of a page; a block of no known kind is an error."""
    found, open_at, words, text = [], None, [], []
    with open(os.path.join(SOURCE, page)) as file:
        for number, line in enumerate(file, 1):
            if not line.startswith("```"):
                text.append(line)
            elif open_at is None:
                open_at, words, text = number, line[3:].split(), []
            else:
                kind = words[0] if words else ""
                if kind not in KINDS or len(words) > 2:
                    raise SystemExit(f"{page}:{open_at}: ```{' '.join(words)} is not one of {', '.join(sorted(KINDS))}")
                found.append(Block(page, open_at, kind, words[1] if len(words) > 1 else None, "".join(text)))
                open_at = None
    return found


def needs_containers(of_page):
    return any(block.kind == "dockerfile"
               or block.kind in ("sh", "console") and re.search(r"^\s*(\$ )?(docker|podman) ", "\n".join(block.lines()[0]), re.M)
               for block in of_page)


class Directory:
    """Where the blocks of one page are run: what a reader has, under the names that the pages use."""

    images_are_made = False  # by the first page that needs them

    def __init__(self, gpuinit, containers):
        self.path = tempfile.mkdtemp(prefix="gpuinit-typed-")
        self.containers = containers
        self.home = os.path.join(self.path, "home")
        work = os.path.join(self.path, "work")
        for directory in (self.home, work, os.path.join(self.path, "bin")):
            os.mkdir(directory)
        shutil.copy(gpuinit, os.path.join(self.path, "bin", "gpuinit"))
        nodes = os.path.join(SOURCE, "tests/stacks/nodes")
        shutil.copy(f"{nodes}/h100-535.json", f"{work}/h100.json")
        shutil.copy(f"{nodes}/gtx1080ti.json", f"{work}/gtx1080ti.json")
        with open(f"{work}/a100-470.json", "w") as file:
            json.dump({"node": {"driver": {"kernel_version": "470.256.02", "cuda_version": "11.4"},
                                "devices": [{"name": "NVIDIA A100-SXM4-80GB", "compute_capability": "8.0"}]}}, file)
        os.symlink(f"{ROOT}/image/torch2.8.0-cp312", f"{work}/rootfs")
        os.makedirs(f"{work}/docker")
        shutil.copytree(f"{SOURCE}/docker/kubernetes", f"{work}/docker/kubernetes")
        shutil.copytree(f"{SOURCE}/policies", f"{work}/policies")
        with open(f"{work}/train.py", "w") as file:
            file.write(TRAIN)
        os.symlink("/usr/bin/python3", os.path.join(self.path, "bin", "python"))
        self.work = work
        self.environment = {
            "PATH": f"{HERE}/stand_ins:{self.path}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": self.home, "ROOT": ROOT,
            "NO_COLOR": "1", "TERM": "xterm", "LC_ALL": "C.UTF-8", "TYPED_SOURCE": SOURCE, "TYPED_WORK": work,
            "SLURM_JOB_ID": "1",
        }
        if containers:
            self.environment["GPUINIT_TESTS_CACHE"] = ROOT
            if not Directory.images_are_made:
                self.make_images()
            Directory.images_are_made = True

    def run(self, script, terminal):
        """What `script` says on a terminal of COLUMNS, or in a pipe; its exit code."""
        words = ["bash", "-c", "stty rows 50 cols %d 2>/dev/null; set -e -o pipefail\n%s" % (COLUMNS, script)]
        if not terminal:
            done = subprocess.run(words, cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL, timeout=SECONDS,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            return done.stdout.decode(errors="replace"), done.returncode
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.work)
            os.execvpe(words[0], words, self.environment)
        said, end = b"", time.monotonic() + SECONDS
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                more = os.read(terminal, 65536)
            except OSError:
                break
            if not more:
                break
            said += more
        else:
            os.kill(child, signal.SIGKILL)
        os.close(terminal)
        return said.decode(errors="replace").replace("\r\n", "\n"), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def make_images(self):
        """`gpuinit` as docker/Dockerfile makes it, of this binary, and what pages build on."""
        script = """mkdir image && cp "$(command -v gpuinit)" image/gpuinit
            printf 'FROM scratch\\nCOPY gpuinit /usr/bin/gpuinit\\nENTRYPOINT ["/usr/bin/gpuinit"]\\n' >image/Dockerfile
            docker build --tag gpuinit image
            docker tag localhost/gpuinit-test/torch:latest pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime
            printf 'FROM gpuinit-test/torch\\nCOPY --from=gpuinit /usr/bin/gpuinit /usr/bin/gpuinit\\n' >image/Dockerfile
            docker build --tag gpuinit-typed image && rm -r image"""
        said, code = self.run(script, terminal=False)
        if code != 0:
            raise SystemExit(f"the images that the pages build on could not be made (tests/container/images.py):\n{said}")

    def write(self, name, text):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        if text.startswith("#!"):
            os.chmod(path, 0o755)

    def remove(self):
        shutil.rmtree(self.path)


def alike(text, exact):
    """What of an output is compared: no times; of this machine's own Python and torch no versions."""
    text = re.sub(r"\b[0-9.]+ ms\b", "N ms", text)
    codes = re.findall(r"^\(exit code \d+\)$", text, re.M)
    return (text if exact else re.sub(r"[0-9][0-9.a-z+]*", "N", text)), codes


class Failures(list):
    def add(self, block, text):
        self.append(block.place())
        print(f"FAILED {block.place()}\n{text.rstrip()}\n", flush=True)


def run_console(block, directory, failures):
    """The block with what its commands print today; commands end where the next "$ " begins."""
    now = ""
    commands = [part for part in re.split(r"^(?=\$ )", "\n".join(block.lines()[0]) + "\n", flags=re.M) if part]
    for part in commands:
        lines = part.splitlines()
        typed = [lines[0].removeprefix("$ ")]
        while typed[-1].endswith("\\"):
            typed.append(lines[len(typed)])
        output, code = directory.run("\n".join(typed), terminal=True)
        output = output.replace(directory.work, ".")
        if code != 0:
            output += f"(exit code {code})\n"
        text = "\n".join(lines[:len(typed)]) + "\n" + output
        exact = any(option in typed[0] for option in ("--root", "--image", "--node", "--explain"))
        if alike(text, exact) != alike(part, exact):
            failures.add(block, f"expected:\n{part}now:\n{text}")
            # A time of a busy machine, or of a debug build, is not what a page wants to show.
            times = re.findall(r"\b[0-9.]+ ms\b", part) + ["33 ms"]
            now += re.sub(r"\b[0-9.]+ ms\b", lambda _: times.pop(0) if len(times) > 1 else times[0], text)
        else:
            now += part
    return now


def run_block(block, directory, failures, gpuinit):
    if block.file and not block.file.startswith("/"):
        directory.write(block.file, block.text)
    if block.kind == "sh" and not block.file:
        said, code = directory.run("\n".join(block.lines()[0]), terminal=False)
        if code != 0:
            failures.add(block, f"exit code {code}\n{said}")
    elif block.kind == "console":
        return run_console(block, directory, failures)
    elif block.kind == "dockerfile" and not block.file:
        said, code = directory.run(f"build-block {'whole' if re.search('^FROM ', block.text, re.M) else 'lines'} <<'END'\n"
                                   f"{block.text}END", terminal=False)
        if code != 0:
            failures.add(block, said[-4000:])
    elif block.kind == "yaml":
        for error in kubernetes_schema.errors(block.text):
            failures.add(block, error)
    elif block.kind == "toml":
        # Only the file that an image has may lock; here it is one that is named.
        text = re.sub(r"^locked = true\n", "", block.text, flags=re.M)
        directory.write("policy-of-the-page.toml", text)
        said, code = directory.run("gpuinit --policy policy-of-the-page.toml --print-policy", terminal=False)
        if code != 0:
            failures.add(block, said)
    elif block.kind == "json":
        try:
            json.loads(block.text)
        except ValueError as error:
            failures.add(block, str(error))
    elif block.kind == "python":
        try:
            compile(block.text, block.place(), "exec")
        except SyntaxError as error:
            failures.add(block, str(error))
    return block.text


def write_back(page, new_texts):
    path = os.path.join(SOURCE, page)
    with open(path) as file:
        lines = file.readlines()
    for block, text in reversed(new_texts):
        count = len(block.text.splitlines())
        lines[block.line:block.line + count] = text.splitlines(keepends=True)
    with open(path, "w") as file:
        file.writelines(lines)


def unused_files(of_page, failures):
    """A file that no later command of the page names is not tested."""
    for number, block in enumerate(of_page):
        typed = "\n".join(later.text for later in of_page[number + 1:] if later.kind in ("sh", "console", "dockerfile"))
        named = re.escape(block.file or "")
        if block.kind == "dockerfile" and block.file == "Dockerfile":
            named = r"docker build .* \."
        if block.file and block.kind in ("sh", "dockerfile", "json", "python") and not re.search(named, typed):
            failures.add(block, f"no command below uses {block.file}")


def run_page(page, of_page, arguments, failures):
    unused_files(of_page, failures)
    directory = Directory(arguments.gpuinit, arguments.containers)
    changed = []
    try:
        for block in of_page:
            now = run_block(block, directory, failures, arguments.gpuinit)
            if now != block.text and not block.lines()[1]:
                changed.append((block, now))
    finally:
        directory.remove()
    if arguments.write and changed:
        write_back(page, changed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--containers", action="store_true", help="the pages that need podman, instead of the others")
    parser.add_argument("--write", action="store_true", help="puts what the commands print today into the pages")
    parser.add_argument("gpuinit")
    parser.add_argument("pages", nargs="*")
    arguments = parser.parse_args()
    if arguments.containers:
        skip_without_containers()
    failures, ran, left_out = Failures(), 0, set()
    for page in pages():
        of_page = blocks(page)
        for block in of_page:
            left_out.update(block.lines()[1])
        if page in OWN_TEST or (arguments.pages and page not in arguments.pages) or needs_containers(of_page) != arguments.containers:
            continue
        start = time.monotonic()
        run_page(page, of_page, arguments, failures)
        ran += len(of_page)
        print(f"{page}: {len(of_page)} blocks, {time.monotonic() - start:.1f} s", flush=True)
    for start in NOT_RUN.keys() - left_out:
        print(f"FAILED: no page has `{start}` any more: take it out of NOT_RUN")
        failures.append(start)
    print(f"{ran} blocks, {len(failures)} failed")
    if arguments.write and failures:
        print("written; look at the difference")
    return 1 if failures or ran == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
