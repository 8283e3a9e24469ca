/* Whether a WebP has a number of frames that can be dealt with. libvips looks at each of them
 * though only the first is shown, and finds each by counting from the first: a small file may take
 * it minutes. */
#ifndef IMAGE_WEBP_CHECK_H
#define IMAGE_WEBP_CHECK_H

#include "image/fault.h"
#include "image/source.h"

enum { WEBP_PARTS_MAX = 10000 };

/* Counts the parts (chunks: frames, and what is said about them) of an animation, and leaves the
 * source at its start. Whatever else it is, or however early it ends, passes: that is not what this
 * is about. Allocates nothing; takes time in proportion to the parts.
 * Returns 0, or -1 with `fault` filled: there are more than WEBP_PARTS_MAX.
 * Source: RFC 9649, section 2.7. */
int webp_check(struct source *source, struct image_fault *fault);

#endif
