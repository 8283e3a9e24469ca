/* Any bytes as what an untrusted worker calls a thumbnail. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "image/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum image_kind kind = image_kind_sniff(data, size);
    int width = 1, height = 1;

    if (image_kind_size(kind, data, size, &width, &height) == 0 && (width < 1 || height < 1))
        abort();
    return 0;
}
