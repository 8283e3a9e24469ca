#!/usr/bin/python3
"""How near are the thumbnails to the tutorial's and to the ideal, and how near are other programs'?

    fidelity.py [--cache DIR] [--sample N] PROGRAM FOLDER... > FIDELITY.md

Writes tables as Markdown. PROGRAM is thumbpool, with --exact and --kernel lanczos3 as well; its peers are vipsthumbnail, ImageMagick's
convert and Pillow with draft(), each given the same blur as far as it can blur, and the size that
Pillow gives. A peer that is not installed is left out, and that is said.

Limits are asserted for the folders named baseline, progressive and phone, over all their pictures, and
for --exact --kernel lanczos3 everywhere; ends with 1 when one is missed. Peers see N pictures of a folder (--sample), evenly spaced by name.
What Pillow and the peers make is kept in DIR (--cache), because it takes by far the longest."""
import argparse
import functools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import numpy
from PIL import Image, ImageCms, ImageFilter

from compare_pillow import (JOBS, LIMITS_DB, key_of, load, psnr_of, references, run_program,
                            upright_srgb)

LIMITED = ("baseline", "progressive", "phone")


# ---- measures ----------------------------------------------------------------------------------

def luma(rgb):
    return rgb @ numpy.array([0.299, 0.587, 0.114])


