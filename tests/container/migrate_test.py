#!/usr/bin/python3
"""docs/migrate.md in podman: each Dockerfile before and after gpuinit, and the command's behaviour under both.

    migrate_test.py GPUINIT
"""
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "program")]
from engine import ENVIRONMENT, PODMAN, SOURCE  # noqa: E402
import typed_commands  # noqa: E402

NGC = "nvcr.io/nvidia/pytorch:25.08-py3"


def podman(*words, **options):
    return subprocess.run([*PODMAN, *words], env=ENVIRONMENT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **options)


def make_ngc_image(directory):
    """An image of the shape of NVIDIA's, under its name, from the files that the tests of starts have."""
    with open(os.path.join(SOURCE, "tests/image/starts/03-ngc-pytorch.toml")) as file:
        image = file.read()
    # tomllib is newer than some distributions' Python.
    for path, text in re.findall(r'^"(/\S+)" = \'\'\'\n*(.*?)\'\'\'', image, re.M | re.S):
        directory.write("ngc" + path, text)
        if path.endswith(".sh"):
            os.chmod(os.path.join(directory.work, "ngc" + path), 0o755)
    entrypoint = json.dumps(json.loads(re.search(r"^entrypoint = (.*)$", image, re.M)[1]))
    directory.write("ngc/Dockerfile", f"FROM gpuinit-test/torch\nCOPY opt /opt\nENTRYPOINT {entrypoint}\n")
    said, code = directory.run(f"docker build --tag {NGC} ngc", terminal=False)
    if code != 0:
        raise SystemExit(said)


def behaviour(image, options, of_command):
    """What a container does: {name: what was seen}."""
    seen = {}
    run = ["run", "--rm", "--network", "none", *options]
    if of_command:
        done = podman(*run, image, timeout=60)
        seen["prints"] = done.stdout
        seen["exit code"] = done.returncode
        seen["exit code of a failure"] = podman(*run, image, "sh", "-c", "exit 7", timeout=60).returncode
        command = ["python", "/train.py", "1000"]
    else:
        command = []
    name = f"gpuinit-migrate-{os.getpid()}"
    podman("run", "--detach", "--name", name, "--network", "none", *options, image, *command)
    try:
        for _ in range(200):
            if "training with" in podman("logs", name).stdout:
                break
            time.sleep(0.1)
        start = time.monotonic()
        podman("stop", "--time", "20", name)
        seen["stops in time"] = time.monotonic() - start < 8
        seen["after SIGTERM"] = podman("logs", name).stdout.splitlines()[-2:]
        if of_command:
            seen["exit code after SIGTERM"] = podman("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip()
    finally:
        podman("rm", "--force", "--time", "0", "--ignore", name)
    return seen


def main():
    typed_commands.skip_without_containers()
    of_page = typed_commands.blocks("docs/migrate.md")
    directory = typed_commands.Directory(sys.argv[1], containers=True)
    failed = 0
    images = []
    try:
        make_ngc_image(directory)
        for block in of_page:
            if block.file:
                directory.write(block.file, block.text)
        names = [block.file for block in of_page if block.kind == "dockerfile"]
        for name in names:
            image = "gpuinit-migrate-" + name.replace(".", "-")
            said, code = directory.run(f"docker build --tag {image} --file {name} .", terminal=False)
            if code != 0:
                print(f"FAILED: {name}\n{said[-3000:]}")
                return 1
            images.append(image)
        pairs = [(name, "before." + name.removeprefix("after.").removesuffix("-several")) for name in names if name.startswith("after.")]
        for after, before in pairs:
            options = ["--init"] if before == "before.docker-init" else []
            of_command = not after.startswith("after.s6")
            was = behaviour("localhost/gpuinit-migrate-" + before.replace(".", "-"), options, of_command)
            now = behaviour("localhost/gpuinit-migrate-" + after.replace(".", "-"), [], of_command)
            good = was == now and now["stops in time"] and now["after SIGTERM"][-1:] == ["saved"]
            failed += not good
            print(f"{'ok' if good else 'FAILED'}: {after}" + ("" if good else f"\n  before {was}\n  now    {now}"), flush=True)
    finally:
        directory.remove()
        podman("rmi", "--force", *images, NGC)
    print(f"{len(pairs)} images, {failed} failed")
    return 1 if failed or len(pairs) < 6 else 0


if __name__ == "__main__":
    sys.exit(main())
