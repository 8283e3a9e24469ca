/* Any bytes as a picture that libvips reads: WebP, GIF, TIFF, HEIF and what else it has, above a
 * megapixel too. libvips and its loaders are not built for fuzzing, so what is found is found in
 * how they are called; that they crash is what the jail is for. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/module.h"
#include "image/thumbnail.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct image_module *module;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char why[200];

    (void)argc, (void)argv;
    if (image_module_load(VIPS_MODULE_FILE, &module, why, sizeof why) ||
        image_module_start(module, false)) {
        fprintf(stderr, "no libvips: %s\n", why);
        exit(1);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_spec spec = image_spec_default();
    struct image_result result;
    struct image_fault fault = {0};
    enum image_kind kind = image_kind_sniff(data, size);

    if (kind == IMAGE_KIND_UNKNOWN || kind == IMAGE_KIND_JPEG || kind == IMAGE_KIND_PNG)
        return 0;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    int side = size % 2 ? 30 : 300;
    spec.boxes[0] = (struct image_box){side, side};
    spec.boxes[1] = (struct image_box){0, 20};
    spec.boxes[1].width = 20;
    spec.box_count = 2;
    spec.fit = (enum image_fit)(size / 2 % 4);
    spec.exact = size / 5 % 4 == 0;
    spec.keep = size % 5 ? 0 : IMAGE_KEEP_ICC | IMAGE_KEEP_EXIF;
    spec.format = size % 7 ? IMAGE_KIND_JPEG : size % 2 ? IMAGE_KIND_PNG : IMAGE_KIND_WEBP;
    spec.on_damage = (enum image_on_damage)(size / 3 % 2);
    spec.max_pixels = 3 << 20;
    struct image_input input = {.fd = fd, .size_bytes = (int64_t)size, .kind = kind, .watch = true};
    if (image_thumbnail(&input, &spec, module, &result, &fault) == 0)
        image_result_done(&result);
    else if (fault.code == IMAGE_OK || !fault.message[0])
        abort(); /* a failure without a reason */
    close(fd);
    return 0;
}
