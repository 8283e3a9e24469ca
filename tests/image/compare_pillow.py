#!/usr/bin/python3
"""How near are thumbpool's pixels to the tutorial's?

    compare_pillow.py [--box B]... [--cache DIR] PROGRAM FOLDER...

For every picture of every FOLDER the tutorial's own way in Pillow (upright, converted to sRGB where
a profile is embedded, GaussianBlur(SIGMA), thumbnail, saved as PNG) is compared with what

    PROGRAM -f png -b SIGMA -s B -o TMP --base FOLDER FOLDER

writes: at 50 and 256 with sigma 2, and at 545 with sigma 15; with --box only there, with sigma 2.
Prints count, median and minimum of the PSNR in dB, per folder and of all; ends with 1 when the
median or the minimum of all is below its limit, or a thumbnail is missing or of another size.
Pillow's thumbnails are kept in DIR (--cache), because they take by far the longest to make.
fidelity.py says more, and of other programs too.

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

JOBS = [(50, 2), (256, 2), (545, 15)]  # box in pixels, sigma in pixels of the source
LIMITS_DB = {2: (48, 40), 15: (52, 0)}  # of a sigma: median and minimum
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


def upright_srgb(image):
    """The picture as it is meant to be seen, in a mode that Pillow can blur."""
    image = to_srgb(ImageOps.exif_transpose(image))
    return image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB")


def tutorial(path, boxes, sigma=2):
    """The tutorial's thumbnails of one picture, one for each box."""
    blurred = upright_srgb(Image.open(path)).filter(ImageFilter.GaussianBlur(sigma))
    for box in boxes:
        thumb = blurred.copy()
        thumb.thumbnail((box, box))
        yield thumb


def key_of(path):
    """Names a file and its content in a cache."""
    stat = os.stat(path)
    return hashlib.sha256(f"{path} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:24]


def references(path, boxes, cache, sigma=2):
    """Paths of the tutorial's thumbnails, made now or before."""
    end = "" if sigma == 2 else f"-{sigma}"
    paths = [os.path.join(cache, f"{key_of(path)}-{box}{end}.png") for box in boxes]
    if not all(os.path.exists(p) for p in paths):
        for thumb, to in zip(tutorial(path, boxes, sigma), paths):
            thumb.save(to)
    return paths


def load(path):
    """A picture's RGB as floats; on white where it is transparent, since hidden colours do not count."""
    image = Image.open(path)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return numpy.asarray(image.convert("RGB"), dtype=float)


def psnr(ours, theirs):
    a, b = load(ours), load(theirs)
    if a.shape != b.shape:
        print(f"{ours}: {a.shape[1]} x {a.shape[0]}, Pillow makes {b.shape[1]} x {b.shape[0]}")
        return None
    return psnr_of(a, b)


def psnr_of(a, b):
    """Peak signal to noise ratio of two arrays, dB."""
    error = ((a - b) ** 2).mean()
    return EQUAL_DB if error == 0 else min(EQUAL_DB, 10 * numpy.log10(255 ** 2 / error))


def run_program(program, box, folder, output, sigma=2, more=()):
    command = [program, "-f", "png", "-b", str(sigma), "-s", str(box), "-o", output]
    if not os.path.basename(program).startswith("bench_stages"):
        command += ["--base", folder, "--quiet", *more]
    subprocess.run(command + [folder], stdout=subprocess.DEVNULL, check=False)


def compare(program, folder, box, sigma, pairs):
    """PSNR of every picture; None where there is nothing to compare."""
    with tempfile.TemporaryDirectory() as output:
        run_program(program, box, folder, output, sigma)
        values = []
        for name, reference in pairs:
            ours = os.path.join(output, os.path.splitext(name)[0] + ".png")
            if not os.path.exists(ours):
                print(f"{folder}/{name}: no thumbnail")
                values.append(None)
            else:
                values.append(psnr(ours, reference))
        return values


def line(label, box, sigma, values):
    good = [v for v in values if v is not None]
    if good:
        print(f"{label:<16} box {box:>4}  sigma {sigma:>2}  {len(good):>4} pictures  median {statistics.median(good):6.2f} dB"
              f"  minimum {min(good):6.2f} dB")


def compare_folder(options, folder, boxes, sigma, cache, everything):
    """All boxes of one sigma; true when a picture could not be compared."""
    names = sorted(entry.name for entry in os.scandir(folder)
                   if entry.is_file() and not entry.name.startswith("."))
    made = [references(os.path.join(folder, n), boxes, cache, sigma) for n in names]
    failed = False
    for i, box in enumerate(boxes):
        pairs = [(n, m[i]) for n, m in zip(names, made)]
        values = compare(options.program, folder, box, sigma, pairs)
        line(os.path.basename(folder.rstrip("/")), box, sigma, values)
        ranked = sorted((v, n) for v, (n, _) in zip(values, pairs) if v is not None)
        for value, name in ranked[:options.worst]:
            print(f"    {value:6.2f}  {name}")
        failed |= None in values
        everything[box, sigma] += [v for v in values if v is not None]
    return failed


def main():
    parser = argparse.ArgumentParser(description="PSNR against the tutorial in Pillow")
    parser.add_argument("--box", type=int, action="append")
    parser.add_argument("--cache")
    parser.add_argument("--worst", type=int, default=0, help="list the N worst of each folder")
    parser.add_argument("program")
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    jobs = [(box, 2) for box in options.box] if options.box else JOBS
    failed = False
    with tempfile.TemporaryDirectory() as own:
        cache = options.cache or own
        os.makedirs(cache, exist_ok=True)
        everything = {job: [] for job in jobs}
        for folder in options.folders:
            for sigma in sorted({sigma for _, sigma in jobs}):
                boxes = sorted(box for box, s in jobs if s == sigma)
                failed |= compare_folder(options, folder, boxes, sigma, cache, everything)
        for (box, sigma), values in everything.items():
            line("all", box, sigma, values)
            median, least = LIMITS_DB[sigma]
            failed |= not values or statistics.median(values) < median or min(values) < least
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
