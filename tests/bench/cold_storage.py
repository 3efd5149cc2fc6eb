"""Roots of a container on storage that is cold whenever asked, and slow if wanted: what cold_start.py measures on.

Each storage has a name, `cold()`, a context in which the root exists with nothing of it in memory, and `cgroup`,
the cgroup.procs file that a command belongs into, or None. All of it needs root and a mount namespace of its own.
"""

import contextlib
import os
import pathlib
import stat
import subprocess
import time

LINUX_READ_AHEAD_KB = 128  # what Linux itself gives a mount


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def unmount(directory):
    subprocess.run(["umount", "--recursive", "--lazy", str(directory)], check=True)


def mount_overlay(lower, scratch):
    """A root like a container's: what is written goes to `scratch`. Nothing of the machine's own is mounted there."""
    upper, work, root = scratch / "upper", scratch / "work", scratch / "root"
    for directory in (upper, work, root):
        directory.mkdir(exist_ok=True)
    mount("-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", str(root))
    mount("-t", "proc", "proc", str(root / "proc"))
    for name in ("dev", "tmp"):
        mount("-t", "tmpfs", "tmpfs", str(root / name))
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        os.mknod(root / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
    return root


def read_ahead_of(path):
    device = os.stat(path).st_dev
    return pathlib.Path(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb")


def whole_disk_of(path):
    """MAJOR:MINOR of the disk that a path is on: a partition cannot be throttled."""
    device = os.stat(path).st_dev
    entry = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve(strict=True)
    if (entry / "partition").exists():
        entry = entry.parent
    return (entry / "dev").read_text().strip()


class Disk:
    """The machine's disk as it is. Cold: everybody's page cache is dropped."""

    name = "disk"
    cgroup = None

    def __init__(self, root, scratch, arguments):
        self.root = root
        self.read_ahead = read_ahead_of(scratch)
        self.read_ahead_before = self.read_ahead.read_text()
        if arguments.read_ahead:
            self.read_ahead.write_text(str(arguments.read_ahead))
        self.described = f"read_ahead_kb {self.read_ahead.read_text().strip()}"

    @contextlib.contextmanager
    def cold(self):
        os.sync()
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
        yield self.root

    def close(self):
        self.read_ahead.write_text(self.read_ahead_before)


class Throttled(Disk):
    """The same disk, of which a cgroup gets a fixed rate: io.max, or blkio.throttle where cgroups are of version 1."""

    name = "throttled"

    def __init__(self, root, scratch, arguments):
        super().__init__(root, scratch, arguments)
        disk, rate = whole_disk_of(scratch), int(arguments.rate * 1e6)
        top = pathlib.Path("/sys/fs/cgroup")
        if (top / "blkio").is_dir():
            self.directory, limit, line = top / "blkio/gpuinit-bench", "blkio.throttle.read_bps_device", f"{disk} {rate}"
        else:
            (top / "cgroup.subtree_control").write_text("+io")
            self.directory, limit, line = top / "gpuinit-bench", "io.max", f"{disk} rbps={rate}"
        self.directory.mkdir(exist_ok=True)
        (self.directory / limit).write_text(line)
        self.cgroup = self.directory / "cgroup.procs"
        self.described = f"{arguments.rate:g} MB/s, {self.described}"

    def close(self):
        super().close()
        self.directory.rmdir()


class Fuse:
    """A FUSE file system with a rate and a delay per read (coldfs.c) below the overlay. Cold: it is mounted anew."""

    name = "fuse"
    cgroup = None

    def __init__(self, root, scratch, arguments):
        self.source = root
        self.scratch = scratch / "fuse"
        self.scratch.mkdir()
        self.rate, self.delay = arguments.rate, arguments.delay
        self.read_ahead = arguments.read_ahead or LINUX_READ_AHEAD_KB
        self.described = f"{self.rate:g} MB/s, {self.delay} us per read, read_ahead_kb {self.read_ahead}"
        self.coldfs = scratch / "coldfs"
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.split()
        source = pathlib.Path(__file__).with_name("coldfs.c")
        subprocess.run(["cc", "-O2", "-o", self.coldfs, source, *flags], check=True)

    @contextlib.contextmanager
    def cold(self):
        lower = self.scratch / "lower"
        mount("-t", "tmpfs", "tmpfs", str(self.scratch))  # what is written costs nothing
        lower.mkdir()
        server = subprocess.Popen([self.coldfs, self.source, lower, str(self.rate), str(self.delay)])
        while not os.path.ismount(lower):
            if server.poll() is not None:
                raise SystemExit("coldfs ended before it was mounted")
            time.sleep(0.01)
        read_ahead_of(lower).write_text(str(self.read_ahead))
        try:
            yield mount_overlay(lower, self.scratch)
        finally:
            unmount(self.scratch)
            server.wait(timeout=30)

    def close(self):
        pass


STORAGES = {storage.name: storage for storage in (Disk, Throttled, Fuse)}
