#!/usr/bin/env python3
"""Makes the images that the container tests run, from docker/Dockerfile* on a Debian that debootstrap makes.

    images.py          all of them; what is there and still right is kept

They are in a store of their own, beside the real inputs (tests/inputs/fetch.py says where), under
localhost/gpuinit-test/:

    debian    debootstrap's minimal Debian, with the mirror of this machine
    torch     the same with Debian's python3-torch: stands in for a PyTorch base image
    gpuinit   docker/Dockerfile, compiled there from nothing
    training  docker/Dockerfile.pytorch on `torch` and `gpuinit`
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

from engine import ENVIRONMENT, IMAGES, PODMAN, SOURCE, STORE, fetch, has_image, podman

SUITE = "bookworm"
MACHINES_CA = "/etc/ssl/certs/ca-certificates.crt"
# Old signed lists are right on a frozen mirror; a container needs no documentation.
APT_CONF = """Acquire::Check-Valid-Until "false";
APT::Install-Recommends "false";
"""


def say(text):
    print(f"images: {text}", flush=True)


def need_tools():
    for tool, package in (("podman", "podman"), ("runc", "runc"), ("debootstrap", "debootstrap")):
        if shutil.which(tool) is None:
            sys.exit(f"images: error: no {tool} here: apt-get install {package} "
                     "(docker/install-deps.sh --tests does), or GPUINIT_TESTS_NO_CONTAINERS=1 to skip these tests")
    if os.geteuid() != 0:
        sys.exit("images: error: debootstrap needs root; GPUINIT_TESTS_NO_CONTAINERS=1 skips these tests")


def recipe(*parts):
    """A tag that changes when what the image is made of does."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def debian():
    name = f"debian:{recipe(SUITE, APT_CONF, fetch.Apt.mirror())}"
    if not has_image(name):
        say(f"{name}: debootstrap {SUITE}")
        with tempfile.TemporaryDirectory(dir=STORE) as work:
            root = os.path.join(work, "root")
            log = os.path.join(work, "log")
            with open(log, "w") as file:
                status = subprocess.run(["debootstrap", "--variant=minbase", SUITE, root, fetch.Apt.mirror()],
                                        stdin=subprocess.DEVNULL, stdout=file, stderr=file).returncode
            if status != 0:
                sys.exit(f"images: error: debootstrap exited with {status}\n" + open(log, errors="replace").read())
            with open(os.path.join(root, "etc/apt/apt.conf.d/90tests"), "w") as file:
                file.write(APT_CONF)
            shutil.rmtree(os.path.join(root, "var/cache/apt/archives"), ignore_errors=True)
            tar = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
            subprocess.run([*PODMAN, "import", "--quiet", "-", IMAGES + name], env=ENVIRONMENT, check=True,
                           stdin=tar.stdout, stdout=subprocess.DEVNULL)
            if tar.wait() != 0:
                sys.exit("images: error: tar failed")
    return IMAGES + name


def machines_pip(work):
    """pip's configuration of this machine, its CA and nothing else, as volumes of a build."""
    index = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
    with open(os.path.join(work, "pip.conf"), "w") as file:
        file.write("[global]\ncert = /run/machines-ca.crt\n" + (f"index-url = {index}\n" if index else ""))
    return ["--volume", f"{work}/pip.conf:/etc/pip.conf:ro", "--volume", f"{MACHINES_CA}:/run/machines-ca.crt:ro"]


def build(name, dockerfile, arguments=(), options=(), context=SOURCE):
    say(f"{name}: podman build")
    words = [*PODMAN, "build", "--network", "host", "--layers", "--tag", IMAGES + name, "--file", dockerfile]
    for argument in arguments:
        words += ["--build-arg", argument]
    done = subprocess.run([*words, *options, context], env=ENVIRONMENT, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    if done.returncode != 0:
        sys.exit(done.stdout[-20000:] + f"\nimages: error: {name} could not be built")
    return IMAGES + name


def torch(base, work):
    name = f"torch:{recipe(base, 'python3-torch')}"
    if has_image(name):
        return IMAGES + name
    dockerfile = os.path.join(work, "Dockerfile.torch")
    with open(dockerfile, "w") as file:
        file.write(f"FROM {base}\nRUN apt-get -q update && apt-get -q -y install python3-torch && "
                   "ln -s python3 /usr/bin/python && rm -rf /var/cache/apt /var/lib/apt/lists\n")
    return build(name, dockerfile, context=work)


def gpuinit(base, work):
    objects = os.path.join(STORE, "ccache")
    os.makedirs(objects, exist_ok=True)
    arguments = [f"BASE={base}"]
    options = [*machines_pip(work), "--volume", f"{objects}:/root/.cache/ccache"]
    dockerfile = os.path.join(SOURCE, "docker/Dockerfile")
    # Named, or else the prune below would take the stage that compiles, and with it the cache.
    build("gpuinit-build:latest", dockerfile, arguments, [*options, "--target", "build"])
    return build("gpuinit:latest", dockerfile, arguments, options)


def main():
    if sys.argv[1:]:
        print(__doc__)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    need_tools()
    os.makedirs(STORE, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=STORE) as work:
        base = debian()
        torch_base = torch(base, work)
        binary = gpuinit(base, work)
        build("training:latest", os.path.join(SOURCE, "docker/Dockerfile.pytorch"),
              [f"BASE={torch_base}", f"GPUINIT={binary}"])
        # What earlier versions left; layers that are in use stay. It fails over a build that
        # is running beside this one, or was interrupted, which is no reason not to test.
        subprocess.run([*PODMAN, "image", "prune", "--force"], env=ENVIRONMENT,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    podman("tag", base, IMAGES + "debian:latest")
    podman("tag", torch_base, IMAGES + "torch:latest")
    return 0


if __name__ == "__main__":
    sys.exit(main())
