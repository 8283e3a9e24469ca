/* Any bytes as a GIF, of which only the first frame's codes are walked. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/gif_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    struct source source;
    struct gif_frame frame;
    struct image_fault fault = {.code = IMAGE_OK};

    if (fd < 0 || write(fd, data, size) != (ssize_t)size || source_init(&source, fd, (int64_t)size))
        abort();
    int rc = gif_check(&source, &frame, &fault);
    if (source.offset != 0 || (rc != 0) != (fault.code != IMAGE_OK))
        abort();
    source_done(&source);
    close(fd);
    return 0;
}
