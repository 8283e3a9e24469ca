#!/usr/bin/python3
"""Writes sizes.txt: what Pillow's own Image.thumbnail makes of 10,000 random sizes, orientations and
boxes.

    make_sizes.py > sizes.txt

A line is one box and 20 pictures for it: box_width box_height, then, with commas between them,
width height orientation result_width result_height. The picture's size is the stored one, the
result's is upright."""
import random
import types

from PIL import Image

BOXES, CASES = 500, 20


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


def shape():
    """Any picture; now and then nearly a square, a line, or a few pixels."""
    width, height = side(12000), side(12000)
    kind = random.random()
    if kind < 0.1:
        height = max(1, width + random.randint(-2, 2))
    elif kind < 0.2:
        width, height = random.randint(1, 3), random.randint(1, 60000)
    elif kind < 0.25:
        width, height = random.randint(1, 9), random.randint(1, 9)
    return (height, width) if random.random() < 0.5 else (width, height)


def main():
    random.seed(20240501)
    for _ in range(BOXES):
        box = side(2000), side(2000)
        if random.random() < 0.5:
            box = box[0], box[0]
        cases = []
        for _ in range(CASES):
            stored = shape()
            orientation = random.randint(1, 8)
            image = Empty(stored if orientation < 5 else (stored[1], stored[0]))
            image.thumbnail(box)
            cases.append(" ".join(map(str, (*stored, orientation, *image.size))))
        print(*box, ", ".join(cases))


if __name__ == "__main__":
    main()
