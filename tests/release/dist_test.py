#!/usr/bin/env python3
"""Tries a made dist/ as a new user would: what docs/verify.md and docs/install.md say is typed, in fresh roots.

    dist_test.py DIST [--key PUBLIC_KEY] [--no-sbom] [TestClass...]

Each artefact is installed and run: `--version`, a check, a supervised command as PID 1 of a container; those of arm64
under qemu-user, outside of containers. --key is the key that dist/ was signed with; without it verify.md is not typed.
--no-sbom: this dist/ was made of a build without the linker's map (artefacts_test.sh).
Needs root, podman and what `docker/install-deps.sh --tests` installs.
"""
import argparse
import glob
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
for directory in ("container", "program", "inputs"):
    sys.path.insert(0, os.path.join(SOURCE, "tests", directory))
import images  # noqa: E402
import typed_commands  # noqa: E402
from engine import ENVIRONMENT, IMAGES, PODMAN, fetch  # noqa: E402

# The schema of CycloneDX comes with it.
VALIDATOR = "cyclonedx-python-lib[json-validation]==11.12.0"
INSIDE = {"glibc", "libstdc++", "libgcc", "libseccomp", "spdlog", "fmt", "toml++", "nlohmann/json", "pybind11", "cuda-headers"}
QEMU = shutil.which("qemu-aarch64-static")

arguments = None
VERSION = None


def dist(pattern):
    found = glob.glob(os.path.join(arguments.dist, pattern))
    if len(found) != 1:
        raise AssertionError(f"{pattern} in {arguments.dist}: {found}")
    return found[0]


def run(*words, code=0, **options):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    said = done.stdout.decode(errors="replace")
    if done.returncode != code:
        raise AssertionError(f"{' '.join(map(str, words))}: exit code {done.returncode}, expected {code}\n{said}")
    return said


def machines():
    return [name for name in ("amd64", "arm64") if glob.glob(os.path.join(arguments.dist, f"*-linux-{name}.tar.gz"))]


def of_rpm(machine):
    """As another system calls it."""
    return {"amd64": "x86_64", "arm64": "aarch64"}[machine]


def sbom(machine):
    with open(dist(f"gpuinit-{VERSION}-linux-{machine}.cdx.json")) as file:
        return json.load(file)


