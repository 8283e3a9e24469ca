/* Any bytes as the answer of a worker that may be hostile. The first byte chooses what it was asked
 * for, the rest is its frame. */
#include "batch/job.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

/* What is believed must be safe to use: whole, within the frame, and of the size that it says. */
static void thumb_check(const struct image_thumb *thumb, const uint8_t *frame, size_t size)
{
    require(thumb->bytes >= frame && thumb->size_bytes > 0);
    require(thumb->size_bytes <= size - (size_t)(thumb->bytes - frame));
    require(thumb->width >= 1 && thumb->height >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct job job = {.spec = image_spec_default(), .size_bytes = 1000, .kind = IMAGE_KIND_JPEG};
    job.spec.box_count = 1 + (data[0] & 1);
    job.spec.boxes[1] = (struct image_box){0, 20};
    job.spec.format = (enum image_kind)(data[0] >> 1 & 7);
    job.known.reach = data[0] >> 4 & 1;
    size--;
    uint8_t *frame = malloc(size + !size); /* of its own, so that the sanitizer sees its end */
    require(frame);
    memcpy(frame, data + 1, size);
    struct job_result result;
    const char *why = NULL;
    if (job_result_decode(frame, size, &job, &result, &why) < 0) {
        require(why);
    } else {
        require(isfinite(result.total_ms));
        require(memchr(result.fault.message, '\0', sizeof result.fault.message));
        for (int i = 0; i < result.image.thumb_count; i++)
            thumb_check(&result.image.thumbs[i], frame, size);
    }
    free(frame);
    return 0;
}
