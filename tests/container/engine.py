"""podman as the container tests use it: a store, a state and a configuration of their own."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, "tests", "inputs"))
import fetch  # noqa: E402

STORE = os.path.join(fetch.CACHE, "containers")
PODMAN = ["podman", "--root", os.path.join(STORE, "store"), "--runroot", os.path.join(STORE, "run")]
ENVIRONMENT = dict(os.environ, CONTAINERS_CONF=os.path.join(HERE, "containers.conf"))
IMAGES = "localhost/gpuinit-test/"


def podman(*words, **options):
    return subprocess.run([*PODMAN, *words], env=ENVIRONMENT, check=True, text=True, stdin=subprocess.DEVNULL, **options)


def has_image(name):
    return subprocess.run([*PODMAN, "image", "exists", IMAGES + name], env=ENVIRONMENT).returncode == 0
