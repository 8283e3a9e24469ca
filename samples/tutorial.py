#!/usr/bin/env python3
"""The tutorial's last program, for comparison: blurred thumbnails on a ProcessPoolExecutor.

usage: tutorial.py SIZE OUTPUT PHOTO...     needs python3-pil
"""
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from PIL import Image, ImageFilter

size, output, photos = int(sys.argv[1]), sys.argv[2], sys.argv[3:]


def create_thumbnail(name):
    try:
        image = Image.open(name)
        image = image.filter(ImageFilter.GaussianBlur())
        image.thumbnail((size, size))
        image.save(os.path.join(output, os.path.basename(name)))
    except (OSError, ValueError) as error:
        return f"{name} failed: {error}"
    return f"{name} was processed"


if __name__ == "__main__":
    os.makedirs(output, exist_ok=True)
    begin = time.perf_counter()
    with ProcessPoolExecutor() as executor:
        for line in executor.map(create_thumbnail, photos):
            print(line)
    print(f"Total time taken: {time.perf_counter() - begin:.3f} s")