def windowed(values):
    """Means under a Gaussian window of 11 x 11 pixels and sigma 1.5, or as much as fits."""
    for axis in (0, 1):
        reach = min(5, (values.shape[axis] - 1) // 2)
        window = numpy.exp(-(numpy.arange(-reach, reach + 1) / 1.5) ** 2 / 2)
        values = numpy.apply_along_axis(numpy.convolve, axis, values, window / window.sum(), "valid")
    return values


def ssim(a, b):
    """Structural similarity of the lumas, 1 for equal pictures.
    Source: Wang, Bovik, Sheikh, Simoncelli, Image Quality Assessment: From Error Visibility to
    Structural Similarity, 2004."""
    a, b = luma(a), luma(b)
    mean_a, mean_b = windowed(a), windowed(b)
    variance_a, variance_b = windowed(a * a) - mean_a ** 2, windowed(b * b) - mean_b ** 2
    covariance = windowed(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(((2 * mean_a * mean_b + c1) * (2 * covariance + c2) /
                  ((mean_a ** 2 + mean_b ** 2 + c1) * (variance_a + variance_b + c2))).mean())


# ---- the neutral reference ---------------------------------------------------------------------

@functools.lru_cache(maxsize=16)
def neutral_weights(source, target, sigma):
    """target x source: one axis of a Gaussian, edges repeated, and Lanczos-3 behind it."""
    scale = source / target
    middles = (numpy.arange(target) + 0.5) * scale
    x = (numpy.arange(source) + 0.5 - middles[:, None]) / scale
    lanczos = numpy.where(abs(x) < 3, numpy.sinc(x) * numpy.sinc(x / 3), 0)
    lanczos /= lanczos.sum(1, keepdims=True)
    reach = int(5 * sigma) + 1
    gauss = numpy.exp(-(numpy.arange(-reach, reach + 1) / sigma) ** 2 / 2)
    gauss /= gauss.sum()
    # The transpose of "repeat the edges, then convolve": convolve in full, then fold the ends in.
    spread = numpy.apply_along_axis(numpy.convolve, 1, lanczos, gauss)
    weights = spread[:, reach:-reach].copy()
    weights[:, 0] += spread[:, :reach].sum(1)
    weights[:, -1] += spread[:, -reach:].sum(1)
    return weights.astype(numpy.float32)


def neutral(path, sizes, sigma):
    """Full decode, Gaussian and Lanczos-3 in floats, one result for each size."""
    pixels = numpy.asarray(upright_srgb(Image.open(path)).convert("RGB"), dtype=numpy.float32)
    height, width, channels = pixels.shape
    for target_width, target_height in sizes:
        down = neutral_weights(height, target_height, sigma) @ pixels.reshape(height, -1)
        down = down.reshape(target_height, width, channels)
        across = neutral_weights(width, target_width, sigma) @ down
        yield numpy.clip(across, 0, 255).astype(float)


# ---- the peers ---------------------------------------------------------------------------------

def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def vipsthumbnail(path, jobs, sigma, tools):
    """It cannot blur: vips does before, at full size, as exactly as it can. The half makes rounding
    of what vips does with floats at the end, which is to cut off."""
    unrounded, blurred = os.path.join(tools, "unrounded.v"), os.path.join(tools, "blurred.v")
    run("vips", "gaussblur", path, unrounded, str(sigma), "--precision", "float", "--min-ampl",
        "0.005")
    run("vips", "linear", unrounded, blurred, "1", "0.5")
    profile = Image.open(path).info.get("icc_profile")
    colour = ("--export-profile", os.path.join(tools, "srgb.icc")) if profile else ()
    for (width, height), to in jobs:
        run("vipsthumbnail", blurred, "--size", f"{width}x{height}!", *colour, "-o", to)


def convert_by(operator):
    """To PPM, for which it rounds to 8 bits; for PNG, or with -depth, it cuts off."""
    def convert(path, jobs, sigma, tools):
        command = ["convert", path, "-auto-orient", "-profile", os.path.join(tools, "srgb.icc"),
                   "-blur", f"0x{sigma}"]
        for (width, height), to in jobs:
            command += ["(", "+clone", operator, f"{width}x{height}!", "-strip", "-write",
                        "PPM:" + to + ".ppm", "+delete", ")"]
        run(*command, "null:")
        for _, to in jobs:
            Image.open(to + ".ppm").save(to)
            os.remove(to + ".ppm")
    return convert


def pillow_draft(path, jobs, sigma, _tools):
    """Pillow where draft() comes first: the decoder shrinks, and the blur with it."""
    for (width, height), to in jobs:
        image = Image.open(path)
        full = max(image.size)
        image.draft(image.mode, (2 * max(width, height),) * 2)
        image = upright_srgb(image)
        image = image.filter(ImageFilter.GaussianBlur(sigma * max(image.size) / full))
        image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0).save(to)


PEERS = {  # name in the table: what it takes, and how to call it
    "vipsthumbnail": ("vipsthumbnail", vipsthumbnail),
    "ImageMagick -thumbnail": ("convert", convert_by("-thumbnail")),
    "ImageMagick -resize": ("convert", convert_by("-resize")),
    "Pillow with draft": (None, pillow_draft),
}


def peers_here():
    for name, (tool, call) in PEERS.items():
        if tool is None or shutil.which(tool):
            yield name, call


def peer_thumbs(name, call, path, sizes, sigma, cache, tools):
    """Paths of a peer's thumbnails, made now or before."""
    word = name.replace(" ", "")
    jobs = [(size, os.path.join(cache, f"{key_of(path)}-{word}-{sigma}-{size[0]}x{size[1]}.png"))
            for size in sizes]
    missing = [job for job in jobs if not os.path.exists(job[1])]
    if missing:
        call(path, missing, sigma, tools)
    return [to for _, to in jobs]


def ours(program, folder, box, sigma, output, more=()):
    """Runs PROGRAM over a folder; returns what finds a picture's thumbnail."""
    run_program(program, box, folder, output, sigma, more)
    return lambda name: os.path.join(output, os.path.splitext(name)[0] + ".png")


# ---- pictures that are hard to reduce ----------------------------------------------------------

def zone_plate(width=2000, height=1500):
    """All frequencies in all directions, up to half a cycle a pixel at the right edge."""
    y, x = numpy.mgrid[:height, :width] - numpy.array([height / 2, width / 2])[:, None, None]
    grey = 127.5 + 127.5 * numpy.cos(numpy.pi * (x * x + y * y) / width)
    return numpy.repeat(grey[:, :, None], 3, 2).round().astype(numpy.uint8)


def thin_lines(width=2000, height=1500):
    """Coloured lines of one to three pixels from one corner into all directions, on white."""
    y, x = numpy.mgrid[:height, :width]
    pixels = numpy.full((height, width, 3), 255, numpy.uint8)
    for i in range(60):
        angle = numpy.pi / 2 * (i + 0.5) / 60
        near = abs(x * numpy.sin(angle) - y * numpy.cos(angle)) < 0.5 + 0.5 * (i % 3)
        pixels[near] = [(0, 0, 0), (200, 0, 0), (0, 90, 200)][i // 3 % 3]
    return pixels


def make_patterns(folder):
    for name, pixels in (("zone plate", zone_plate()), ("thin lines", thin_lines())):
        for form in ("jpg", "png"):
            into = os.path.join(folder, f"{name}, {form.upper()}")
            os.makedirs(into)
            Image.fromarray(pixels).save(os.path.join(into, f"pattern.{form}"), quality=95,
                                         subsampling=0)
            yield into


# ---- the tables --------------------------------------------------------------------------------

def names_in(folder):
    return sorted(entry.name for entry in os.scandir(folder)
                  if entry.is_file() and not entry.name.startswith("."))


def sampled(names, count):
    """`count` of them, evenly spaced."""
    if not count or len(names) <= count:
        return names
    return [names[i * len(names) // count] for i in range(count)]


def score(thumb, reference):
    """PSNR and SSIM of a file against an array; None of another size."""
    pixels = load(thumb)
    if pixels.shape != reference.shape:
        return None
    return psnr_of(pixels, reference), ssim(pixels, reference)


class Table:
    """Scores by row and column; a row is a folder and a job."""

    def __init__(self):
        self.scores = {}
        self.floors = {} # by row: what is left of each reference when it is rounded
        self.off = []    # the samples of NEUTRAL_WAY that are furthest off, in levels

    def add(self, row, column, pair):
        if pair:
            self.scores.setdefault(row, {}).setdefault(column, []).append(pair)

    def add_neutral(self, row, thumb, ideal):
        """NEUTRAL_WAY's thumbnail, or None."""
        self.floors.setdefault(row, []).append(psnr_of(ideal.round(), ideal))
        if thumb:
            self.off.append(abs(load(thumb) - ideal).max())

    def columns(self):
        return list(dict.fromkeys(c for row in self.scores.values() for c in row))

    def write(self):
        columns = self.columns()
        print("| pictures | box, sigma | " + " | ".join(columns) + " |")
        print("|---|---|" + "---|" * len(columns))
        for (folder, count, box, sigma), row in self.scores.items():
            cells = [self.cell(row.get(c), [v for k, v in row.items() if k != c]) for c in columns]
            print(f"| {folder} ({count}) | {box}, {sigma} | " + " | ".join(cells) + " |")
        print()

    @staticmethod
    def cell(pairs, others):
        if not pairs:
            return ""
        median = statistics.median(p for p, _ in pairs)
        best = all(median >= statistics.median(p for p, _ in other) for other in others)
        figure = f"**{median:.1f}**" if best else f"{median:.1f}"
        least = "" if len(pairs) == 1 else f" / {min(p for p, _ in pairs):.1f}"
        return f"{figure}{least}, {statistics.median(s for _, s in pairs):.4f}"


def ahead(row):
    """The best median of ours and of the peers: PSNR and column of each."""
    medians = {c: statistics.median(p for p, _ in pairs) for c, pairs in row.items()}
    best = [max((m, c) for c, m in medians.items() if c.startswith("thumbpool") == is_ours)
            for is_ours in (True, False)]
    return best[0], best[1]


LEVEL_DB = 0.05  # nobody is ahead by less


def write_claim(table):
    """Our best column against the peers' best, row by row."""
    peers = [c for c in table.columns() if not c.startswith("thumbpool")]
    if not peers:
        return
    lines, behind, level = [], [], 0
    for (folder, count, box, sigma), row in table.scores.items():
        ours, peer = ahead(row)
        if ours[0] < peer[0] - LEVEL_DB:
            behind.append(f"{folder} at {box}, {sigma}")
        level += abs(ours[0] - peer[0]) <= LEVEL_DB
        floor = statistics.median(table.floors[folder, count, box, sigma])
        lines.append(f"| {folder} ({count}) | {box}, {sigma} | {ours[0]:.2f}, {ours[1]} | {peer[0]:.2f}, "
                     f"{peer[1]} | {ours[0] - peer[0]:+.2f} | {floor:.2f} |")
    print(f"Of {len(lines)} rows our best is ahead of the best peer in "
          f"{len(lines) - level - len(behind)}, level with it (within {LEVEL_DB} dB) in {level} and "
          f"behind it in {len(behind)}" + (": " + "; ".join(behind) if behind else "") + ".\n")
    print("| pictures | box, sigma | our best | best peer | difference, dB | the reference, rounded |")
    print("|---|---|---|---|---|---|")
    print("\n".join(lines) + "\n")


NEUTRAL_WAY = "thumbpool --exact --kernel lanczos3"
WAYS = {  # column: the options that make it
    "thumbpool": [],
    "thumbpool --exact": ["--exact"],
    "thumbpool --kernel lanczos3": ["--kernel", "lanczos3"],
    NEUTRAL_WAY: ["--exact", "--kernel", "lanczos3"],
}


def ways_known(program):
    """Those of WAYS whose options the program has."""
    says = subprocess.run([program, "--help"], capture_output=True, text=True, check=False).stdout
    return {column: more for column, more in WAYS.items()
            if all(word in says for word in more if word.startswith("--"))}


def copied(folder, names, into):
    """A folder of some of another's files."""
    os.makedirs(into)
    for name in names:
        shutil.copy(os.path.join(folder, name), into)
    return into


def measure(options, folder, jobs, tables, limits, tools):
    """All jobs of one folder. Every picture is compared with Pillow's where there are limits; a
    sample of them goes into the tables, beside the peers'."""
    label = os.path.basename(folder.rstrip("/"))
    names = names_in(folder)
    chosen = sampled(names, options.sample)
    for sigma in sorted({sigma for _, sigma in jobs}):
        boxes = [box for box, s in jobs if s == sigma]
        finders = {}
        with tempfile.TemporaryDirectory() as output:
            few = copied(folder, chosen, os.path.join(output, "few"))
            for box in boxes:
                finders[box] = {
                    column: ours(options.program, few if more or label not in LIMITED else folder, box,
                                 sigma, os.path.join(output, f"{box} {column}"), more)
                    for column, more in options.ways.items()}
            compare_one_sigma(options, label, folder, names, chosen, boxes, sigma, finders, tables,
                              limits, tools)


def compare_one_sigma(options, label, folder, names, chosen, boxes, sigma, finders, tables, limits,
                      tools):
    for name in names if label in LIMITED else chosen:
        path = os.path.join(folder, name)
        made = references(path, boxes, options.cache, sigma)
        thumbs = {box: {c: find(name) for c, find in finders[box].items()} for box in boxes}
        tutorial = {box: load(to) for box, to in zip(boxes, made)}
        if label in LIMITED:
            for box in boxes:
                limits.setdefault((label, box, sigma), []).append(
                    (score(thumbs[box]["thumbpool"], tutorial[box]) or (0, 0))[0])
        if name not in chosen:
            continue
        sizes = [tutorial[box].shape[1::-1] for box in boxes]
        for peer, call in peers_here():
            for box, to in zip(boxes, peer_thumbs(peer, call, path, sizes, sigma, options.cache,
                                                  tools)):
                thumbs[box][peer] = to
        for box, ideal in zip(boxes, neutral(path, sizes, sigma)):
            row = (label, len(chosen), box, sigma)
            for column, thumb in thumbs[box].items():
                if "lanczos3" not in column: # which is not the tutorial's
                    tables[0].add(row, column, score(thumb, tutorial[box]))
                tables[1].add(row, column, score(thumb, ideal))
            tables[1].add_neutral(row, thumbs[box].get(NEUTRAL_WAY), ideal)


def write_limits(limits):
    """Prints what is asserted; returns whether all of it holds."""
    holds = True
    print("| pictures | box, sigma | median, dB | at least | minimum, dB | at least |")
    print("|---|---|---|---|---|---|")
    for (label, box, sigma), values in limits.items():
        median, least = LIMITS_DB[sigma]
        good = statistics.median(values) >= median and min(values) >= least
        holds &= good
        print(f"| {label} ({len(values)}) | {box}, {sigma} | {statistics.median(values):.1f} | {median} "
              f"| {min(values):.1f} | {least or ''} |{'' if good else ' **missed** |'}")
    print()
    return holds


OFF_MOST = 0.51 # levels: rounding, and what floats are off by


def write_off(off):
    """Prints how near NEUTRAL_WAY is asserted to be; returns whether it is."""
    if not off:
        return True
    print(f"Against the neutral reference, of {len(off)} thumbnails that `--exact --kernel lanczos3` makes: "
          f"no sample is off by more than {max(off):.4f} levels; {OFF_MOST} is allowed.\n")
    return max(off) <= OFF_MOST


HEAD = """# Fidelity

Made by `tests/image/fidelity.py`; not written by hand. Thumbnails are compared as PNG, upright and
in sRGB, before any lossy coding. A cell gives the median and the smallest PSNR in dB over the
pictures of a row, then the median SSIM of their lumas; the best median of a row is in bold.
PSNR ends at 99, which is equality.
"""

LIMITS_TEXT = """## What is asserted

Against the tutorial's arithmetic, every picture of the folder.
"""

TUTORIAL_TEXT = """## Against the tutorial's arithmetic

The reference is Pillow's own: the whole picture decoded, turned upright, converted to sRGB,
`GaussianBlur(sigma)`, `thumbnail((box, box))`. `--exact` computes the same, bit by bit. Without it a
JPEG is shrunk while it is decoded, down to a ratio of 1, for speed, and Pillow's draft() leaves a
ratio of 2 at least: that is what we are behind it by. The peers resize by Lanczos, but for Pillow:
their distance from the tutorial is a matter of taste as well.
"""

NEUTRAL_TEXT = """## Against a neutral reference

The reference is nobody's: the whole picture decoded, a Gaussian and Lanczos-3 in floating point,
rounded nowhere. Edges repeat for the Gaussian; Lanczos-3 takes what is inside. `--exact --kernel
lanczos3` computes the same, and rounds to 8 bits once, at the end. On average that leaves 58.9 dB (54
in the zone plate, most of which is 127.5 in the end), and no picture of 8 bits is nearer.

By default thumbpool does what the tutorial does: the bicubic over means of boxes, which is softer
than Lanczos. It is at some distance from this reference whatever it does, even with `--exact`, and
vipsthumbnail and ImageMagick, which use Lanczos, are not; it also lets the decoder go down to a ratio
of 1. `--kernel lanczos3` without `--exact` leaves a ratio of 2 to the resizing, and makes up for what
the decoder's means took from fine detail; it has 8 bits from step to step, as Pillow has, and where
the blur is wide that shows most.

ImageMagick -resize decodes all of a picture too, has 16 bits for a sample and rounds to 8 once. The
photos of `phone` are in Display P3: ImageMagick converts them to sRGB in 16 bits and the reference in
8, as Pillow and thumbpool do, and that alone is what it is behind by there. The files of vips and
ImageMagick are made so that both round; by themselves they cut off here, and end at 52.9. Zone plate
and thin lines are 2000 x 1500 pixels.
"""

CLAIM_TEXT = """## Our best against the best peer

Of the table above, by the median. The last column is the floor: the reference itself, rounded to 8
bits. Nothing made of 8 bits has more.
"""


def write_all(tables, limits):
    print(HEAD)
    missing = [name for name, (tool, _) in PEERS.items() if tool and not shutil.which(tool)]
    if missing:
        print("Not installed where this was made: " + ", ".join(missing) + ".\n")
    print(LIMITS_TEXT)
    holds = write_limits(limits)
    holds &= write_off(tables[1].off)
    print(TUTORIAL_TEXT)
    tables[0].write()
    print(NEUTRAL_TEXT)
    tables[1].write()
    print(CLAIM_TEXT)
    write_claim(tables[1])
    return holds


def main():
    parser = argparse.ArgumentParser(description="fidelity of thumbnails, as Markdown")
    parser.add_argument("--cache")
    parser.add_argument("--sample", type=int, default=12, help="pictures of a folder for peers; 0 is all")
    parser.add_argument("program")
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    options.ways = ways_known(options.program)
    tables, limits = (Table(), Table()), {}
    with tempfile.TemporaryDirectory() as tools:
        options.cache = options.cache or tools
        os.makedirs(options.cache, exist_ok=True)
        with open(os.path.join(tools, "srgb.icc"), "wb") as profile:
            profile.write(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        for folder in options.folders:
            measure(options, folder, JOBS, tables, limits, tools)
            print(f"{folder}: done", file=sys.stderr)
        for folder in make_patterns(tools):
            measure(options, folder, JOBS, (Table(), tables[1]), limits, tools)
    return 0 if write_all(tables, limits) else 1


if __name__ == "__main__":
    sys.exit(main())
