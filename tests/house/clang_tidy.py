#!/usr/bin/env python3
"""Runs clang-tidy with this tree's .clang-tidy over src/ as a build compiles it: clang_tidy.py BUILD_DIRECTORY.

A file that passed is looked at again only when what the preprocessor makes of it, its command, .clang-tidy or
clang-tidy itself has changed; the stamps are beside the real inputs (tests/inputs/fetch.py says where).
"""
import concurrent.futures
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
CACHE = os.environ.get("GPUINIT_TESTS_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gpuinit-tests")
STAMPS = os.path.join(CACHE, "clang-tidy")
TIDY = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")


def output(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options).stdout


def check(entry, common):
    """What clang-tidy finds in one file: empty if nothing; None if it passed before."""
    compile_words = shlex.split(entry["command"])
    compile_words = compile_words[:compile_words.index("-o")]
    # With comments: a NOLINT is one.
    text = output([*compile_words, "-E", "-P", "-C", entry["file"]], cwd=entry["directory"])
    recipe = (common, " ".join(compile_words).replace(SOURCE, "").encode(), text)
    stamp = os.path.join(STAMPS, hashlib.sha256(b"\0".join(recipe)).hexdigest())
    if os.path.exists(stamp):
        os.utime(stamp)
        return None
    ran = subprocess.run([TIDY, "--quiet", entry["file"], "--", *compile_words[1:]], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=entry["directory"])
    if ran.returncode != 0:
        return ran.stdout or ran.stderr
    open(stamp, "w").close()
    return ""


def main(build):
    if TIDY is None:
        sys.exit("clang-tidy is not installed: docker/install-deps.sh --tests does that")
    os.makedirs(STAMPS, exist_ok=True)
    for stamp in os.scandir(STAMPS):
        if time.time() - stamp.stat().st_mtime > 30 * 24 * 3600:
            os.remove(stamp)
    with open(os.path.join(SOURCE, ".clang-tidy"), "rb") as file:
        common = file.read() + output([TIDY, "--version"])
    with open(os.path.join(build, "compile_commands.json")) as file:
        commands = json.load(file)
    # A file that is compiled several times, for instance with each Python's headers, is looked at once.
    entries = list({entry["file"]: entry for entry in reversed(commands)
                    if entry["file"].startswith(SOURCE + "/src/") and entry["file"].endswith(".cpp")}.values())
    found = passed_before = 0
    shown = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, result in enumerate(pool.map(lambda entry: check(entry, common), entries), 1):
            passed_before += result is None
            if result:
                found += 1
                print(result.replace(SOURCE + "/", ""), flush=True)
            if time.monotonic() - shown > 30:
                shown = time.monotonic()
                print(f"clang-tidy: {number} of {len(entries)} files", flush=True)
    print(f"clang-tidy: {len(entries)} files, {passed_before} of them passed before, {found} with findings")
    return bool(found) or not entries


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
