#!/usr/bin/env python3
"""Fetches the real images, interpreters and drivers that the tests read, each at a pinned version, into one cache.

    fetch.py                     everything of x86_64 (about 9 GB on disk; ten minutes on a fast line)
    fetch.py torch/2.8.0-cp312 driver/535
    fetch.py aarch64/image/torch2.11.0-cp311      the same on every machine (3 GB); nothing of aarch64 is elsewhere
    fetch.py --list              the names

The cache is $GPUINIT_TESTS_CACHE, else ${XDG_CACHE_HOME:-~/.cache}/gpuinit-tests. Each input is unpacked beside the
cache's final place and moved there when complete; a stamp says so, and a second run only looks at the stamps.

What vouches for the bytes: a wheel has its sha256 here. A Debian package is downloaded by apt from this machine's own
mirror, through a private apt configuration, and apt checks it against the archive's signed index. Packages of archived
or old releases are pinned to a version; those of releases that still move are pinned to the upstream version that the
tests rely on.
"""
import fcntl
import glob
import hashlib
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get("GPUINIT_TESTS_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gpuinit-tests")
WORK = os.path.join(CACHE, ".work")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TRIPLET = "x86_64-linux-gnu"
DEBIAN_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


def wheel_platforms(machine):
    """Every floor of glibc that a wheel may name; which one is for the wheel's maker to choose."""
    return [f"manylinux_2_{minor}_{machine}" for minor in range(5, 40)] + [
        f"manylinux{name}_{machine}" for name in ("1", "2010", "2014")]


class FetchError(Exception):
    pass


def say(text):
    print(f"fetch: {text}", flush=True)


