#!/usr/bin/python3
"""Is --exact what Pillow computes?

    exact_pillow.py PROGRAM

Makes pictures of its own (RGB, grey, with alpha; odd sizes, lines, a turned JPEG, an embedded
profile), has PROGRAM make exact thumbnails of them and compares these with Pillow's own: upright,
to sRGB, GaussianBlur, then Image.thumbnail, ImageOps.fit or Image.resize. Ends with 1 unless every
sample of every thumbnail is equal. (By Lanczos-3 --exact is nearer to the ideal than Pillow is, and
fidelity.py says how near.) Pictures with alpha that is not opaque are blurred premultiplied
here, as PROGRAM does and Pillow does not, and may be off by 1: Pillow cuts off what PROGRAM rounds
when it divides by alpha again."""
import io
import os
import struct
import subprocess
import sys
import tempfile

import numpy
from PIL import Image, ImageCms, ImageFilter, ImageOps

SIGMAS = [0, 0.3, 1, 2, 5, 15]
BOXES = ["50", "256", "100x37", "1000"]


def foreign_profile():
    """sRGB's profile with red and green exchanged: nothing that could be taken for sRGB."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    at = {bytes(profile[132 + 12 * i:136 + 12 * i]): 136 + 12 * i for i in range(count)}
    red, green = at[b"rXYZ"], at[b"gXYZ"]
    profile[red:red + 8], profile[green:green + 8] = (profile[green:green + 8],
                                                      profile[red:red + 8])
    return bytes(profile)


def array(random, width, height, channels):
    """Slopes, edges and noise."""
    y, x = numpy.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        plane = 128 + 70 * numpy.sin(x / (9.0 + c) + y / 23.0) + ((x // 17 + y // (11 + c)) % 2) * 60
        planes.append(plane + random.normal(0, 12, (height, width)))
    stack = numpy.clip(numpy.stack(planes, axis=2), 0, 255).astype(numpy.uint8)
    return stack[:, :, 0] if channels == 1 else stack


def make_pictures(folder):
    random = numpy.random.default_rng(5)

    def picture(width, height, channels):
        return Image.fromarray(array(random, width, height, channels))

    def save(image, name, **options):
        image.save(os.path.join(folder, name), **options)

    for width, height in [(640, 480), (641, 479), (1201, 333), (77, 503), (255, 257), (50, 37)]:
        save(picture(width, height, 3), f"rgb-{width}x{height}.png")
        save(picture(width, height, 1), f"grey-{width}x{height}.png")
    for width, height in [(1, 1), (1, 700), (3, 1500), (900, 2), (5, 5)]:
        save(picture(width, height, 3), f"line-{width}x{height}.png")
    opaque = picture(533, 401, 3).convert("RGBA")
    save(opaque, "opaque.png")
    clear = array(random, 533, 401, 4)
    clear[:, :, 3] = numpy.clip(clear[:, :, 3].astype(int) * 2 - 200, 0, 255)
    save(Image.fromarray(clear, "RGBA"), "alpha.png")
    save(picture(900, 611, 3), "plain.jpg", quality=90, subsampling="4:2:0")
    save(picture(513, 700, 3), "444.jpg", quality=80, subsampling="4:4:4", progressive=True)
    save(picture(612, 401, 1), "grey.jpg", quality=90)
    save(picture(640, 427, 3), "profile.png", icc_profile=foreign_profile())
    save(picture(640, 427, 3), "srgb.jpg", quality=92,
         icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    exif = Image.Exif()
    for orientation in (3, 5, 6):
        exif[0x0112] = orientation
        save(picture(701, 500, 3), f"turned{orientation}.jpg", quality=90, exif=exif)


def prepared(path):
    image = ImageOps.exif_transpose(Image.open(path))
    profile = image.info.get("icc_profile")
    if profile:
        image = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.FLAGS["BLACKPOINTCOMPENSATION"])
    return image


def covering(image, box):
    """ImageOps.fit, but never enlarging."""
    size = min(box[0], image.width), min(box[1], image.height)
    ratio = min(image.width / size[0], image.height / size[1])
    part = size[0] * ratio, size[1] * ratio
    if image.width / size[0] > image.height / size[1]:
        part = part[0], image.height
    else:
        part = image.width, part[1]
    left, top = (image.width - part[0]) * 0.5, (image.height - part[1]) * 0.5
    return image.resize(size, Image.Resampling.BICUBIC,
                        box=(left, top, left + part[0], top + part[1]))


def inside(image, box):
    """The size that thumbnail() gives."""
    image = image.copy()
    image.thumbnail(box)
    return image.size


def reference(image, sigma, box, fit):
    """Pillow's thumbnail of a picture that is prepared."""
    clear = image.mode == "RGBA" and image.getextrema()[3][0] < 255
    if clear:
        image = image.convert("RGBa")
    image = image.filter(ImageFilter.GaussianBlur(sigma))
    if fit == "cover":
        image = covering(image, box)
    elif fit == "fill":
        image = image.resize((min(box[0], image.width), min(box[1], image.height)),
                             Image.Resampling.BICUBIC)
    elif clear: # thumbnail() would reduce first, but not with alpha
        image = image.resize(inside(image.convert("RGBA"), box), Image.Resampling.BICUBIC)
    else:
        image.thumbnail(box)
    return image.convert("RGBA") if clear else image


def compare(ours, image, sigma, box, fit):
    """What differs, or None."""
    theirs = reference(image, sigma, box, fit)
    if not os.path.exists(ours):
        return "no thumbnail"
    ours = Image.open(ours)
    if ours.size != theirs.size:
        return f"{ours.size}, Pillow has {theirs.size}"
    a = numpy.asarray(ours.convert("RGBA"), dtype=int)
    b = numpy.asarray(theirs.convert("RGBA"), dtype=int)
    off = numpy.abs(a - b)
    # A colour counts for as much as its alpha shows of it.
    shown = off[:, :, :3] * b[:, :, 3:] / 255
    most = max(off[:, :, 3].max(), int(numpy.ceil(shown.max())))
    allowed = 1 if b[:, :, 3].min() < 255 else 0
    if most > allowed:
        return f"{(off > allowed).any(axis=2).sum()} of {off[:, :, 0].size} pixels off, by {off.max()}"
    return None


def run(program, folder, output, sigma, box, fit):
    subprocess.run([program, "--exact", "-f", "png", "-b", str(sigma), "-s", box, "--fit", fit,
                    "--quiet", "-o", output, "--base", folder, folder], check=False)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: exact_pillow.py PROGRAM")
    program = sys.argv[1]
    compared = failed = 0
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as output:
        make_pictures(folder)
        images = {name: prepared(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}
        ways = [(sigma, box, "inside") for sigma in SIGMAS for box in BOXES]
        ways += [(2, "90x60", "cover"), (0, "33x200", "cover"), (2, "90x60", "fill")]
        for number, (sigma, box, fit) in enumerate(ways):
            to = os.path.join(output, str(number))
            run(program, folder, to, sigma, box, fit)
            width, _, height = box.partition("x")
            for name, image in images.items():
                what = compare(os.path.join(to, os.path.splitext(name)[0] + ".png"), image, sigma,
                               (int(width), int(height or width)), fit)
                compared += 1
                if what:
                    print(f"{name}, sigma {sigma}, {fit} {box}: {what}")
                    failed += 1
    print(f"{compared} thumbnails, {failed} of them not Pillow's")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
