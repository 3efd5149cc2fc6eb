#!/usr/bin/env python3
"""Writes the files of a CPython as the docker image python:3.X has them, with real names and real ELF but little inside.

    make_python_tree.py --version 3.12.1 --out ROOT [--free-threaded] --exports FILE

Under ROOT/usr/local come bin/python3.X, which needs libpython3.X.so.1.0 by RUNPATH $ORIGIN/../lib, the library itself,
and lib/python3.X with os.py, _sysconfigdata and lib-dynload. The library exports what FILE says: the list of a real
libpython of that version (libpython3.12.exports), or a real libpython itself. The program answers --version; it cannot
run Python.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

TRIPLET = "x86_64-linux-gnu"
CC = ["gcc", "-O1", "-fPIC", "-Wl,--build-id=none", "-s"]

EXTENSION_MODULES = """_asyncio _bisect _blake2 _bz2 _codecs_cn _codecs_hk _codecs_jp _codecs_kr _codecs_tw _contextvars
_csv _ctypes _curses _curses_panel _datetime _dbm _decimal _elementtree _hashlib _heapq _json _lsprof _lzma _md5
_multibytecodec _multiprocessing _opcode _pickle _posixshmem _posixsubprocess _queue _random _sha1 _sha3 _socket
_sqlite3 _ssl _statistics _struct _tkinter _uuid _zoneinfo array audioop binascii cmath fcntl grp math mmap nis
ossaudiodev pyexpat readline resource select spwd syslog termios unicodedata zlib""".split()
STDLIB_MODULES = """__future__ abc argparse ast bisect codecs collections/__init__ contextlib copy ctypes/__init__
dataclasses encodings/__init__ encodings/utf_8 enum functools genericpath heapq importlib/__init__ importlib/util
inspect io json/__init__ keyword linecache logging/__init__ operator os pathlib pickle platform posixpath re
reprlib runpy shutil site stat string struct subprocess sysconfig tempfile threading token tokenize traceback types
typing warnings weakref""".split()

# Only exported by a CPython without the GIL; every extension's reference counting needs them.
FREE_THREADED_SYMBOLS = {"_Py_DecRefShared": "T", "_Py_DecRefSharedDebug": "T", "_Py_MergeZeroLocalRefcount": "T"}


def exported_symbols(path):
    """{name: nm's letter} of the Py* symbols that a library exports or that a list names."""
    with open(path, "rb") as file:
        is_library = file.read(4) == b"\x7fELF"
    if is_library:
        text = subprocess.run(["nm", "-D", "--defined-only", path], check=True, text=True, stdout=subprocess.PIPE).stdout
    else:
        with open(path) as file:
            text = file.read()
    return {name: letter for letter, name in re.findall(r"^(?:[0-9a-f]+ )?([BDRT]) (_?Py\w+)$", text, re.M)}


class Version:
    def __init__(self, text, free_threaded):
        self.text = text
        self.major, self.minor, self.micro = (int(part) for part in text.split("."))
        self.thread = "t" if free_threaded else ""
        self.hex = self.major << 24 | self.minor << 16 | self.micro << 8 | 0xF0  # a final release
        self.dotted = f"{self.major}.{self.minor}"                               # 3.14
        self.named = self.dotted + self.thread                                   # 3.14t
        self.soabi = f"cpython-{self.major}{self.minor}{self.thread}-{TRIPLET}"
        self.library = f"libpython{self.named}.so.1.0"


def library_source(version, symbols):
    """C text of the library. Only names and the version words have meaning."""
    special = {"Py_Version", "Py_GetVersion", "Py_BytesMain", "Py_Main"}
    lines = ["#include <stdio.h>", "#include <string.h>"]
    banner = f"{version.text} (main, Jan  1 2025, 00:00:00) [GCC 12.2.0]"
    if version.thread:
        banner = banner.replace("(main", "free-threading build (main")
    if version.minor >= 11:  # where CPython introduced it
        lines.append(f"const unsigned long Py_Version = {version.hex:#010x};")
    lines.append(f'const char *Py_GetVersion(void) {{ return "{banner}"; }}')
    lines.append(f"""int Py_BytesMain(int argc, char **argv) {{
  if (argc == 2 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) return puts("Python {version.text}") < 0;
  fputs("this python{version.named} has names only: it cannot run anything\\n", stderr);
  return 1;
}}
int Py_Main(int argc, void *argv) {{ (void)argc; (void)argv; return 1; }}""")
    for name, letter in sorted(symbols.items()):
        if name in special:
            continue
        if letter == "T":
            lines.append(f"void {name}(void) {{}}")
        elif letter == "R":
            lines.append(f"const char {name}[16] = {{1}};")
        else:
            lines.append(f"char {name}[16] = {{1}};")
    return "\n".join(lines) + "\n"


def sysconfig_data(version):
    """The variables that a reader of an image may ask for, as this image's own build would have set them."""
    prefix = "/usr/local"
    stdlib = f"{prefix}/lib/python{version.named}"
    variables = {
        "ABIFLAGS": version.thread,
        "AR": "ar",
        "BINDIR": f"{prefix}/bin",
        "BINLIBDEST": stdlib,
        "BLDLIBRARY": f"-L. -lpython{version.named}",
        "CC": "gcc -pthread",
        "CFLAGS": "-Wno-unused-result -Wsign-compare -DNDEBUG -g -fwrapv -O3 -Wall",
        "CONFIG_ARGS": "'--build=x86_64-linux-gnu' '--enable-loadable-sqlite-extensions' '--enable-optimizations' "
                       "'--enable-option-checking=fatal' '--enable-shared' '--with-lto' '--with-ensurepip'"
                       + (" '--disable-gil'" if version.thread else ""),
        "CONFINCLUDEDIR": f"{prefix}/include",
        "CXX": "g++ -pthread",
        "DESTSHARED": f"{stdlib}/lib-dynload",
        "EXT_SUFFIX": f".{version.soabi}.so",
        "HOST_GNU_TYPE": "x86_64-pc-linux-gnu",
        "INCLUDEPY": f"{prefix}/include/python{version.named}",
        "INSTSONAME": version.library,
        "LDLIBRARY": f"libpython{version.named}.so",
        "LDSHARED": "gcc -pthread -shared",
        "LDVERSION": version.named,
        "LIBDIR": f"{prefix}/lib",
        "LIBPL": f"{stdlib}/config-{version.named}-{TRIPLET}",
        "LIBRARY": f"libpython{version.named}.a",
        "MACHDEP": "linux",
        "MULTIARCH": TRIPLET,
        "PY3LIBRARY": "libpython3.so" if not version.thread else "libpython3t.so",
        "Py_DEBUG": 0,
        "Py_ENABLE_SHARED": 1,
        "SIZEOF_VOID_P": 8,
        "SOABI": version.soabi,
        "SHLIB_SUFFIX": ".so",
        "VERSION": version.dotted,
        "WITH_PYMALLOC": 1,
        "exec_prefix": prefix,
        "prefix": prefix,
    }
    if version.minor >= 13:
        variables["ABI_THREAD"] = version.thread
        variables["Py_GIL_DISABLED"] = 1 if version.thread else 0
    body = ",\n ".join(f"{key!r}: {value!r}" for key, value in sorted(variables.items()))
    return f"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {{{body}}}\n"


def build_details(version):
    """What an installer may read instead of running the interpreter: PEP 739, new in CPython 3.14."""
    prefix = "/usr/local"
    numbers = {"major": version.major, "minor": version.minor, "micro": version.micro, "releaselevel": "final", "serial": 0}
    return json.dumps({
        "schema_version": "1.0",
        "base_prefix": prefix,
        "base_interpreter": f"{prefix}/bin/python{version.dotted}",
        "platform": "linux-x86_64",
        "language": {"version": version.dotted, "version_info": numbers},
        "implementation": {"name": "cpython", "cache_tag": f"cpython-{version.major}{version.minor}", "version": numbers,
                           "hexversion": version.hex, "_multiarch": TRIPLET},
        "abi": {"flags": list(version.thread), "extension_suffix": f".{version.soabi}.so"},
        "suffixes": {"source": [".py"], "bytecode": [".pyc"], "extensions": [f".{version.soabi}.so", ".so"]},
        "libpython": {"dynamic": f"{prefix}/lib/libpython{version.named}.so", "link_extensions": False},
        "c_api": {"headers": f"{prefix}/include/python{version.named}"},
    }, indent=2) + "\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def link(target, path):
    if os.path.lexists(path):
        os.remove(path)
    os.symlink(target, path)


def make_tree(version, root, symbols):
    prefix = os.path.join(root, "usr/local")
    stdlib = os.path.join(prefix, f"lib/python{version.named}")
    dynload = os.path.join(stdlib, "lib-dynload")
    for directory in (prefix + "/bin", dynload, stdlib + "/site-packages", prefix + f"/include/python{version.named}"):
        os.makedirs(directory, exist_ok=True)

    with tempfile.TemporaryDirectory() as work:
        write(work + "/library.c", library_source(version, symbols))
        write(work + "/python.c", "int Py_BytesMain(int, char **);\n"
                                  "int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }\n")
        library = os.path.join(prefix, "lib", version.library)
        subprocess.run([*CC, "-shared", "-fno-builtin", f"-Wl,-soname,{version.library}", work + "/library.c",
                        "-o", library], check=True)
        link(version.library, os.path.join(prefix, f"lib/libpython{version.named}.so"))
        subprocess.run([*CC, work + "/python.c", library, "-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib",
                        "-o", os.path.join(prefix, f"bin/python{version.named}")], check=True)
        for module in EXTENSION_MODULES:
            write(work + "/module.c", "extern char Py_IsInitialized;\n"
                                      f"void *PyInit_{module}(void) {{ return &Py_IsInitialized; }}\n")
            subprocess.run([*CC, "-shared", work + "/module.c",
                            "-o", os.path.join(dynload, f"{module}.{version.soabi}.so")], check=True)
    for name in {f"python{version.dotted}", "python3", "python"} - {f"python{version.named}"}:
        link(f"python{version.named}", os.path.join(prefix, "bin", name))

    for module in STDLIB_MODULES:
        write(os.path.join(stdlib, module + ".py"), f'"""Stands for the standard library\'s {module}."""\n')
    write(os.path.join(stdlib, f"_sysconfigdata_{version.thread}_linux_{TRIPLET}.py"), sysconfig_data(version))
    if version.minor >= 14:
        write(os.path.join(stdlib, "build-details.json"), build_details(version))
    write(os.path.join(prefix, f"include/python{version.named}/patchlevel.h"),
          f'#define PY_VERSION "{version.text}"\n#define PY_VERSION_HEX {version.hex:#010x}\n')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", required=True, help="such as 3.12.1")
    parser.add_argument("--out", required=True, help="the root of the tree")
    parser.add_argument("--free-threaded", action="store_true")
    parser.add_argument("--exports", required=True, help="a list of symbols, or a library to take them from")
    arguments = parser.parse_args()
    version = Version(arguments.version, arguments.free_threaded)
    symbols = exported_symbols(arguments.exports)
    if version.thread:
        symbols.update(FREE_THREADED_SYMBOLS)
    make_tree(version, arguments.out, symbols)
    return 0


if __name__ == "__main__":
    sys.exit(main())
