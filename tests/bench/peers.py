"""The tutorial's program on a list of pictures, for peers.sh: blur, thumbnail, save, in a pool.

usage: peers.py LIST OUT EXTENSION SIZE JOBS SIGMA [draft]      LIST is NUL-separated
With "draft" libjpeg reduces first, as far as the size allows, and the sigma shrinks with the picture.
Orientation is applied to the thumbnail, where it costs next to nothing."""
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from PIL import Image, ImageFilter, ImageOps


def process(path, out, extension, size, sigma, draft):
    with Image.open(path) as image:
        width = image.width
        if draft:
            image.draft("RGB", (size, size))
            sigma *= image.width / width
        if image.mode not in ("L", "RGB", "RGBA") or (extension == "jpg" and image.mode == "RGBA"):
            image = image.convert("RGB")
        if sigma > 0:
            image = image.filter(ImageFilter.GaussianBlur(sigma))
        image.thumbnail((size, size))
        image = ImageOps.exif_transpose(image)
        image.info = {}  # no metadata
        stem = os.path.splitext(os.path.basename(path))[0]
        image.save(os.path.join(out, f"{stem}.{extension}"), quality=75)


def main():
    name, out, extension, size, jobs, sigma = sys.argv[1:7]
    with open(name, encoding="utf-8") as file:
        paths = [path for path in file.read().split("\0") if path]
    with ProcessPoolExecutor(int(jobs)) as executor:
        futures = [
            executor.submit(process, path, out, extension, int(size), float(sigma), len(sys.argv) > 7)
            for path in paths
        ]
        for future in futures:
            future.result()


main()
