#!/usr/bin/python3
"""How near are thumbpool's pixels to the tutorial's?

    compare_pillow.py [--box B]... [--cache DIR] PROGRAM FOLDER...

For every picture of every FOLDER the tutorial's own way in Pillow (upright, converted to sRGB where
a profile is embedded, GaussianBlur(2), thumbnail, saved as PNG) is compared with what

    PROGRAM -f png -b 2 -s B -o TMP --base FOLDER FOLDER

writes. Prints count, median and minimum of the PSNR in dB, per folder and of all; ends with 1 when
the median of all is below 45 dB at any box, or a thumbnail is missing or of another size. Pillow's
thumbnails are kept in DIR (--cache), because they take by far the longest to make.

A PROGRAM whose name begins with "bench_stages" is called as that driver wants it."""
import argparse
import hashlib
import io
import os
import statistics
import subprocess
import sys
import tempfile

import numpy
from PIL import Image, ImageCms, ImageFilter, ImageOps

LIMIT_DB = 45
EQUAL_DB = 99  # what two identical pictures count as


def to_srgb(image):
    """What Pillow makes of an embedded profile; a profile for other colours is ignored."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    try:
        return ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.FLAGS["BLACKPOINTCOMPENSATION"])
    except ImageCms.PyCMSError:
        return image


def tutorial(path, boxes):
    """The tutorial's thumbnails of one picture, one for each box."""
    image = to_srgb(ImageOps.exif_transpose(Image.open(path)))
    if image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGB")
    blurred = image.filter(ImageFilter.GaussianBlur(2))
    for box in boxes:
        thumb = blurred.copy()
        thumb.thumbnail((box, box))
        yield thumb


def references(path, boxes, cache):
    """Paths of the tutorial's thumbnails, made now or before."""
    stat = os.stat(path)
    key = hashlib.sha256(f"{path} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:24]
    paths = [os.path.join(cache, f"{key}-{box}.png") for box in boxes]
    if not all(os.path.exists(p) for p in paths):
        for thumb, to in zip(tutorial(path, boxes), paths):
            thumb.save(to)
    return paths


def psnr(ours, theirs):
    a = numpy.asarray(Image.open(ours).convert("RGB"), dtype=float)
    b = numpy.asarray(Image.open(theirs).convert("RGB"), dtype=float)
    if a.shape != b.shape:
        print(f"{ours}: {a.shape[1]} x {a.shape[0]}, Pillow makes {b.shape[1]} x {b.shape[0]}")
        return None
    error = ((a - b) ** 2).mean()
    return EQUAL_DB if error == 0 else min(EQUAL_DB, 10 * numpy.log10(255 ** 2 / error))


def run_program(program, box, folder, output):
    if os.path.basename(program).startswith("bench_stages"):
        command = [program, "-f", "png", "-b", "2", "-s", str(box), "-o", output, folder]
    else:
        command = [program, "-f", "png", "-b", "2", "-s", str(box), "-o", output, "--base", folder,
                   folder]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)


def compare(program, folder, box, pairs):
    """PSNR of every picture; None where there is nothing to compare."""
    with tempfile.TemporaryDirectory() as output:
        run_program(program, box, folder, output)
        values = []
        for name, reference in pairs:
            ours = os.path.join(output, os.path.splitext(name)[0] + ".png")
            if not os.path.exists(ours):
                print(f"{folder}/{name}: no thumbnail")
                values.append(None)
            else:
                values.append(psnr(ours, reference))
        return values


def line(label, box, values):
    good = [v for v in values if v is not None]
    if good:
        print(f"{label:<16} box {box:>4}  {len(good):>4} pictures  median {statistics.median(good):6.2f} dB"
              f"  minimum {min(good):6.2f} dB")


def main():
    parser = argparse.ArgumentParser(description="PSNR against the tutorial in Pillow")
    parser.add_argument("--box", type=int, action="append")
    parser.add_argument("--cache")
    parser.add_argument("--worst", type=int, default=0, help="list the N worst of each folder")
    parser.add_argument("program")
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    boxes = options.box or [50, 256]
    failed = False
    with tempfile.TemporaryDirectory() as own:
        cache = options.cache or own
        os.makedirs(cache, exist_ok=True)
        everything = {box: [] for box in boxes}
        for folder in options.folders:
            names = sorted(entry.name for entry in os.scandir(folder)
                           if entry.is_file() and not entry.name.startswith("."))
            made = [references(os.path.join(folder, n), sorted(boxes), cache) for n in names]
            for i, box in enumerate(sorted(boxes)):
                pairs = [(n, m[i]) for n, m in zip(names, made)]
                values = compare(options.program, folder, box, pairs)
                line(os.path.basename(folder.rstrip("/")), box, values)
                ranked = sorted((v, n) for v, (n, _) in zip(values, pairs) if v is not None)
                for value, name in ranked[:options.worst]:
                    print(f"    {value:6.2f}  {name}")
                failed |= None in values
                everything[box] += [v for v in values if v is not None]
        for box, values in everything.items():
            line("all", box, values)
            failed |= not values or statistics.median(values) < LIMIT_DB
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
