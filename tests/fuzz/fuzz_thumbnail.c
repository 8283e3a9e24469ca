/* Any bytes as a picture: the whole way, over an unnamed file. The limits are low, so that what
 * takes the fuzzer's time is parsing and not large pictures. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/thumbnail.h"
#include "mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    return mutate_picture(data, size, size_max, 0, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_spec spec = image_spec_default();
    struct image_result result;
    struct image_fault fault = {0};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    int side = size % 2 ? 3 : 32; /* small pictures shrink in the decoder too */
    spec.boxes[0] = (struct image_box){side, side};
    spec.boxes[1] = (struct image_box){0, 2};
    spec.box_count = 2;
    spec.fit = (enum image_fit)(size / 2 % 4);
    spec.gravity = (enum image_gravity)(size / 8 % 9);
    spec.upscale = size / 3 % 4 == 0;
    spec.exact = size / 5 % 4 == 0;
    spec.rotate = size / 7 % 4 != 0;
    spec.max_pixels = 1 << 20;
    spec.max_scans = 50;
    spec.keep = size % 5 ? 0 : IMAGE_KEEP_ICC | IMAGE_KEEP_EXIF;
    spec.format = size % 7 ? IMAGE_KIND_JPEG : IMAGE_KIND_PNG;
    spec.on_damage = (enum image_on_damage)(size / 2 % 2); /* fails, or is made all the same */
    struct image_input input = {
        .fd = fd, .size_bytes = (int64_t)size, .kind = image_kind_sniff(data, size)};
    if (image_thumbnail(&input, &spec, NULL, &result, &fault) == 0)
        image_result_done(&result);
    else if (fault.code == IMAGE_OK || !fault.message[0])
        abort(); /* a failure without a reason */
    close(fd);
    return 0;
}
