#!/usr/bin/env python3
"""Counts what ctest's JUnit file of a preset holds: prints "PASSED FAILED SKIPPED", and on stderr each test that failed.

A skipped test counts as failed unless tests/may_skip.txt has a line for it: the preset (or *), a pattern for the test's
name, and part of what it says when it skips.
"""
import fnmatch
import os
import sys
import xml.etree.ElementTree

preset, report = sys.argv[1:]
with open(os.path.join(os.path.dirname(__file__), "../may_skip.txt")) as file:
    allowed = [line.split(maxsplit=2) for line in map(str.strip, file) if line and not line.startswith("#")]

passed = failed = skipped = 0
for test in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
    name, status, output = test.get("name"), test.get("status"), test.findtext("system-out") or ""
    if status == "run":
        passed += 1
    elif status == "fail":
        failed += 1
        print(f"failed: {preset}: {name}", file=sys.stderr)
    elif any(where in ("*", preset) and fnmatch.fnmatchcase(name, pattern) and reason in output
             for where, pattern, reason in allowed):
        skipped += 1
    else:
        failed += 1
        print(f"failed: {preset}: {name} was skipped, and no line of tests/may_skip.txt allows it:\n{output}", file=sys.stderr)
print(passed, failed, skipped)
