#!/usr/bin/env python3
"""Draws docs/images/*.png from the texts of tests/report/golden, as a terminal of 80 and of 120 columns shows them.

    docs/images/make.py            needs DejaVu Sans Mono (Debian: fonts-dejavu-core); gets Pillow into a venv of its own
    docs/images/make.py --check    needs neither: fails if the texts, or this script, have changed since
"""
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parents[1] / "tests" / "report" / "golden"
SUMS = HERE / "made-from.txt"
SCENARIOS = ("04-driver-too-old", "01-no-kernel-image")
PILLOW = "pillow==11.0.0"  # another one may smooth letters in another way
FONTS = pathlib.Path("/usr/share/fonts/truetype/dejavu")
SIZE = 13
MARGIN = 10
PAPER, INK, RED, YELLOW, GREEN = "#1e1e1e", "#d4d4d4", "#f14c4c", "#e5c07b", "#98c379"
# What gpuinit itself colours on a terminal.
COLOURED = re.compile(r"^gpuinit: (?:(?P<FAIL>FAIL)|(?P<warning>warning)|(?P<ok>ok)|(?P<stopped>stopped))(?: (?P<id>[a-z.-]+)(?=:))?")
COLOURS = {"FAIL": RED, "stopped": RED, "warning": YELLOW, "ok": GREEN, "id": INK}


def text(columns):
    return "\n".join((GOLDEN / f"{name}.{columns}.txt").read_text(encoding="utf-8") for name in SCENARIOS)


def sums():
    made_from = {str(columns): text(columns).encode() for columns in (80, 120)}
    made_from["make.py"] = pathlib.Path(__file__).read_bytes()
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in made_from.items())


def draw(columns):
    from PIL import Image, ImageDraw, ImageFont

    plain = ImageFont.truetype(str(FONTS / "DejaVuSansMono.ttf"), SIZE)
    bold = ImageFont.truetype(str(FONTS / "DejaVuSansMono-Bold.ttf"), SIZE)
    width, height = plain.getlength("m"), SIZE + 4
    lines = text(columns).splitlines()
    image = Image.new("RGB", (int(columns * width) + 2 * MARGIN, len(lines) * height + 2 * MARGIN), PAPER)
    pen = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        spans = [(0, line, INK, plain)]
        found = COLOURED.match(line)
        if found:
            parts = [(name, found.span(name)) for name in COLOURS if found.group(name)]
            spans, at = [], 0
            for name, (start, end) in sorted(parts, key=lambda part: part[1]):
                spans += [(at, line[at:start], INK, plain), (start, line[start:end], COLOURS[name], bold)]
                at = end
            spans.append((at, line[at:], INK, plain))
        for column, words, colour, font in spans:
            pen.text((MARGIN + column * width, MARGIN + row * height), words, fill=colour, font=font)
    image.quantize(64, Image.Quantize.MAXCOVERAGE).save(HERE / f"failure-{columns}.png", optimize=True)


def main():
    if "--check" in sys.argv:
        if SUMS.read_text(encoding="utf-8") != sums():
            sys.exit("docs/images/*.png are older than the texts that they show: run docs/images/make.py")
        return
    try:
        import PIL  # noqa: F401
    except ImportError:
        with tempfile.TemporaryDirectory() as venv:
            python = pathlib.Path(venv) / "bin" / "python"
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", PILLOW], check=True)
            sys.exit(subprocess.run([python, __file__], check=False).returncode)
    for columns in (80, 120):
        draw(columns)
    SUMS.write_text(sums(), encoding="utf-8")


if __name__ == "__main__":
    main()