def run(command, label, **options):
    """Runs a command quietly; a line every 20 s while it lasts, its output and an error if it fails."""
    log_path = os.path.join(WORK, "log")
    with open(log_path, "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
        start = time.monotonic()
        while True:
            try:
                status = process.wait(timeout=20)
                break
            except subprocess.TimeoutExpired:
                say(f"  {label}: {time.monotonic() - start:.0f} s")
    with open(log_path, errors="replace") as log:
        output = log.read()
    if status != 0:
        sys.stderr.write(output)
        raise FetchError(f"{label}: {command[0]} exited with status {status}")
    return output


def move_into_place(tree, name):
    final = os.path.join(CACHE, name)
    shutil.rmtree(final, ignore_errors=True)
    os.makedirs(os.path.dirname(final), exist_ok=True)
    os.rename(tree, final)


def file_sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class Wheel:
    """One wheel from PyPI, unpacked: the directory is a site-packages."""

    def __init__(self, project, version, sha256, python=None, skip=(), place=None, needs=(), machine="x86_64"):
        self.project, self.version, self.sha256, self.python = project, version, sha256, python
        self.machine = machine
        self.skip = skip      # path prefixes that no check reads
        self.place = place    # {path in the wheel: path in the tree} instead of everything
        self.needs = needs

    def recipe(self):
        return f"{self.project} {self.version} {self.sha256} skip={self.skip} place={self.place}"

    def fetch(self, name):
        wheel = self.download()
        tree = os.path.join(WORK, "tree")
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                to = self.place.get(member) if self.place else member
                if to and not self.leaves_out(member):
                    archive.getinfo(member).filename = to
                    path = archive.extract(member, tree)
                    if "/bin/" in path and os.path.isfile(path):
                        os.chmod(path, 0o755)
                    self.extracted(path)
        move_into_place(tree, name)
        os.remove(wheel)

    def leaves_out(self, member):
        return member.startswith(tuple(self.skip))

    def extracted(self, path):
        pass

    def download(self):
        """The path of the wheel, kept from an interrupted run or downloaded."""
        directory = os.path.join(WORK, "wheels", self.sha256)
        os.makedirs(directory, exist_ok=True)
        for path in glob.glob(directory + "/*.whl"):
            if file_sha256(path) == self.sha256:
                return path
            os.remove(path)
        tags = []
        for tag in wheel_platforms(self.machine):
            tags += ["--platform", tag]
        if self.python:
            tags += ["--implementation", "cp", "--python-version", self.python]
            for abi in ("cp" + self.python.replace(".", ""), "abi3", "none"):
                tags += ["--abi", abi]
        run([sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-cache-dir", "--no-deps",
             "--progress-bar", "off", "--only-binary=:all:", *tags, "-d", directory, f"{self.project}=={self.version}"],
            f"{self.project} {self.version}", env=dict(os.environ, TMPDIR=WORK))
        path, = glob.glob(directory + "/*.whl")
        actual = file_sha256(path)
        if actual != self.sha256:
            os.remove(path)
            raise FetchError(f"{self.project} {self.version}: sha256 is {actual}, not the pinned {self.sha256}")
        return path


class NvidiaWheel(Wheel):
    """A wheel of NVIDIA's CUDA libraries, without what takes most of the room: headers, static libraries, device code.

    The sections of DEVICE_CODE become holes that read as zeros. Everything else of a library is as NVIDIA shipped it:
    its size, headers, relocations, symbols, versions, machine code. It can be loaded and initialised (import_truth.py
    imports torch with it); no kernel can be launched, and nothing may be concluded from these files about which GPUs
    the libraries serve.
    """

    # The two that gpuinit reads device code from; cuBLAS and cuDNN's own store; what cuFFT and cuBLAS keep in the data
    # of the large code model.
    DEVICE_CODE = (b".nv_fatbin", b"__nv_relfatbin", b".cask_resource", b".ldata")

    def recipe(self):
        return super().recipe() + " without device code 1"

    def leaves_out(self, member):
        return re.search(r"/include/|\.(a|bc)$|\.alt\.so", member) is not None

    def extracted(self, path):
        for offset, size in sections_of(path, self.DEVICE_CODE):
            # Where the file system has no holes, the code stays: that costs room only.
            subprocess.run(["fallocate", "--punch-hole", "--offset", str(offset), "--length", str(size), path],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def sections_of(path, names):
    """(offset, size) of those sections of an ELF64 file; none if it is no such file."""
    found = []
    if not os.path.isfile(path):
        return found
    with open(path, "rb") as file:
        header = file.read(64)
        if header[:6] != b"\x7fELF\x02\x01":
            return found
        table_at, = struct.unpack_from("<Q", header, 40)
        entry_size, count, names_index = struct.unpack_from("<HHH", header, 58)
        file.seek(table_at)
        table = file.read(entry_size * count)

        def at(index):
            name, _, _, _, offset, size = struct.unpack_from("<IIQQQQ", table, index * entry_size)
            return name, offset, size

        _, strings_at, strings_size = at(names_index)
        file.seek(strings_at)
        strings = file.read(strings_size)
        for index in range(count):
            name, offset, size = at(index)
            if strings[name:strings.index(b"\0", name)] in names:
                found.append((offset, size))
    return found


class Image:
    """A root with an interpreter, and in its site-packages all that pip would have put there.

    The files are those of the other inputs, by hard links: an image takes no room, and its directories are real, so
    that $ORIGIN and the loader's idea of one file are those of an image. Below /extensions it has each wheel of
    EXTENSIONS by itself, those for other torches too, and in /extensions/trixie the libraries of a newer Debian.
    """

    FOREIGN = "python/3.13"

    def __init__(self, python, site, wheels):
        self.python, self.site, self.wheels = python, site, wheels
        self.needs = tuple(dict.fromkeys((python, self.FOREIGN, *wheels, *EXTENSIONS)))

    def recipe(self):
        return f"image {self.site} 1\n" + "".join(f"{name} {INPUTS[name].recipe()}\n" for name in self.needs)

    def fetch(self, name):
        tree = os.path.join(WORK, "tree")
        link_tree(os.path.join(CACHE, self.python), tree)
        for wheel in self.wheels:
            link_tree(os.path.join(CACHE, wheel), os.path.join(tree, self.site))
        for wheel in EXTENSIONS:
            link_tree(os.path.join(CACHE, wheel), os.path.join(tree, "extensions", os.path.basename(wheel)))
        link_tree(os.path.join(CACHE, self.FOREIGN, "usr/lib", TRIPLET), os.path.join(tree, "extensions/trixie"))
        move_into_place(tree, name)


class PlainImage(Image):
    """The same without anything below /extensions."""

    def __init__(self, python, site, wheels):
        self.python, self.site, self.wheels, self.needs = python, site, wheels, (python, *wheels)

    def fetch(self, name):
        tree = os.path.join(WORK, "tree")
        link_tree(os.path.join(CACHE, self.python), tree)
        for wheel in self.wheels:
            link_tree(os.path.join(CACHE, wheel), os.path.join(tree, self.site))
        move_into_place(tree, name)


def link_tree(source, target):
    """Hard-links the files of a tree into another; what is there stays, as the __init__.py that wheels share."""
    for directory, directories, files in os.walk(source):
        into = os.path.normpath(os.path.join(target, os.path.relpath(directory, source)))
        os.makedirs(into, exist_ok=True)
        links = [name for name in directories if os.path.islink(os.path.join(directory, name))]
        for name in files + links:
            if not os.path.lexists(os.path.join(into, name)):
                os.link(os.path.join(directory, name), os.path.join(into, name), follow_symlinks=False)


class Apt:
    """A private view of one Debian release: this machine's mirror and proxy, but lists and caches of its own."""

    opened = {}

    @classmethod
    def of(cls, suite, machine):
        if (suite, machine) not in cls.opened:
            cls.opened[suite, machine] = Apt(suite, DEBIAN_NAMES[machine])
        return cls.opened[suite, machine]

    @staticmethod
    def mirror():
        """The Debian mirror that this machine's own apt uses, whatever the form of its sources."""
        given = os.environ.get("GPUINIT_DEBIAN_MIRROR")
        if given:
            return given
        with open("/etc/os-release") as file:
            if not re.search(r"^ID=debian$", file.read(), re.M):
                raise FetchError("not a Debian machine: set GPUINIT_DEBIAN_MIRROR to the URL of a Debian mirror")
        uris = subprocess.run(["apt-get", "update", "--print-uris"], check=True, text=True, stdout=subprocess.PIPE).stdout
        for base, suite in re.findall(r"^'(\S+?)/dists/(\S+?)/InRelease'", uris, re.M):
            if re.fullmatch(r"[a-z]+", suite) and "security" not in base and base.endswith("debian"):
                return base
        raise FetchError("no Debian mirror in this machine's apt sources: set GPUINIT_DEBIAN_MIRROR")

    def __init__(self, suite, architecture):
        if not os.path.exists(KEYRING):
            raise FetchError(f"{KEYRING} is missing: apt-get install debian-archive-keyring")
        self.suite = suite
        root = os.path.join(CACHE, "apt", f"{suite}-{architecture}")
        shutil.rmtree(root, ignore_errors=True)
        for directory in ("parts", "state/lists/partial", "cache/archives/partial", "debs"):
            os.makedirs(os.path.join(root, directory))
        open(os.path.join(root, "state/status"), "w").close()
        with open(os.path.join(root, "sources"), "w") as file:
            file.write(f"deb [arch={architecture} signed-by={KEYRING}] {self.mirror()} {suite} main non-free\n")
        self.debs = os.path.join(root, "debs")
        # Acquire::Languages and the index targets leave out what nobody reads here.
        self.options = []
        for option in (f"Dir::Etc::SourceList={root}/sources", f"Dir::Etc::SourceParts={root}/parts",
                       f"Dir::State={root}/state", f"Dir::State::Status={root}/state/status",
                       f"Dir::Cache={root}/cache", "Dir::Cache::pkgcache=pkgcache.bin",
                       "Acquire::Languages=none", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
                       "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
                       "Acquire::Retries=3", "APT::Sandbox::User=root", f"APT::Architecture={architecture}",
                       f"APT::Architectures::={architecture}"):
            self.options += ["-o", option]
        output = run(["apt-get", *self.options, "update"], f"index of {suite}")
        # apt-get update calls a list that it could not fetch or verify a warning, and succeeds.
        if re.search(r"^E:|^W:.*(Failed to fetch|GPG error|NO_PUBKEY|not signed|could ?n.t be verified)", output, re.M):
            sys.stderr.write(output)
            raise FetchError(f"apt could not verify the index of {suite} (is debian-archive-keyring up to date?)")

    def download(self, packages):
        """Downloads {package: version prefix}; returns the files, apt having checked each against the signed index."""
        wanted = []
        for package, version in packages.items():
            output = subprocess.run(["apt-cache", *self.options, "show", "--no-all-versions", package],
                                    text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            found = re.search(r"^Version: (\S+)", output, re.M)
            if not found:
                raise FetchError(f"Debian {self.suite} has no package {package}")
            if not found[1].startswith(version):
                raise FetchError(f"Debian {self.suite} has {package} {found[1]}, but the tests rely on {version}*")
            wanted.append(f"{package}={found[1]}")
        for path in glob.glob(self.debs + "/*.deb"):
            os.remove(path)
        run(["apt-get", *self.options, "download", *wanted], f"{len(wanted)} packages of {self.suite}", cwd=self.debs)
        files = glob.glob(self.debs + "/*.deb")
        if len(files) != len(wanted):
            raise FetchError(f"apt downloaded {len(files)} of {len(wanted)} packages of {self.suite}")
        return files, wanted


# What any image has: the C and C++ run time, and the loader's configuration.
BASE_PACKAGES = ("base-files", "libc-bin", "libc6", "libexpat1", "libgcc-s1", "libstdc++6", "zlib1g")


def unpack_debs(suite, packages, tree, machine="x86_64"):
    """Unpacks Debian packages into a root tree with the merged /usr that real images have."""
    for directory in ("bin", "lib", "sbin", *(["lib64"] if machine == "x86_64" else [])):
        os.makedirs(os.path.join(tree, "usr", directory))
        os.symlink("usr/" + directory, os.path.join(tree, directory))
    files, versions = Apt.of(suite, machine).download(packages)
    for deb in files:
        # dpkg-deb -x would replace the links to /usr by directories.
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as unpack:
            subprocess.run(["tar", "-x", "--keep-directory-symlink", "--no-same-owner",
                            "--exclude=./usr/share/doc", "--exclude=./usr/share/man", "--exclude=./usr/share/lintian",
                            "--exclude=./usr/share/bug", "-C", tree], stdin=unpack.stdout, check=True)
        if unpack.returncode != 0:
            raise FetchError(f"dpkg-deb could not unpack {deb}")
        os.remove(deb)
    with open(os.path.join(tree, "versions"), "w") as file:
        file.write("".join(f"{suite} {version}\n" for version in sorted(versions)))


def make_loader_cache(tree, machine="x86_64"):
    """Writes the tree's etc/ld.so.cache, as the packages' own scripts would have."""
    chroot = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]
    ldconfig = [shutil.which("ldconfig") or "/sbin/ldconfig"]
    # It passes over the libraries of any other machine than its own.
    if machine != platform.machine():
        ldconfig = [f"qemu-{machine}-static", os.path.join(tree, "usr/sbin/ldconfig")]
    run([*chroot, *ldconfig, "-r", tree], "ldconfig")


# What the modules need that torch imports from the standard library; their names before and since 64-bit time.
MODULE_LIBRARIES = ("libbz2-1.0", "libffi8", "liblzma5", "libssl3", "libuuid1")
MODULE_LIBRARIES_T64 = tuple({"libssl3": "libssl3t64"}.get(name, name) for name in MODULE_LIBRARIES) + ("libzstd1",)


class DebianPython:
    """A Debian root with one CPython in it."""

    def __init__(self, minor, suite, version, libraries=(), machine="x86_64"):
        self.minor, self.suite, self.version, self.libraries, self.needs = minor, suite, version, libraries, ()
        self.machine = machine

    def recipe(self):
        return " ".join(("debian python", self.minor, self.suite, self.version, "1", *self.libraries))

    def fetch(self, name):
        tree = os.path.join(WORK, "tree")
        packages = {package: "" for package in (*BASE_PACKAGES, *self.libraries)}
        for package in ("python{}-minimal", "libpython{}-minimal", "libpython{}-stdlib", "python{}", "libpython{}"):
            packages[package.format(self.minor)] = self.version
        unpack_debs(self.suite, packages, tree, self.machine)
        # python3 itself is a link in python3-minimal, which only the release's default version has.
        if not os.path.lexists(os.path.join(tree, "usr/bin/python3")):
            os.symlink(f"python{self.minor}", os.path.join(tree, "usr/bin/python3"))
        make_loader_cache(tree, self.machine)
        move_into_place(tree, name)


class MadePython:
    """A tree as the docker image python:3.X has it, written by make_python_tree.py, on Debian's C library.

    No Debian release carries these interpreters. `like` is the list of what such a libpython exports, or the name of
    a fetched interpreter that exports nearly the same. `libraries` are for a real interpreter that takes its place.
    """

    def __init__(self, version, like, free_threaded=False, libraries=()):
        self.version, self.like, self.free_threaded, self.libraries = version, like, free_threaded, libraries
        self.needs = (like,) if like.startswith("python/") else ()

    def exports(self):
        if not self.needs:
            return os.path.join(HERE, self.like)
        minor = self.like.partition("/")[2]
        return os.path.join(CACHE, self.like, f"usr/lib/{TRIPLET}/libpython{minor}.so.1.0")

    def recipe(self):
        like = INPUTS[self.like].recipe() if self.needs else file_sha256(self.exports())
        recipe = f"made python {self.version} {self.free_threaded} {like} {file_sha256(HERE + '/make_python_tree.py')}"
        return " ".join((recipe, *self.libraries))

    def fetch(self, name):
        tree = os.path.join(WORK, "tree")
        unpack_debs("bookworm", {package: "" for package in (*BASE_PACKAGES, *self.libraries)}, tree)
        command = [sys.executable, os.path.join(HERE, "make_python_tree.py"), "--version", self.version,
                   "--exports", self.exports(), "--out", tree]
        run(command + ["--free-threaded"] * self.free_threaded, f"python {self.version}")
        make_loader_cache(tree)
        move_into_place(tree, name)


class Driver:
    """NVIDIA's user-mode driver as Debian packages it, with the links that its installation would make."""

    def __init__(self, suite, version, infix=""):
        self.suite, self.version, self.infix, self.needs = suite, version, infix, ()

    def recipe(self):
        return f"driver {self.suite} {self.version} 1"

    def fetch(self, name):
        tree = os.path.join(WORK, "tree")
        # libcuda opens the PTX compiler by name when it has to compile.
        packages = {f"lib{self.infix}cuda1": self.version, f"libnvidia-{self.infix.replace('nvidia-', '')}ptxjitcompiler1": self.version}
        unpack_debs(self.suite, packages, tree)
        libraries = os.path.join(tree, "usr/lib", TRIPLET)
        for path in glob.glob(libraries + "/nvidia/*/*.so*"):
            link = os.path.join(libraries, os.path.basename(path))
            os.symlink(os.path.relpath(path, libraries), link)
        if not os.path.exists(os.path.join(libraries, "libcuda.so.1")):
            raise FetchError(f"{name}: the packages hold no libcuda.so.1")
        move_into_place(tree, name)


class Oracle:
    """What NVIDIA's own cuobjdump says is inside a torch wheel."""

    def __init__(self, torch):
        self.torch, self.needs = torch, (f"torch/{torch}", "cuobjdump")

    def recipe(self):
        return f"oracle {self.torch} {file_sha256(HERE + '/cuobjdump_oracle.sh')} {INPUTS['cuobjdump'].recipe()}"

    def fetch(self, name):
        run([os.path.join(HERE, "cuobjdump_oracle.sh"), os.path.join(CACHE, "cuobjdump/bin/cuobjdump"),
             os.path.join(CACHE, "torch", self.torch), os.path.join(CACHE, "oracle", self.torch)],
            f"cuobjdump on torch {self.torch}")


TORCH_SKIP = ("torch/include/",)

# bitsandbytes has a file for each CUDA release, and two are enough here; triton has compilers and profilers of its own.
SKIP = {"bitsandbytes": tuple(f"bitsandbytes/libbitsandbytes_cuda{release}" for release in
                              ("118", "120", "121", "122", "123", "125", "126", "127", "129")),
        "triton": tuple(f"triton/{directory}/" for directory in
                            ("backends/amd/lib", "backends/nvidia/bin", "backends/nvidia/lib", "include", "instrumentation", "plugins"))}


def pinned_wheels(listed, machine):
    """{name: Wheel} of wheels.txt, or of that for another machine."""
    wheels = {}
    folder = "wheels" if machine == "x86_64" else f"{machine}/wheels"
    with open(os.path.join(HERE, listed)) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                project, version, python, sha256 = line.split()
                tag = "" if python == "-" else "-cp" + python.replace(".", "")
                kind = NvidiaWheel if project.startswith("nvidia-") else Wheel
                wheels[f"{folder}/{project}-{version}{tag}"] = kind(
                    project, version, sha256, python=None if python == "-" else python, skip=SKIP.get(project, ()),
                    machine=machine)
    return wheels


PINNED = pinned_wheels("wheels.txt", "x86_64")
PINNED_AARCH64 = pinned_wheels("wheels-aarch64.txt", "aarch64")


def of_wheels(*projects):
    """The inputs of wheels.txt that are one of these, "sympy-1.14.0" or "numpy-2.3.5-cp312", or begin so."""
    names = []
    for project in projects:
        found = [name for name in PINNED if name.startswith("wheels/" + project)]
        if not found:
            raise KeyError(project)
        names += found
    return names


# What is opened into each torch by import_truth.py.
EXTENSIONS = (*of_wheels("torchvision-", "torchaudio-", "torchcodec-", "xformers-", "bitsandbytes-"),
              "runtime/cu12", "runtime/cu13")
PURE = ("filelock-", "fsspec-", "jinja2-", "mpmath-", "networkx-", "setuptools-", "typing-extensions-")
CU12 = [name for name in PINNED if re.match(r"wheels/nvidia-\S+-cu12-", name)]
CU13 = [name for name in PINNED if name.startswith("wheels/nvidia-") and name not in CU12]

# Smallest first; an input stands after what it needs.
INPUTS = {
    "cuobjdump": Wheel(
        "nvidia-cuda-cuobjdump", "13.5.37", "38780fee50863252a0b8926357faa91615ca1c8346490563f33a06100cd73f58",
        place={"nvidia/cu13/bin/cuobjdump": "bin/cuobjdump"}),
    # A command may begin with it: `uv run`.
    "uv": Wheel(
        "uv", "0.13.9", "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
        place={"uv-0.13.9.data/scripts/uv": "bin/uv"}),
    # What Kubernetes takes, by its own OpenAPI text: the oldest that job.yaml names, and a new one.
    "kubernetes": Wheel(
        "kubernetes-validate", "1.37.0", "85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9",
        place={f"kubernetes_validate/kubernetes-json-schema/v{version}.0-local-strict/_definitions.json": f"v{version}.json"
               for version in ("1.26", "1.37")}),
    # Each the version that the torch beside it requires.
    "runtime/cu124": Wheel(
        "nvidia-cuda-runtime-cu12", "12.4.127", "64403288fa2136ee8e467cdc9c9427e0434110899d07c779f25b5c068934faa5"),
    "runtime/cu12": Wheel(
        "nvidia-cuda-runtime-cu12", "12.8.90", "adade8dcbd0edf427b7204d480d6066d33902cab2a4707dcfc48a2d0fd44ab90"),
    "runtime/cu13": Wheel(
        "nvidia-cuda-runtime", "13.2.86", "3498247680dfddce31bad102af7e3e26fc795342a3cac64722bb0fa95e7f60f0"),
    # The newest of each branch that a frozen release holds, else the branch.
    "driver/450": Driver("bullseye", "450.248.02-7~deb11u1", infix="nvidia-tesla-450-"),
    "driver/470": Driver("bookworm", "470.256.02-1~deb12u1", infix="nvidia-tesla-470-"),
    "driver/525": Driver("bookworm", "525.147.05-15~deb12u1", infix="nvidia-tesla-"),
    "driver/535": Driver("bookworm", "535.261.03-1"),
    "driver/550": Driver("trixie", "550."),
    "python/3.9": DebianPython("3.9", "bullseye", "3.9.2-1"),
    "python/3.11": DebianPython("3.11", "bookworm", "3.11.2-"),
    "python/3.13": DebianPython("3.13", "trixie", "3.13.", libraries=MODULE_LIBRARIES_T64),
    "python/3.14": DebianPython("3.14", "forky", "3.14.", libraries=MODULE_LIBRARIES_T64),
    "python/3.10": MadePython("3.10.13", "libpython3.10.exports", libraries=MODULE_LIBRARIES),
    "python/3.12": MadePython("3.12.1", "libpython3.12.exports", libraries=MODULE_LIBRARIES),
    "python/3.13t": MadePython("3.13.5", "python/3.13", free_threaded=True),
    "python/3.14t": MadePython("3.14.8", "python/3.14", free_threaded=True),
    **PINNED,
    "torch/2.15.0-cp314": Wheel(
        "torch", "2.15.0", "1412c79b0338ea61fa31e74a59d74e412c56307e226d3c6e61ccd6d4613ffc3f",
        python="3.14", skip=TORCH_SKIP),
    "torch/2.8.0-cp312": Wheel(
        "torch", "2.8.0", "b2aca0939fb7e4d842561febbd4ffda67a8e958ff725c1c27e244e85e982173c",
        python="3.12", skip=TORCH_SKIP),
    "torch/2.5.1-cp310": Wheel(
        "torch", "2.5.1", "71328e1bbe39d213b8721678f9dcac30dfc452a46d586f1d514a6aa0a99d4744",
        python="3.10", skip=TORCH_SKIP),
    # As pip install torch torchvision torchaudio leaves them. torchaudio ended with 2.11, for CUDA 13.0, and does not
    # let itself be imported beside a torch for 13.2.
    "image/torch2.8.0-cp312": Image("python/3.12", "usr/local/lib/python3.12/site-packages", (
        "torch/2.8.0-cp312", "runtime/cu12", *CU12, *of_wheels(
            *PURE, "sympy-1.14.0", "markupsafe-3.0.4-cp312", "numpy-2.3.5", "pillow-13.0.0-cp312", "triton-3.4.0",
            "torchvision-0.23.0", "torchaudio-2.8.0"))),
    "image/torch2.15.0-cp314": Image("python/3.14", "usr/local/lib/python3.14/dist-packages", (
        "torch/2.15.0-cp314", "runtime/cu13", *CU13, *of_wheels(
            *PURE, "sympy-1.14.0", "markupsafe-3.0.4-cp314", "numpy-2.5.5", "pillow-13.0.0-cp314", "triton-3.9.0",
            "cuda-bindings-", "cuda-pathfinder-", "cuda-toolkit-", "torchvision-0.29.2"))),
    # With the CUDA libraries of torch 2.8.0 instead of its own 12.4: the same SONAMEs, not a second gigabyte.
    "image/torch2.5.1-cp310": Image("python/3.10", "usr/local/lib/python3.10/site-packages", (
        "torch/2.5.1-cp310", "runtime/cu12", *CU12, *of_wheels(
            *PURE, "sympy-1.13.1", "markupsafe-3.0.3-cp310", "numpy-1.26.4", "pillow-12.2.0", "torchvision-0.20.1",
            "torchaudio-2.5.1"))),
    # Grace, GB10 and Thor: Debian's Python, torch as PyPI has it for aarch64.
    "aarch64/python/3.11": DebianPython("3.11", "bookworm", "3.11.2-", libraries=MODULE_LIBRARIES, machine="aarch64"),
    **PINNED_AARCH64,
    "aarch64/torch/2.11.0-cp311": Wheel(
        "torch", "2.11.0", "d91aac77f24082809d2c5a93f52a5f085032740a1ebc9252a7b052ef5a4fddc6",
        python="3.11", skip=TORCH_SKIP, machine="aarch64"),
    "aarch64/image/torch2.11.0-cp311": PlainImage("aarch64/python/3.11", "usr/local/lib/python3.11/dist-packages", (
        "aarch64/torch/2.11.0-cp311", *PINNED_AARCH64, *of_wheels(
            "filelock-", "fsspec-", "jinja2-", "mpmath-", "networkx-", "typing-extensions-", "sympy-1.14.0",
            "cuda-pathfinder-"))),
    "oracle/2.15.0-cp314": Oracle("2.15.0-cp314"),
    "oracle/2.8.0-cp312": Oracle("2.8.0-cp312"),
    "oracle/2.5.1-cp310": Oracle("2.5.1-cp310"),
}


def stamp_path(name):
    return os.path.join(CACHE, ".stamps", name.replace("/", "_"))


def is_there(name):
    try:
        with open(stamp_path(name)) as file:
            return file.read() == INPUTS[name].recipe()
    except FileNotFoundError:
        return False


def with_needs(names):
    closure = set(names)
    while more := {need for name in closure for need in INPUTS[name].needs} - closure:
        closure |= more
    return [name for name in INPUTS if name in closure]


def fetch(names):
    os.makedirs(os.path.join(CACHE, ".stamps"), exist_ok=True)
    with open(os.path.join(CACHE, ".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another fetch")
            fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [name for name in names if not is_there(name)]
        for number, name in enumerate(missing, 1):
            say(f"{number}/{len(missing)} {name}")
            os.makedirs(WORK, exist_ok=True)
            shutil.rmtree(os.path.join(WORK, "tree"), ignore_errors=True)
            start = time.monotonic()
            INPUTS[name].fetch(name)
            with open(stamp_path(name), "w") as file:
                file.write(INPUTS[name].recipe())
            if time.monotonic() - start > 10:
                say(f"  {name}: {time.monotonic() - start:.0f} s")
        for directory in (WORK, os.path.join(CACHE, "apt")):
            shutil.rmtree(directory, ignore_errors=True)


def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(INPUTS))
        return 0
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    for name in arguments:
        if name not in INPUTS:
            print(f"fetch: no input is called {name}; fetch.py --list names them", file=sys.stderr)
            return 2
    if platform.machine() != "x86_64" and not (arguments and all(name.startswith("aarch64/") for name in arguments)):
        print("fetch: the inputs are those of x86_64, but for those of aarch64/", file=sys.stderr)
        return 1
    names = with_needs(arguments or [name for name in INPUTS if not name.startswith("aarch64/")])
    if all(is_there(name) for name in names):
        say(f"{len(names)} inputs are in {CACHE}")
        return 0
    try:
        fetch(names)
    except (FetchError, OSError, subprocess.CalledProcessError, zipfile.BadZipFile) as error:
        print(f"fetch: error: {error}", file=sys.stderr)
        return 1
    say(f"{len(names)} inputs are in {CACHE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
