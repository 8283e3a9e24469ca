/* Pixel buffers: the size arithmetic in one place, checked before anything is allocated. */
#include "image/pixels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 1000000, SPARE_BYTES = 16 };

int pixels_init(struct pixels *ret, int width, int height, int channels)
{
    size_t size;

    memset(ret, 0, sizeof *ret);
    if (width < 1 || width > SIDE_MAX || height < 1 || height > SIDE_MAX)
        return -EINVAL;
    if (channels != 1 && channels != 4)
        return -EINVAL;
    size_t stride = (size_t)width * (size_t)channels;
    if (__builtin_mul_overflow(stride, (size_t)height, &size) || size > PTRDIFF_MAX - SPARE_BYTES)
        return -EOVERFLOW;
    uint8_t *data = malloc(size + SPARE_BYTES);
    if (!data)
        return -ENOMEM;
    *ret = (struct pixels){
        .data = data, .stride = stride, .width = width, .height = height, .channels = channels};
    return 0;
}

void pixels_done(struct pixels *pixels)
{
    free(pixels->data);
    memset(pixels, 0, sizeof *pixels);
}
