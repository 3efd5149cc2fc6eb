#!/usr/bin/env python3
"""Asks the indexes for what the fixes of all scenarios install: every `pip install` has to resolve.

usage: tests/stacks/fixes.py SCENARIO_TEST [--list]
       tests/stacks/fixes.py --real [--gpuinit FILE] [--only NAME]... [--cache DIR]

The first takes seconds, installs nothing but uv, and is part of the tests; exit code 77: no index can be reached. What
comes from an index that cannot be reached is counted as not tried.

--real makes the faults of faults.py in real venvs, runs each command that gpuinit gives for them as it is typed, and
asks gpuinit again. Not in CI: it downloads as much as faults.py. A fault is cured if nothing fails or warns any more.
"""

import argparse
import functools
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import faults  # noqa: E402
import run as stacks  # noqa: E402

PYTHON = "3.12"  # of the scenarios' images
PYPI = "https://pypi.org/simple"
PROGRAM = re.compile(r"(\S*/)?(pip|uv|conda|apt-get|python[0-9.]*|patchelf|rm) ")


def commands_of(scenario_test):
    """(scenario, command) of every fix."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "fixes"
        done = subprocess.run([scenario_test, "--gtest_filter=Fixes.WorkAsTyped*"], text=True, capture_output=True,
                              env={**os.environ, "GPUINIT_WRITE_FIXES": str(file)}, check=False)
        if not file.exists():
            sys.exit(f"{scenario_test} wrote no fixes: {done.stdout}{done.stderr}")
        return [line.split("\t", 1) for line in file.read_text().splitlines()]


def installs_of(command):
    """For each `pip install` in it: the requirements, and the options that say which index is asked."""
    for part in command.split(" && "):
        words = shlex.split(part)
        if "install" not in words or not ("pip" in words or words[0].endswith("pip")):
            continue
        wanted, indexes = [], []
        rest = iter(words[words.index("install") + 1:])
        for word in rest:
            if word.endswith("index-url"):
                indexes += [word, next(rest)]
            elif word == "--python":
                next(rest)
            elif not word.startswith("-"):
                wanted.append(word)
        yield wanted, indexes


@functools.cache
def answers(host):
    try:
        socket.create_connection((host, 443), timeout=10).close()
    except OSError:
        return False
    return True


def can_be_reached(url):
    through_proxy = bool(os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")) and url == PYPI
    return answers(urllib.parse.urlparse(url).hostname) or through_proxy


def resolves(uv, wanted, indexes):
    """What is wrong; empty if the indexes have it all."""
    done = subprocess.run([uv, "pip", "compile", "-q", "--no-deps", "--no-header", "--python-version", PYTHON,
                           "--python-platform", "x86_64-manylinux_2_28", *indexes, "-"],
                          input="\n".join(wanted) + "\n", text=True, capture_output=True, timeout=120, check=False)
    return "" if done.returncode == 0 else done.stderr.strip()[-300:]


def ask_indexes(commands):
    if not can_be_reached(PYPI):
        print("no index can be reached")
        return 77
    stacks.tools()
    uv = str(stacks.CACHE / "tools" / "bin" / "uv")
    results = []
    for scenario, command in commands:
        for wanted, indexes in installs_of(command):
            if not all(can_be_reached(url) for url in indexes if url.startswith("https:")):
                result = None
                print(f"{scenario}: not tried, its index cannot be reached: {' '.join(wanted)}")
            else:
                wrong = resolves(uv, wanted, indexes)
                result = not wrong
                if wrong:
                    print(f"{scenario}: {command}\n    {wrong}")
            results.append(result)
    print(f"{len(commands)} commands, {len(results)} of pip; {results.count(True)} resolve, "
          f"{results.count(False)} do not, {results.count(None)} not tried")
    return 1 if False in results or True not in results else 0


def typed(findings):
    """The commands in the fixes of these findings, each once."""
    found = []
    for finding in findings:
        for quoted in finding.get("fix", "").split("`")[1::2]:
            if PROGRAM.match(quoted) and quoted not in found:
                found.append(quoted)
    return found


def cure(fault, options):
    """Makes it, types what gpuinit says, asks again. (has commands, how many, those that ran, cured)"""
    venv, beside = faults.HOME / "venv", faults.HOME / "beside"
    error = faults.make(fault, venv, beside, options)
    if error:
        print(f"{fault.name}\n    cannot be made here: {error}\n", flush=True)
        return 0, 0, 0, 0
    command = faults.command_of(fault, venv, beside)
    env = {"PATH": f"{venv}/bin:/usr/bin:/bin", "HOME": str(beside), "LANG": "C.UTF-8",
           **{key: value.format(dir=beside) for key, value in fault.env.items()}}
    typing = {**os.environ, "UV_CACHE_DIR": options.cache, "UV_NO_PROGRESS": "1",
              "PATH": f"{pathlib.Path(options.uv).parent}:/usr/bin:/bin"}
    findings = faults.judged(fault, command, env, beside, options)
    commands = typed([finding for finding in findings if faults.names(fault, finding)][:1])
    print(fault.name)
    ran = 0
    for one in commands:
        done = subprocess.run(["bash", "-c", one], env=typing, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=faults.TIMEOUT, check=False)
        ran += done.returncode == 0
        print(f"    $ {one}\n    exit code {done.returncode}"
              + ("" if done.returncode == 0 else f": {done.stdout.strip()[-300:]}"), flush=True)
    if not commands:
        print("    no command is given: " + "; ".join(finding["fix"] for finding in findings)[:400] + "\n", flush=True)
        return 0, 0, 0, 0
    left = faults.judged(fault, command, env, beside, options)
    for finding in left:
        print(f"    still {finding['severity']} {finding['id']}: {finding['summary']}")
    outcome = "needs the driver, and is not run" if fault.driver else faults.really(command, env, beside)
    print(f"    the command itself {outcome}\n", flush=True)
    return 1, len(commands), ran, int(not left and (fault.driver or outcome == "works"))


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("scenario_test", nargs="?")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--gpuinit", default=str(faults.HERE.parent.parent / "build" / "release" / "gpuinit"))
    parser.add_argument("--node")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--cache", default=str(stacks.CACHE / "uv"))
    options = parser.parse_args()
    if options.real:
        options.gpuinit = os.path.abspath(options.gpuinit)
        stacks.tools()
        options.uv = str(stacks.CACHE / "tools" / "bin" / "uv")
        chosen = [fault for fault in faults.FAULTS if not options.only or fault.name in options.only]
        counts = [sum(column) for column in zip(*(cure(fault, options) for fault in chosen))]
        print("{} faults with a command: {} commands, {} run, {} faults cured".format(*counts))
        return 0
    if not options.scenario_test:
        parser.error("which scenario_test?")
    commands = commands_of(options.scenario_test)
    if options.list:
        print("\n".join(f"{scenario}: {command}" for scenario, command in commands))
        return 0
    return ask_indexes(commands)


if __name__ == "__main__":
    sys.exit(main())