def oci_files():
    with tarfile.open(dist(f"gpuinit-{VERSION}-oci.tar")) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def programs(machine, work):
    """{artefact: the program in it, as a file}."""
    found = {}

    def keep(name, data):
        found[name] = os.path.join(work, f"{machine}-{name}")
        with open(found[name], "wb") as file:
            file.write(data)
        os.chmod(found[name], 0o755)

    with tarfile.open(dist(f"gpuinit-{VERSION}-linux-{machine}.tar.gz")) as archive:
        keep("tar", archive.extractfile(f"gpuinit-{VERSION}-linux-{machine}/bin/gpuinit").read())
    for name, unpack in (("deb", ["dpkg-deb", "-x", dist(f"gpuinit_{VERSION}_{machine}.deb")]),
                         ("rpm", ["rpm", "--ignorearch", "--nodeps", "--install", dist(f"gpuinit-{VERSION}-1.{of_rpm(machine)}.rpm"), "--root"])):
        root = os.path.join(work, f"{machine}-{name}-root")
        os.mkdir(root)
        run(*unpack, root)
        found[name] = os.path.join(root, "usr/bin/gpuinit")
    with zipfile.ZipFile(dist(f"gpuinit-{VERSION}-py3-none-manylinux_2_17_{of_rpm(machine)}.whl")) as wheel:
        keep("wheel", wheel.read(f"gpuinit-{VERSION}.data/scripts/gpuinit"))
    files = oci_files()

    def blob(descriptor):
        return files["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]

    for image in json.loads(blob(json.loads(files["index.json"])["manifests"][0]))["manifests"]:
        if image["platform"]["architecture"] == machine:
            layer = gzip.decompress(blob(json.loads(blob(image))["layers"][0]))
            with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
                keep("oci", archive.extractfile("usr/bin/gpuinit").read())
    return found


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Files(unittest.TestCase):
    def test_checksums_are_of_every_file(self):
        run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=arguments.dist)
        with open(dist("SHA256SUMS")) as file:
            named = {line.split()[1] for line in file}
        self.assertEqual(named, set(os.listdir(arguments.dist)) - {"SHA256SUMS", "SHA256SUMS.sig"})

    def test_one_program_in_all_of_them(self):
        for machine in machines():
            with tempfile.TemporaryDirectory() as work, self.subTest(machine):
                sums = {name: sha256(path) for name, path in programs(machine, work).items()}
                self.assertEqual(set(sums), {"tar", "deb", "rpm", "wheel", "oci"})
                if arguments.no_sbom:
                    self.assertEqual(len(set(sums.values())), 1, sums)
                    continue
                parts = sbom(machine)["metadata"]["component"]["components"]
                sums["sbom"] = next(part["hashes"][0]["content"] for part in parts if part["name"] == "gpuinit")
                self.assertEqual(len(set(sums.values())), 1, sums)

    def test_lintian_has_nothing_to_say(self):
        for machine in machines():
            with self.subTest(machine):
                said = run("lintian", "--allow-root", "--fail-on", "error,warning", "--no-tag-display-limit",
                           dist(f"gpuinit_{VERSION}_{machine}.deb"))
                self.assertNotRegex(said, r"(?m)^[EW]:")

    def test_packages_depend_on_nothing(self):
        for machine in machines():
            control = run("dpkg-deb", "--field", dist(f"gpuinit_{VERSION}_{machine}.deb"))
            self.assertIn(f"Architecture: {machine}\n", control)
            self.assertNotRegex(control, r"(?m)^(Pre-)?Depends:")
            requires = run("rpm", "-qp", "--requires", dist(f"gpuinit-{VERSION}-1.{of_rpm(machine)}.rpm"))
            self.assertEqual([line for line in requires.splitlines() if not line.startswith("rpmlib(")], [])

    def test_packages_bring_the_texts(self):
        for machine in machines():
            listed = run("dpkg-deb", "--contents", dist(f"gpuinit_{VERSION}_{machine}.deb"))
            for path in ("usr/share/man/man1/gpuinit.1.gz", "usr/share/bash-completion/completions/gpuinit",
                         "usr/share/zsh/vendor-completions/_gpuinit", "usr/share/fish/vendor_completions.d/gpuinit.fish",
                         "usr/share/gpuinit/policies/default.toml", "usr/share/doc/gpuinit/copyright", "usr/share/doc/gpuinit/changelog.gz"):
                self.assertIn(f" ./{path}\n", listed)
            self.assertNotIn("libexec", listed)


class Sbom(unittest.TestCase):
    def setUp(self):
        if arguments.no_sbom:
            self.skipTest("--no-sbom")

    def test_names_all_that_is_inside(self):
        for machine in machines():
            self.assertLessEqual(INSIDE, {part["name"] for part in sbom(machine)["components"]}, machine)

    def test_libraries_are_linked_and_others_are_headers(self):
        for machine in machines():
            uses = {part["name"]: {p["value"] for p in part["properties"]} for part in sbom(machine)["components"]}
            for name in ("glibc", "libstdc++", "libgcc", "libseccomp"):
                self.assertIn("linked", uses[name], name)
            for name in ("spdlog", "fmt", "toml++", "nlohmann/json", "pybind11", "cuda-headers"):
                self.assertEqual(uses[name], {"headers"}, name)

    def test_is_valid_by_the_schema(self):
        tools = os.path.join(fetch.CACHE, "release-validator")
        if not os.path.exists(os.path.join(tools, VALIDATOR)):
            shutil.rmtree(tools, ignore_errors=True)
            run(sys.executable, "-m", "pip", "-q", "install", "--disable-pip-version-check", "--target", tools, VALIDATOR)
            os.mkdir(os.path.join(tools, VALIDATOR))
        program = ("import sys\nfrom cyclonedx.validation.json import JsonStrictValidator\nfrom cyclonedx.schema import SchemaVersion\n"
                   "error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())\n"
                   "sys.exit(str(error) if error else 0)")
        for machine in machines():
            path = dist(f"gpuinit-{VERSION}-linux-{machine}.cdx.json")
            environment = dict(os.environ, PYTHONPATH=tools)
            run(sys.executable, "-c", program, path, env=environment)
            # A schema that finds nothing wrong anywhere would not be one.
            with tempfile.NamedTemporaryFile("w", suffix=".json") as wrong:
                json.dump({**sbom(machine), "components": [{"type": "no such type", "name": "x"}]}, wrong)
                wrong.flush()
                run(sys.executable, "-c", program, wrong.name, env=environment, code=1)


