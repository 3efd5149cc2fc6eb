#!/usr/bin/env python3
"""docs/*.schema.json are JSON Schema 2020-12, and a validator that is not ours finds that what gpuinit prints fits."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import jsonschema

    Validator = jsonschema.Draft202012Validator
except (ImportError, AttributeError):
    print("no python3-jsonschema that knows 2020-12")
    sys.exit(77)

gpuinit, docs = sys.argv[1], pathlib.Path(sys.argv[2])
facts, report = (json.loads((docs / f"{name}.schema.json").read_text()) for name in ("facts", "report"))
problems = []


def hold(what, value, schema, root):
    resolver = jsonschema.RefResolver("", root, store={"facts.schema.json": facts, "": root})
    for error in Validator(schema, resolver=resolver).iter_errors(value):
        problems.append(f"{what}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")


def run(*words):
    return subprocess.run([gpuinit, *words], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})


for schema in (facts, report):
    Validator.check_schema(schema)
hold("--facts", json.loads(run("--facts", "--", "python3", "x.py").stdout), facts, facts)
for words in (["--"], ["--set", "gpu.required=yes", "--", "/usr/bin/python3"], ["--set", "checks.python.abi=off", "--quiet"]):
    hold(f"--check {words}", json.loads(run("--check", "--format", "json", *words).stdout), report, report)
launches = (["/bin/true"], ["--verbose", "/bin/true"], ["/nonexistent"], ["--supervise", "/bin/sh", "-c", "exit 3"])
for words in launches:
    for line in run("--format", "json", *words).stderr.splitlines():
        hold(f"event of {words}", json.loads(line), report["$defs"]["event"], report)
broken = json.loads(run("--check", "--format", "json").stdout) | {"no such member": 1}
if Validator(report, resolver=jsonschema.RefResolver("", report, store={"facts.schema.json": facts})).is_valid(broken):
    problems.append("a member that is not in the schema is not seen")


def run_examples():
    """The commands of docs/json.md, each of which prints something and nothing on standard error."""
    text = (docs / "json.md").read_text()
    block = text.split("```sh\n")[1].split("```")[0]
    with tempfile.TemporaryDirectory() as directory:
        pathlib.Path(directory, "gpuinit").symlink_to(gpuinit)
        path = f"{directory}:/usr/bin:/bin"
        for line in block.splitlines():
            # A check that fails, warns and cannot decide.
            line = line.replace("gpuinit --check", "gpuinit --check --set gpu.required=yes --set expect.cuda=12.8")
            done = subprocess.run(["bash", "-c", line], cwd=directory, capture_output=True, text=True, env={"PATH": path})
            if done.stderr or (not done.stdout and ">" not in line.split("'")[0]):
                problems.append(f"docs/json.md: {line}: {done.stdout}{done.stderr}")


if shutil.which("jq"):
    run_examples()
else:
    print("no jq: the examples of docs/json.md are not run")
print("\n".join(problems) or "all fit")
sys.exit(1 if problems else 0)
