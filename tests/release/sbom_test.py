#!/usr/bin/env python3
"""docker/release/sbom.py: what it takes from a linker's map, and that a file of an unknown package is an error.

    sbom_test.py SOURCE

That a real release names all it has inside is held by dist_test.py.
"""
import importlib.util
import os
import sys
import tempfile
import unittest

SOURCE = os.path.realpath(sys.argv.pop(1))
spec = importlib.util.spec_from_file_location("sbom", f"{SOURCE}/docker/release/sbom.py")
sbom = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(sbom)

MAP = """Archive member included to satisfy reference by file (symbol)

src/cli/libgpuinit_cli.a(check_verb.cpp.o)
                              src/CMakeFiles/gpuinit.dir/main.cpp.o (gpuinit::check)
/usr/lib/x86_64-linux-gnu/libseccomp.a(libseccomp_la-api.o)
                              /tmp/a.ltrans0.ltrans.o (seccomp_init)
/usr/lib/gcc/x86_64-linux-gnu/12/libgcc.a(cpuinfo.o)
                              /usr/lib/gcc/x86_64-linux-gnu/12/../../../x86_64-linux-gnu/libc.a(cacheinfo.o) (__cpu_model)

Discarded input sections

 .text  0x0 0x0 /usr/lib/x86_64-linux-gnu/libnotused.a(x.o)

LOAD /usr/lib/gcc/x86_64-linux-gnu/12/../../../x86_64-linux-gnu/rcrt1.o
LOAD /usr/lib/x86_64-linux-gnu/libopened.a
LOAD src/CMakeFiles/gpuinit.dir/main.cpp.o
"""


class Sbom(unittest.TestCase):
    def in_file(self, text, *path):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        file = os.path.join(directory.name, *path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w") as out:
            out.write(text)
        return file

    def test_archives_with_a_member_inside_and_start_files(self):
        self.assertEqual(sbom.members_linked(self.in_file(MAP, "gpuinit.map")), {
            "src/cli/libgpuinit_cli.a", "/usr/lib/x86_64-linux-gnu/libseccomp.a", "/usr/lib/gcc/x86_64-linux-gnu/12/libgcc.a",
            "/usr/lib/gcc/x86_64-linux-gnu/12/../../../x86_64-linux-gnu/rcrt1.o"})

    def test_a_file_of_no_package_is_an_error(self):
        file = self.in_file("", "stray.h")
        with self.assertRaisesRegex(SystemExit, "no package has .*stray.h"):
            sbom.owners({file})

    def test_a_package_without_a_row_is_an_error(self):
        with self.assertRaisesRegex(SystemExit, "no row for libsurprise-dev"):
            sbom.component("libsurprise-dev", "pkg:deb/debian/libsurprise-dev", "1", {"linked"})

    def test_headers_from_pypi(self):
        header = self.in_file("", "cuda-headers", "include", "cuda.h")
        with open(os.path.join(os.path.dirname(header), "../version"), "w") as out:
            out.write("13.2.86\n")
        owner = sbom.owners({header})[header]
        self.assertEqual(sbom.component(*owner, {"headers"})["purl"], "pkg:pypi/nvidia-cuda-runtime@13.2.86")

    def test_purl_escapes(self):
        made = sbom.component("libstdc++-12-dev", "pkg:deb/debian/libstdc++-12-dev?arch=amd64", "12.2.0-14+deb12u1", {"linked"})
        self.assertEqual(made["purl"], "pkg:deb/debian/libstdc%2B%2B-12-dev@12.2.0-14%2Bdeb12u1?arch=amd64")
        self.assertEqual(made["name"], "libstdc++")


if __name__ == "__main__":
    unittest.main()