class Oci(unittest.TestCase):
    def test_skopeo_reads_each_machine(self):
        for machine in machines():
            said = json.loads(run("skopeo", "inspect", "--override-arch", machine, f"oci-archive:{dist('*-oci.tar')}"))
            self.assertEqual(said["Architecture"], machine)
            self.assertEqual(said["Labels"]["org.opencontainers.image.version"], VERSION)


def blocks(page):
    return [block for block in typed_commands.blocks(page) if block.kind in ("sh", "dockerfile")]


class Verify(unittest.TestCase):
    def test_page(self):
        if not arguments.key:
            self.skipTest("no --key: dist/ is not signed by a key that is known here")
        with tempfile.TemporaryDirectory() as work:
            shutil.copytree(arguments.dist, work, dirs_exist_ok=True)
            with open(arguments.key) as key, open(f"{work}/allowed_signers", "w") as file:
                file.write(f'gpuinit namespaces="gpuinit" {key.read()}')
            said = ""
            for block in blocks("docs/verify.md"):
                if block.file != "rebuild":  # two_builds.sh has done that
                    said += run("bash", "-c", "set -e -o pipefail\n" + block.text, cwd=work)
            self.assertIn('Good "gpuinit" signature', said)
            self.assertEqual(len(set(re.findall(r"^[0-9a-f]{64}", said, re.M))), 1, said)
            self.assertEqual(len(re.findall(r"^[0-9a-f]{64}", said, re.M)), 4, said)
            first = blocks("docs/verify.md")[0].text.splitlines()[0]
            with open(f"{work}/SHA256SUMS", "a") as file:
                file.write("0000\n")
            run("bash", "-c", first, cwd=work, code=255)


# What is done with an installed gpuinit; it is PID 1 at the end.
USE = """gpuinit --version | grep -F "gpuinit $VERSION"
gpuinit --check -- sh
exec {gpuinit} --supervise -- sh -c 'test $PPID = 1 && exit 7'
"""


