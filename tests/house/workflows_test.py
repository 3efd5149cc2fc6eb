#!/usr/bin/env python3
"""What .github/ has CI do is held to its rules, and zizmor and actionlint have nothing to say, where they are installed.

    workflows_test.py SOURCE

Actions are pinned by commit, every workflow and every job names its permissions, no job that strangers can start may
write, and no expression is pasted into a script.
"""
import os
import re
import shutil
import subprocess
import sys

CACHE = os.environ.get("GPUINIT_TESTS_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gpuinit-tests")
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} +# v\d+(\.\d+)*$")

# Each line that ends with "# wrong" breaks a rule, and so does a workflow that has no permissions of its own.
BAD = """
on: pull_request
jobs:
  one:
    steps:
      - uses: actions/checkout@v7  # wrong
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - run: echo ${{ github.head_ref }}  # wrong
      - name: named
        run: |
          echo fine
          echo ${{ github.head_ref }}  # wrong
        env:
          FINE: ${{ github.head_ref }}
  two:
    permissions:
      contents: write  # wrong
"""
# The BAD lines, the unnamed release of the second checkout, the workflow and job one without permissions.
BAD_PROBLEMS = BAD.count("# wrong") + 3


def indent(line):
    return len(line) - len(line.lstrip(" -"))


def script_lines(lines):
    """The numbers of the lines that a shell will read."""
    block = None
    for number, line in enumerate(lines, 1):
        if block is not None and (not line.strip() or indent(line) > block):
            yield number
            continue
        block = None
        if re.match(r" *(- )?run:", line):
            yield number
            block = indent(line)


def jobs(lines):
    """{name: its lines}"""
    found = {}
    inside = False
    for line in lines:
        if re.match(r"\S", line):
            inside = line.startswith("jobs:")
        elif inside and (name := re.match(r"  ([\w-]+):", line)):
            found[name.group(1)] = current = []
        elif inside and found:
            current.append(line)
    return found


def problems(text):
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        uses = re.match(r" *(- )?uses: *(.*)", line)
        if uses and not uses.group(2).startswith("./") and not PINNED.match(uses.group(2)):
            yield f"{number}: not pinned by 40 hexadecimal digits with the release behind it, such as '# v1.2.3': {line.strip()}"
    for number in script_lines(lines):
        if "${{" in lines[number - 1]:
            yield f"{number}: an expression in a script; hand it over as a variable (env:): {lines[number - 1].strip()}"
    if "permissions:" not in {line.split("#")[0].split("{")[0].rstrip() for line in lines}:
        yield "the workflow has no permissions: of its own"
    strangers = re.search(r"pull_request|issue_comment|workflow_run", text)
    for name, body in jobs(lines).items():
        if not any(line.startswith("    permissions:") for line in body):
            yield f"job {name} has no permissions:"
        for line in body:
            if strangers and re.match(r" {4,6}[\w-]+: *(write|write-all)\b", line):
                yield f"job {name} may write, and a pull request starts it: {line.strip()}"


def ran_clean(*command):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(f"{os.path.basename(command[0])}: exit code {done.returncode}\n{done.stdout.strip()}")
    return done.returncode == 0


def main():
    source = sys.argv[1]
    if (seen := len(list(problems(BAD)))) != BAD_PROBLEMS:
        print(f"this test saw {seen} problems in BAD, which has {BAD_PROBLEMS}:", *problems(BAD), sep="\n")
        return 1
    directory = os.path.join(source, ".github/workflows")
    workflows = sorted(os.path.join(directory, name) for name in os.listdir(directory))
    good = True
    for path in workflows:
        with open(path) as file:
            for problem in problems(file.read()):
                print(f"{os.path.relpath(path, source)}: {problem}")
                good = False
    zizmor = shutil.which("zizmor") or shutil.which(os.path.join(CACHE, "zizmor/bin/zizmor"))
    actionlint = shutil.which("actionlint")
    if zizmor:
        good &= ran_clean(zizmor, "--offline", "--no-progress", os.path.join(source, ".github"))
    if actionlint:
        good &= ran_clean(actionlint, "-no-color", *workflows)
    print("not installed:", *(name for name, tool in (("zizmor", zizmor), ("actionlint", actionlint)) if not tool))
    return 0 if good and workflows else 1


if __name__ == "__main__":
    sys.exit(main())
