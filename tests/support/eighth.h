/* JPEG at one eighth, or shrunk by less, as libjpeg gives it: what the ways of our own are compared
 * with. */
#ifndef SUPPORT_EIGHTH_H
#define SUPPORT_EIGHTH_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>

#include <jpeglib.h>

#include "image/reduce.h"
#include "support/images.h"

/* A decoder behind the header of a file in memory, shrinking asked for. */
struct eighth {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr error;
    jmp_buf escape;               /* where libjpeg's errors go */
    bool damaged;                 /* libjpeg has warned of damage */
    bool ended;                   /* it wanted more than there is, and was given an end marker */
    const struct test_file *file; /* borrowed */
    size_t given;                 /* bytes of it that were handed out */
};

/* Returns false when the header is none. Close it in any case. */
bool eighth_open(struct eighth *eighth, const struct test_file *file);

/* The same, shrinking by 1, 2, 4 or 8. */
bool eighth_open_by(struct eighth *eighth, const struct test_file *file, int shrink);

void eighth_close(struct eighth *eighth);

/* A sink for the picture. */
struct reduce eighth_sink(const struct eighth *eighth, int factor);

/* The picture that a sink has got, which it leaves to the caller. */
struct pixels eighth_take(struct reduce *sink);

/* The picture by libjpeg. Returns false, and nothing, when libjpeg gives up; `damaged` tells of
 * less. */
bool eighth_decode(struct eighth *eighth, int factor, struct pixels *ret);

/* True when no term of the file is so far out of range that sums of them wrap around, where
 * libjpeg's own saturate: no encoder writes such. It is read at full size, since libjpeg leaves out
 * terms that a shrunk picture does not need, and from the last scan of each component, while a
 * baseline file's first one is the picture. */
bool eighth_is_tame(const struct test_file *file);

#endif
