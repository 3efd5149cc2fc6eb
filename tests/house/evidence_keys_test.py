#!/usr/bin/env python3
"""Programs read evidence by its key: evidence_keys.txt has every (file of a check, key), and holds them.

A check's key is its label as a slug, or given beside a label that is a name; all are literals in src/checks.
"""

import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])
golden = source / "tests/house/evidence_keys.txt"


def slug(label):
    return re.sub(r"[^a-z0-9]+", "-", label.lower().replace("'", "")).lstrip("-")


found = set()
for file in sorted((source / "src/checks").glob("*.cpp")):
    text = file.read_text()
    calls = re.findall(r"\badd_evidence\(", text)
    keys = re.findall(r'\badd_evidence\(\s*[\w.()]+,\s*"([^"]+)"', text)
    if file.name == "finding_builder.cpp":  # it also has the functions themselves
        keys.append("variable")
        calls = keys
    if len(keys) < len(calls):
        sys.exit(f"{file.name}: {len(calls)} calls of add_evidence, {len(keys)} with a literal key")
    found |= {f"{file.stem} {slug(key)}" for key in keys}
kept = set(golden.read_text().split("\n")) - {""}

for line in sorted(kept - found):
    print(f"no longer written (unless another file writes it for the same check: a new number of the report's schema, docs/json.md): {line}")
for line in sorted(found - kept):
    print(f"not in {golden.name}, add it: {line}")
sys.exit(1 if kept != found else 0)
