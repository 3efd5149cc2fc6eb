#!/usr/bin/env python3
"""`python -m gpuinit` of the wheel becomes the program, wherever an installer has put it, and hands on what it got.

    wheel_main_test.py SOURCE
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.realpath(sys.argv.pop(1))
# Says what it was given: pid, arguments and ignored signals.
PROGRAM = """#!/bin/sh
echo "$$"; grep SigIgn /proc/$$/status; for word in "$@"; do echo "<$word>"; done; exit 7
"""


class Main(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)

    def place(self, program, package):
        """The program and the package, at these places below a directory of their own."""
        program, package = (os.path.join(self.work.name, path) for path in (program, package))
        os.makedirs(os.path.dirname(program))
        with open(program, "w") as file:
            file.write(PROGRAM)
        os.chmod(program, 0o755)
        shutil.copytree(f"{SOURCE}/docker/wheel/gpuinit", package)
        return os.path.dirname(package)

    def run_module(self, where, *words):
        child = subprocess.Popen([sys.executable, "-c", "import sys, runpy; sys.path.insert(0, sys.argv[1]); del sys.argv[1]; "
                                  "runpy.run_module('gpuinit', run_name='__main__', alter_sys=True)", where, *words],
                                 text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"HOME": self.work.name})
        out, err = child.communicate()
        return child.pid, child.returncode, out, err

    def check_becomes_program(self, where):
        pid, code, out, err = self.run_module(where, "--check", "a b", "")
        self.assertEqual((code, err), (7, ""))
        said = out.splitlines()
        self.assertEqual(int(said[0]), pid)  # the same process
        self.assertEqual(int(said[1].split()[1], 16) & (1 << 12 | 1 << 24), 0)  # SIGPIPE, SIGXFSZ
        self.assertEqual(said[2:], ["<--check>", "<a b>", "<>"])

    def test_target(self):
        self.check_becomes_program(self.place("t/bin/gpuinit", "t/gpuinit"))

    def test_prefix(self):
        self.check_becomes_program(self.place("p/bin/gpuinit", "p/lib/python3.11/site-packages/gpuinit"))

    def test_user(self):
        self.check_becomes_program(self.place(".local/bin/gpuinit", "elsewhere/x/gpuinit"))

    def test_without_the_program_says_where_it_was_looked_for(self):
        where = os.path.join(self.work.name, "t")
        shutil.copytree(f"{SOURCE}/docker/wheel/gpuinit", f"{where}/gpuinit")
        code, out, err = self.run_module(where)[1:]
        self.assertEqual((code, out), (1, ""))
        self.assertIn(f"{where}/bin/gpuinit", err)


if __name__ == "__main__":
    unittest.main()