class Install(unittest.TestCase):
    """Each way of docs/install.md, in a container of its own without a network."""

    @classmethod
    def setUpClass(cls):
        if "amd64" not in machines():
            raise unittest.SkipTest("this dist/ is not for amd64")
        cls.work = tempfile.mkdtemp(prefix="gpuinit-dist-")
        images.need_tools()
        os.makedirs(images.STORE, exist_ok=True)
        cls.debian = images.debian()
        cls.python_image = None
        cls.ways = {block.file or block.kind: block.text for block in blocks("docs/install.md")}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def way(self, name):
        text = self.ways[name]
        self.assertLessEqual(len(text.splitlines()), 3)
        self.assertIn(VERSION, text)
        return text

    def container(self, image, script, *options):
        return run(*PODMAN, "run", "--rm", "--network", "none", "--volume", f"{arguments.dist}:/dist:ro", "--workdir", "/dist",
                   "--env", f"VERSION={VERSION}", *options, image, "bash", "-c", "set -e -o pipefail\n" + script,
                   code=7, env=ENVIRONMENT)

    def test_the_page_has_these_ways(self):
        self.assertEqual(set(self.ways), {"copy", "dockerfile", "tar", "deb", "rpm", "pip", "uv"})

    def test_tar(self):
        self.container(self.debian, self.way("tar") + "gpuinit --print-policy --policy /usr/local/share/gpuinit/policies/strict.toml >/dev/null\n"
                       + USE.format(gpuinit="gpuinit"))

    def test_deb(self):
        self.container(self.debian, self.way("deb") + "dpkg --verify gpuinit\n" + USE.format(gpuinit="/usr/bin/gpuinit"))

    def test_rpm(self):
        root = os.path.join(self.work, "rpm-root")
        os.mkdir(root)
        run("bash", "-c", self.way("rpm").replace("rpm ", f"rpm --root {root} "), cwd=arguments.dist)
        self.container(self.debian, "PATH=/rpm/usr/bin:$PATH\n" + USE.format(gpuinit="gpuinit"), "--volume", f"{root}:/rpm:ro")

    def python(self):
        """An image with a virtual environment on PATH, as images for training have."""
        if self.python_image:
            return self.python_image
        dockerfile = os.path.join(self.work, "Dockerfile.python")
        with open(dockerfile, "w") as file:
            file.write(f"FROM {self.debian}\nRUN apt-get -q update && apt-get -q -y install python3-venv && "
                       "python3 -m venv /opt/venv && rm -rf /var/cache/apt /var/lib/apt/lists\n"
                       "ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin\n")
        Install.python_image = images.build("release-python:latest", dockerfile, context=self.work)
        return self.python_image

    def test_pip(self):
        self.container(self.python(), self.way("pip") + USE.format(gpuinit="gpuinit"))
        self.container(self.python(), self.way("pip") + USE.format(gpuinit="python -m gpuinit"))

    def test_uv(self):
        uv = ["--volume", f"{fetch.CACHE}/uv/bin/uv:/usr/local/bin/uv:ro"]
        self.container(self.python(), self.way("uv") + USE.format(gpuinit="gpuinit"), *uv)
        self.container(self.python(), self.way("uv") + USE.format(gpuinit="python -m gpuinit"), *uv)

    def test_copy(self):
        # `podman` on PATH is the one of these tests, with its own store.
        shim = os.path.join(self.work, "bin", "podman")
        os.makedirs(os.path.dirname(shim), exist_ok=True)
        with open(shim, "w") as file:
            file.write('#!/bin/sh\nexec /usr/bin/%s "$@"\n' % " ".join(PODMAN))
        os.chmod(shim, 0o755)
        run("bash", "-e", "-c", self.way("copy"), cwd=arguments.dist,
            env=dict(ENVIRONMENT, PATH=f"{os.path.dirname(shim)}:{os.environ['PATH']}"))
        dockerfile = os.path.join(self.work, "Dockerfile.copy")
        with open(dockerfile, "w") as file:
            file.write(f"FROM {self.debian}\n" + self.way("dockerfile"))
        image = images.build("release-copy:latest", dockerfile, context=self.work)
        self.container(image, USE.format(gpuinit="gpuinit"), "--entrypoint=")
        # As its entrypoint.
        run(*PODMAN, "run", "--rm", "--network", "none", image, "--supervise", "--", "sh", "-c", "exit 7", code=7, env=ENVIRONMENT)
        run(*PODMAN, "rmi", "--force", f"localhost/gpuinit:{VERSION}", image, env=ENVIRONMENT)


class Arm64(unittest.TestCase):
    """The artefacts for arm64, under qemu-user: outside of a container, since this kernel runs no arm64."""

    def test_each_runs(self):
        if "arm64" not in machines():
            self.skipTest("this dist/ is not for arm64")
        self.assertTrue(QEMU, "no qemu-aarch64-static here: docker/install-deps.sh --tests --aarch64")
        with tempfile.TemporaryDirectory() as work:
            for name, program in programs("arm64", work).items():
                with self.subTest(name):
                    self.assertIn(f"gpuinit {VERSION}", run(QEMU, program, "--version"))
                    run(QEMU, program, "--explain", "platform")
                    facts = run(QEMU, program, "--facts", "--root", "/", "--", "sh")
                    self.assertIn("x86_64", facts)
                    run(QEMU, program, "--supervise", "--policy", "builtin:permissive", "--", "sh", "-c", "exit 7", code=7)

    def test_wheel_is_taken_for_that_machine(self):
        if "arm64" not in machines():
            self.skipTest("this dist/ is not for arm64")
        with tempfile.TemporaryDirectory() as work:
            run(sys.executable, "-m", "pip", "-q", "install", "--no-index", "--only-binary=:all:", "--platform", "manylinux_2_17_aarch64",
                "--target", work, dist("*manylinux_2_17_aarch64.whl"))
            self.assertTrue(os.access(f"{work}/bin/gpuinit", os.X_OK))


def main():
    global arguments, VERSION
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dist")
    parser.add_argument("--key")
    parser.add_argument("--no-sbom", action="store_true")
    parser.add_argument("tests", nargs="*")
    arguments = parser.parse_args()
    arguments.dist = os.path.realpath(arguments.dist)
    with open(os.path.join(SOURCE, "CMakeLists.txt")) as file:
        VERSION = re.search(r"^project\(gpuinit VERSION ([\d.]+)", file.read(), re.M).group(1)
    unittest.main(argv=[sys.argv[0], *arguments.tests], verbosity=2)


if __name__ == "__main__":
    main()
