#!/usr/bin/env python3
"""Nothing below a root is opened, looked at or listed but through base/open_in_root and what stands on it: no other file of the rooms that read an image may name a system call that takes a path, except where the table says why."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])
ROOMS = ("assess", "base", "checks", "elf", "facts", "image", "ldso", "node", "rules", "warmup")

# Every C function and system call that takes a path to something that is there.
CALLS = ("open open64 openat openat2 creat fopen freopen opendir fdopendir scandir ftw nftw glob stat lstat fstatat newfstatat "
         "statx statfs statvfs readlink readlinkat realpath canonicalize_file_name access eaccess faccessat faccessat2 euidaccess "
         "getxattr lgetxattr name_to_handle_at open_by_handle_at inotify_add_watch truncate").split()
# `::open(` is the system's, `open(` may be ours; of the longer names both are the system's.
OWN_NAMES = {"open", "stat", "access", "glob"}
PATTERN = re.compile(r"(?<![\w:>.])::(%s)\s*\(|(?<![\w:>.])(%s)\s*\(|SYS_(%s)\b|std::(filesystem|\w*fstream)" % (
    "|".join(CALLS), "|".join(call for call in CALLS if call not in OWN_NAMES), "|".join(CALLS)))

ALLOWED = {
    "base/open_in_root.cpp": "openat openat2 readlinkat: the one way",
    "base/root_fs.cpp": "open readlinkat fdopendir: the root itself, one name in a directory that is held, a list of what is held",
    "base/directory.cpp": "openat fstatat readlinkat fdopendir: one name in a directory that is held",
    "base/open_regular.cpp": "open: looks with O_PATH first; of the machine",
    "base/descriptors.cpp": "open opendir: /proc/self/fd, /dev/null, / for a descriptor to be taken",
    "base/standard_error.cpp": "open: /proc/self/fd/2, the terminal that it is",
    "base/write_whole_file.cpp": "open lstat access: what gpuinit writes",
    "node/device_nodes.cpp": "fstatat openat: device files of the machine, which have to be opened",
    "node/writable_places.cpp": "faccessat: of a directory that is held",
    "assess/ask_python.cpp": "readlink: /proc/self/exe",
    "assess/exec_judge.cpp": "open stat readlink: /proc/PID of the command",
    "warmup/python_plan.cpp": "opendir access: directories of the machine's sys.path",
    "warmup/plan_reader.cpp": "open: O_DIRECTORY, which opens directories alone",
    "warmup/touched_pages.cpp": "open opendir stat readlink: /proc/PID of the command, what it has opened",
    "warmup/traced_space.cpp": "open readlink: /proc/PID of the command",
    "warmup/tracer.cpp": "access: /proc/PID of the command",
}

errors = []
for room in ROOMS:
    for path in sorted((ROOT / "src" / room).rglob("*")):
        if path.suffix not in (".cpp", ".h"):
            continue
        place = str(path.relative_to(ROOT / "src"))
        allowed = set(ALLOWED.get(place, ":").split(":")[0].split())
        used = set()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for match in PATTERN.finditer(line.split("//")[0]):
                call = next(filter(None, match.groups()))
                used.add(call)
                if call not in allowed:
                    errors.append(f"src/{place}:{number}: `{call}`: below a root use base::RootFs or base::Directory")
        errors += [f"{sys.argv[0]}: src/{place} no longer uses `{call}`" for call in sorted(allowed - used)]
errors += [f"{sys.argv[0]}: there is no src/{place}" for place in ALLOWED if not (ROOT / "src" / place).exists()]

print("\n".join(errors) or "every open below a root goes through base/open_in_root")
sys.exit(bool(errors))
