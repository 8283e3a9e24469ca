/* A decoded picture, or a part of the way to one, in memory. */
#ifndef IMAGE_PIXELS_H
#define IMAGE_PIXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pixels {
    uint8_t *data; /* rows top down, channels interleaved; owned, 16 spare bytes at the end */
    size_t stride; /* bytes from one row to the next */
    int width;     /* columns */
    int height;    /* rows */
    int channels;  /* 1: grey; 4: red, green, blue and either nothing or alpha */
    bool alpha;    /* the fourth is alpha, and the colours are premultiplied by it */
};

/* A part of a picture, in its pixels; need not be whole. */
struct pixels_box {
    double x, y; /* of its top left corner */
    double width, height;
};

/* Allocates width x height pixels, not cleared. Free with pixels_done(), which also takes a
 * zeroed struct. Returns 0, -EINVAL (a side below 1 or above 1000000, channels not 1 or 4),
 * -EOVERFLOW or -ENOMEM; ret is zeroed on failure. */
int pixels_init(struct pixels *ret, int width, int height, int channels);
void pixels_done(struct pixels *pixels);

#endif
