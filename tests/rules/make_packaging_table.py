#!/usr/bin/env python3
"""Writes packaging_table.h: what the library `packaging` says about versions, specifiers and
markers, for python_version_test.cpp. Run by hand where `packaging` is installed."""

import itertools
import pathlib
import random

import packaging
from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import InvalidSpecifier, Specifier
from packaging.version import InvalidVersion, Version

random.seed(440)

VERSIONS = """
0 0.0.0 0.1 1 1.0 1.0.0 1.0.1 1.1 1.2.3 1.10 2 2.0 2.0.0 2.1 2.5.1 2.5.1+cu124 2.7.1 2.8 2.8.0
2.8.0+cu128 2.8.0+cpu 2.8.0+cu12.8 2.8.0+cu9 2.8.0+cu128.1 2.8.0+cu128.abc 2.8.0a0 2.8.0a0+git1234
2.8.0rc1 2.8.0rc2 2.8.0.dev20250601 2.8.0.dev20250601+cu128 2.8.0.post1 2.8.0.post1+cu128 2.8.1
2.8.0.post1.dev2 2.8.0rc1.post2 2.8.0rc1.post2.dev3 2.8.0.dev1 2.8.0rc1.dev1 2.9.0a0+145a3a7 2.9 3.4.0 3.9.0 10.3 12.8.4.1
12.4.127 13.0.3 13.5.0 9.10.2.21 2024.1 1!1.0 1!0.1 1!1.0.dev1 0.0.28.post3 0.0.32.post2 1.26.4
""".split()

SPELLINGS = """
v1.0 V1.0 1.0-1 1.0-RC.1 1.0_beta-2 1.0preview 1.0.alpha 1.0c1 1.0pre 1.0r1 1.0.rev1 1.0-post 1.0a
1.0a.1 1.0a.dev 1.0DEV 1.0dev-3 1.0+A-B_c 1.0+001 1.0+1.a.2 1.0- 1.0a- 1.0. 1..0 .1 1.0+ 1.0+a..b
1.0+a! 1.0rc1rc2 1.0.dev1.post1 1.0.* ==1.0 a1 1!2!3 1! !1 1.0-a-1-post-2-dev-3 1.0--1 1.0a--1
01.002 1.0post1post2 1.0.0.0.0.0.0.0.0.1 latest 2004d 1.0+ubuntu-1 1.0beta 1.0b_2 1.0--post1
""".split()

OPS = ["==", "!=", "<=", ">=", "<", ">", "~="]
SPECIFIERS = [op + v for v in VERSIONS for op in OPS]
SPECIFIERS += [op + v + ".*" for v in VERSIONS for op in ("==", "!=", ">=")]
SPECIFIERS += [op + v for v in SPELLINGS for op in ("==", "<", "~=")]
SPECIFIERS = sorted(set(random.sample(SPECIFIERS, 400)) | {
    "==2.8.*", "==2.8.0", "==2.8.0+cu128", "<2.8", ">2.8.0", "~=2.8.0", "~=3.9.0", "~=2.8", "!=2.8.*",
    ">=2.8.0rc1", "<2.8.0rc2", "<2.9", ">2.8.0.post1", "==1!1.*", "=2.8", "2.8", "", "==", "=>1"})

VARIABLES = {
    "os_name": "posix", "sys_platform": "linux", "platform_system": "Linux",
    "platform_python_implementation": "CPython", "implementation_name": "cpython",
    "implementation_version": "3.12.4", "platform_machine": "x86_64", "python_version": "3.12",
    "python_full_version": "3.12.4", "extra": "", "platform_release": "", "platform_version": "",
}
ATOMS = """
sys_platform == "linux"|sys_platform == 'win32'|platform_system != "Darwin"|python_version >= "3.8"
python_version < "3.13"|python_version < '3.9'|"3.10" <= python_version|python_full_version >= "3.12.4"
python_full_version < "3.12.0"|platform_machine == "x86_64"|platform_machine in "aarch64 arm64"
platform_machine not in "aarch64"|'linux' in sys_platform|extra == "test"|extra != "test"
implementation_name == "cpython"|platform_python_implementation != "PyPy"|os_name == "nt"
python_version ~= "3.10"|python_version == "3.*"|python_version in "3.11 3.12"
""".replace("\n", "|").split("|")
ATOMS = [a for a in ATOMS if a]


def marker(depth):
    if depth == 0 or random.random() < 0.3:
        return random.choice(ATOMS)
    inner = f"{marker(depth - 1)} {random.choice(['and', 'or'])} {marker(depth - 1)}"
    return f"({inner})" if random.random() < 0.5 else inner


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def valid(kind, error, text):
    try:
        return kind(text)
    except error:
        return None


def main():
    lines = [
        f"// Made by make_packaging_table.py from packaging {packaging.__version__}: do not edit.",
        "#pragma once", "", "namespace gpuinit::rules::packaging_table {", "",
        "// In their order; those that are equal stand behind one another and share a number.",
        "struct Ordered { const char* version; int place; };",
        "inline constexpr Ordered kOrder[] = {",
    ]
    place = -1
    everything = sorted((v for v in map(lambda t: (valid(Version, InvalidVersion, t), t), VERSIONS + SPELLINGS)
                         if v[0] is not None), key=lambda v: v[0])
    for _, group in itertools.groupby(everything, key=lambda v: v[0]):
        place += 1
        lines += [f"    {{{quoted(text)}, {place}}}," for _, text in group]
    lines += ["};", "", "inline constexpr const char* kNoVersions[] = {"]
    lines += [f"    {quoted(v)}," for v in SPELLINGS if valid(Version, InvalidVersion, v) is None]
    lines += ["};", "", "inline constexpr const char* kVersions[] = {"]
    lines += [f"    {quoted(v)}," for v in VERSIONS]
    lines += ["};", "", "// One character for each of kVersions: '1' satisfies, '0' does not. Empty: no specifier.",
              "struct Row { const char* specifier; const char* satisfied; };",
              "inline constexpr Row kSpecifiers[] = {"]
    for text in SPECIFIERS:
        specifier = valid(Specifier, InvalidSpecifier, text)
        row = "" if specifier is None else "".join(
            "01"[specifier.contains(v, prereleases=True)] for v in VERSIONS)
        lines.append(f"    {{{quoted(text)}, {quoted(row)}}},")
    lines += ["};", "", "struct MarkerRow { const char* marker; bool holds; };",
              "inline constexpr MarkerRow kMarkers[] = {"]
    for text in sorted({marker(3) for _ in range(150)} | set(ATOMS)):
        if valid(Marker, InvalidMarker, text) is None:
            continue
        lines.append(f"    {{{quoted(text)}, {str(Marker(text).evaluate(VARIABLES)).lower()}}},")
    lines += ["};", "", "}  // namespace gpuinit::rules::packaging_table", ""]
    pathlib.Path(__file__).with_name("packaging_table.h").write_text("\n".join(lines))


main()
