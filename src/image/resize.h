/* Resampling. */
#ifndef IMAGE_RESIZE_H
#define IMAGE_RESIZE_H

#include "image/pixels.h"

/* Brings one box of `in` to width x height pixels, bicubic (a = -0.5). Where that is smaller than
 * the box, the filter is widened by the ratio so that nothing aliases; where it is larger, the
 * filter spans four pixels of `in`. Pixels beside the box count as far as the filter reaches.
 *   in      borrowed; alpha premultiplied
 *   box     within `in` (but for a millionth of a pixel); need not be whole
 *   width   columns of the result, pixels; height likewise
 *   ret     new picture, same channels; free with pixels_done()
 * Returns 0, -EINVAL (a size that is out of range) or -ENOMEM; ret is zeroed on failure.
 * Source: Pillow, Image.resize: one axis after the other, rounded to 8 bits between them. */
int resize(const struct pixels *in, struct pixels_box box, int width, int height,
           struct pixels *ret);

/* Pixels of `in` that one of Pillow's boxes must cover to be sampled from them. */
#define RESIZE_BOX_MIN 1.5

/* What became of an axis before it is resized, so that resizing can make up for it. Lengths are in
 * pixels of `in`. */
struct resize_past {
    double step;    /* pixels of the original to one of `in`; 0 is not known */
    double blurred; /* standard deviation of the blur that was done; 0 is none */
    double rest;    /* variance of the blur that is still due; negative: none was asked for */
    double due;     /* of what `blurred` says, 0 or all: what is not done yet, but by resizing.
                       narrow_applies() to it */
};

/* The same for a picture that was reduced on the way, as Pillow would have made it from the
 * original: where boxes of half the whole ratio still cover RESIZE_BOX_MIN pixels of `in`, they are
 * sampled, parts of pixels by their share; and a small blur is done by the filter itself, which
 * costs nothing. Returns as resize().
 * Source: Pillow, Image.thumbnail, reducing gap 2. */
int resize_reduced(const struct pixels *in, struct pixels_box box, int width, int height,
                   struct resize_past past_x, struct resize_past past_y, struct pixels *ret);

/* The same by Lanczos-3, which is sharper, and owes Pillow's reduction nothing. What overshoots is
 * cut off at 0 and 255. Of what became of the axes only `rest` and `due` count, the rest small, or
 * it is cut off at the filter's end; negative, -1 / 12 at least, it is what the means of boxes
 * blurred too much, and is made up for by sharpening. Returns as resize(). Source: Duchon, Lanczos
 * Filtering in One and Two Dimensions, 1979. */
int resize_lanczos3(const struct pixels *in, struct pixels_box box, int width, int height,
                    struct resize_past past_x, struct resize_past past_y, struct pixels *ret);

#endif
