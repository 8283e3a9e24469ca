/* What all decoders say in the same words. */
#include "image/codec.h"

#include <inttypes.h>
#include <string.h>

enum { SIDE_MAX = 1000000 };

int codec_check_size(int64_t width, int64_t height, const struct image_spec *limits,
                     struct image_fault *fault)
{
    if (width < 1 || height < 1)
        return image_fail(fault, IMAGE_DAMAGED, "the header gives a size of %" PRId64 " x %" PRId64,
                          width, height);
    if (width > SIDE_MAX || height > SIDE_MAX)
        return image_fail(fault, IMAGE_LIMIT,
                          "%" PRId64 " x %" PRId64 " pixels, and no side may have more than %d",
                          width, height, SIDE_MAX);
    if (width * height > limits->max_pixels)
        return image_fail(fault, IMAGE_LIMIT,
                          "%" PRId64 " x %" PRId64 " pixels are more than the limit of %" PRId64
                          " (--max-pixels)",
                          width, height, limits->max_pixels);
    return 0;
}

int codec_fail_end(const struct source *source, int64_t done, int64_t rows,
                   struct image_fault *fault)
{
    if (source->error)
        return image_fail(fault, IMAGE_IO, "reading failed: %s", strerror(source->error));
    if (done < 1)
        return image_fail(fault, IMAGE_DAMAGED, "the data ends before the picture begins");
    return image_fail(fault, IMAGE_DAMAGED,
                      "the data ends after %" PRId64 " %% of the picture (row %" PRId64
                      " of %" PRId64 ")",
                      done * 100 / rows, done, rows);
}

void codec_fill_rest(struct reduce *sink, int value)
{
    while (sink->rows < sink->height) {
        memset(reduce_row(sink), value, (size_t)sink->width * (size_t)sink->channels);
        reduce_commit(sink);
    }
}
