/* Any bytes as an Exif block: read, and copied as a thumbnail keeps it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "image/exif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_copy(const uint8_t *data, size_t size, bool upright)
{
    uint8_t *copy = NULL;
    size_t copy_size = 0;

    if (exif_copy(data, size, upright, &copy, &copy_size) || copy_size > size ||
        !copy != !copy_size)
        abort();
    if (upright && exif_orientation(copy, copy_size) != 1)
        abort();
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int orientation = exif_orientation(data, size);

    if (orientation < 1 || orientation > 8)
        abort();
    check_copy(data, size, false);
    check_copy(data, size, true);
    return 0;
}
