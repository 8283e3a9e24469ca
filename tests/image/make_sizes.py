#!/usr/bin/python3
"""Writes sizes.txt: what Pillow's own Image.thumbnail makes of 3000 random sizes and boxes.

    make_sizes.py > sizes.txt

A line is: width height box_width box_height result_width result_height."""
import random
import types

from PIL import Image


class Empty(Image.Image):
    """A picture of a size and without pixels: thumbnail() asks for a draft and for a resize."""

    def __init__(self, size):
        super().__init__()
        self._size = size
        self.im = types.SimpleNamespace(mode="RGB", size=size)

    def load(self):
        return None

    def draft(self, mode, size):
        return None

    def resize(self, size, *args, **kwargs):
        return Empty(size)


def side(limit):
    """Small, large and square numbers all turn up."""
    return random.choice([random.randint(1, 60), random.randint(1, 700), random.randint(1, limit)])


def main():
    random.seed(20240501)
    for _ in range(3000):
        width, height = side(12000), side(12000)
        box = side(2000), side(2000)
        if random.random() < 0.5:
            box = box[0], box[0]
        if random.random() < 0.1:
            height = width + random.randint(-2, 2) or 1
            height = max(height, 1)
        image = Empty((width, height))
        image.thumbnail(box)
        print(width, height, *box, *image.size)


if __name__ == "__main__":
    main()
