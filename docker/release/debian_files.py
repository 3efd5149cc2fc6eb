#!/usr/bin/env python3
"""Writes what Debian wants in a package besides the program: copyright, changelog, and what lintian is to know.

    debian_files.py SOURCE VERSION MAINTAINER USR

Run by stage_package.cmake. The changelog's text is that of CHANGELOG.md for this version, its time SOURCE_DATE_EPOCH.
"""
import email.utils
import os
import re
import sys
import textwrap
import time

OVERRIDES = """# PID 1 of a container whose image has another C library, or none.
gpuinit: statically-linked-binary [usr/bin/gpuinit]
# static-pie is no shared library, though it is of the same ELF type.
gpuinit: shared-library-lacks-prerequisites [usr/bin/gpuinit]
"""


def now():
    return int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))


def copyright_text(source):
    with open(os.path.join(source, "THIRD-PARTY-NOTICES.md")) as file:
        notices = file.read()
    year = time.gmtime(now()).tm_year
    return (f"Copyright {year} the authors of gpuinit, which is under the Apache License 2.0:\n"
            "/usr/share/common-licenses/Apache-2.0. The LGPL 2.1 that is named below is\n"
            "/usr/share/common-licenses/LGPL-2.1.\n\n" + notices)


def changes(source, version):
    """The points of this version in CHANGELOG.md, each a line."""
    try:
        with open(os.path.join(source, "CHANGELOG.md")) as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    section = re.search(rf"^## \[?{re.escape(version)}\]?.*?\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    points = re.findall(r"^[-*] (.*(?:\n  +.*)*)", section.group(1), re.M) if section else []
    return [re.sub(r"\s+", " ", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", point)) for point in points] or [f"gpuinit {version}."]


def changelog(source, version, maintainer):
    lines = [textwrap.fill(point, 78, initial_indent="  * ", subsequent_indent="    ", break_on_hyphens=False)
             for point in changes(source, version)]
    when = email.utils.formatdate(now()).replace("-0000", "+0000")
    return f"gpuinit ({version}) stable; urgency=medium\n\n" + "\n".join(lines) + f"\n\n -- {maintainer}  {when}\n"


def main():
    source, version, maintainer, usr = sys.argv[1:]
    for place, text in (("share/doc/gpuinit/copyright", copyright_text(source)),
                        ("share/doc/gpuinit/changelog", changelog(source, version, maintainer)),
                        ("share/lintian/overrides/gpuinit", OVERRIDES)):
        with open(os.path.join(usr, place), "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
