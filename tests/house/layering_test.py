#!/usr/bin/env python3
"""Holds every #include in src/ against the rooms that its room LINKS, in src/ROOM/CMakeLists.txt, and the tree to its shape."""
import collections
import graphlib
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])
SRC = ROOT / "src"
ONE_FILE_LIBRARIES = ("nlohmann", "pybind11", "seccomp.h", "spdlog", "toml++")
errors = []

links = {}
for cmake in SRC.glob("*/CMakeLists.txt"):
    room = re.search(r"gpuinit_room\((\w+)(?:\s+LINKS([\w\s]*))?\)", cmake.read_text())
    links[cmake.parent.name] = set((room[2] or "").split()) if room and room[1] == cmake.parent.name else set()
links["main.cpp"] = set(re.findall(r"gpuinit_(\w+)", re.search(r"target_link_libraries\(gpuinit PRIVATE(.*)\)",
                                                               (SRC / "CMakeLists.txt").read_text())[1]))
links["main.cpp"] |= {room for linked in links["main.cpp"] for room in links[linked]}
try:
    tuple(graphlib.TopologicalSorter(links).static_order())
except graphlib.CycleError as error:
    errors.append("src: a circle of rooms: " + " -> ".join(error.args[1]))

files = sorted(path for path in SRC.rglob("*") if path.is_file())
users = collections.defaultdict(set)
for path in (file for file in files if file.suffix in (".cpp", ".h", ".c", ".S")):
    place, room = path.relative_to(ROOT), path.relative_to(SRC).parts[0]
    if path.parent == SRC and room != "main.cpp":
        errors.append(f"{place}: only main.cpp lies outside of a room")
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if room != "probe" and re.search(r"\w*printf\(", line):
            errors.append(f"{place}:{number}: printf's floating point is not linked (src/CMakeLists.txt): base/decimal.h, std::to_string")
        if not (include := re.match(r'\s*#\s*include\s*([<"])([^/>"]+)(/?)', line)):
            continue
        quote, first, is_path = include.groups()
        if quote == "<":
            users[first].add(str(place))
        elif is_path and first not in {"gpuinit", room} | links.get(room, set()):
            errors.append(f"{place}:{number}: {line.strip()}: src/{room} does not link the room {first}")
for library in ONE_FILE_LIBRARIES:
    if len(users[library]) != 1:
        errors.append(f"<{library}> is for one file to include, not for {sorted(users[library])}")
for name, count in collections.Counter(file.name for file in files).items():
    if count > 1 and name != "CMakeLists.txt":
        errors.append(f"src: {count} files are called {name}")

print("\n".join(errors) or f"{len(files)} files in {len(links) - 1} rooms")
sys.exit(bool(errors))
