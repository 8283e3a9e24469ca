/* Whether a GIF's first frame is whole. Its data may end early without libvips finding that worth a
 * word: it shows what there is. */
#ifndef IMAGE_GIF_CHECK_H
#define IMAGE_GIF_CHECK_H

#include "image/fault.h"
#include "image/source.h"

/* The first frame on its canvas, pixels. All zeros where there is none. */
struct gif_frame {
    int left, top, width, height;
    int canvas_width, canvas_height;
};

/* Reads the source from its start up to the last pixel of the first frame, counting pixels without
 * making any, and leaves it at its start. A file without a frame passes: that is not what this is
 * about. Allocates nothing; takes time in proportion to the bytes read.
 *   ret   where the frame lies, as far as it is known, also on failure
 * Returns 0, or -1 with `fault` filled: the data, or the codes, end early, or a code is none.
 * Source: CompuServe, GIF89a specification, appendix F. */
int gif_check(struct source *source, struct gif_frame *ret, struct image_fault *fault);

#endif
