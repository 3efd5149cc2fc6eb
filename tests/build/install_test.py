#!/usr/bin/env python3
"""What `cmake --install` puts where: under a prefix, and the same staged with DESTDIR; the installed program runs.

    install_test.py BUILD
"""
import os
import re
import subprocess
import sys
import tempfile

FILES = """
    bin/gpuinit
    share/gpuinit/policies/default.toml
    share/man/man1/gpuinit.1
    share/bash-completion/completions/gpuinit
    share/zsh/site-functions/_gpuinit
    share/fish/vendor_completions.d/gpuinit.fish
""".split()
# How many there are of each is the tree's and the machine's to say.
MORE = re.compile(r"share/gpuinit/policies/[a-z0-9-]+\.toml|libexec/gpuinit/python-probe-cpython-3\d+")


def install(build, prefix, **environment):
    subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, env={**os.environ, **environment})


def tree(root):
    """{path under root: (mode, bytes)}"""
    found = {}
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, root)] = (os.stat(path).st_mode & 0o777, file.read())
    return found


def main():
    build = os.path.realpath(sys.argv[1])
    problems = []
    with tempfile.TemporaryDirectory() as work:
        install(build, os.path.join(work, "prefix"))
        installed = tree(os.path.join(work, "prefix"))
        install(build, "/opt/some where", DESTDIR=os.path.join(work, "stage"))
        if {f"opt/some where/{path}": what for path, what in installed.items()} != tree(os.path.join(work, "stage")):
            problems.append("with DESTDIR it is not the same")
        problems += [f"missing: {path}" for path in FILES if path not in installed]
        problems += [f"not expected: {path}" for path in installed if path not in FILES and not MORE.fullmatch(path)]
        program = os.path.join(work, "prefix/bin/gpuinit")
        for expected, words in ((0, ["--version"]), (3, ["sh", "-c", "exit 3"]),
                                (0, ["--check", "--policy", os.path.join(work, "prefix/share/gpuinit/policies/default.toml"),
                                     "--set", "gpu.required=no", "--", "true"])):
            if not problems and (code := subprocess.run([program, *words], stdout=subprocess.DEVNULL).returncode) != expected:
                problems.append(f"gpuinit {' '.join(words)}: exit code {code}, not {expected}")
    print(*(problems or [f"ok: {len(installed)} files"]), sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
