#include "batch/job.h"

#include "image/geometry.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* One thumbnail in a frame; the bytes of all follow the head, in order. */
struct frame_thumb {
    int32_t width, height;
    uint64_t size_bytes;
};

struct frame_head {
    int32_t same;   /* 1: the file is what was known */
    int32_t code;   /* enum image_code */
    int32_t damage; /* likewise, of a picture that was made all the same */
    int32_t width, height;
    int32_t shrink;
    int32_t thumb_count;
    int64_t need_bytes; /* of a picture that was granted too little memory */
    double begin_ms, total_ms;
    struct image_fingerprint fingerprint;
    struct image_times ms;
    struct frame_thumb thumbs[IMAGE_SIZES_MAX];
    char message[sizeof((struct image_fault *)0)->message];
    char damage_message[sizeof((struct image_fault *)0)->message];
};

size_t job_result_size(const struct job_result *result)
{
    size_t size = sizeof(struct frame_head);
    for (int i = 0; i < result->image.thumb_count; i++)
        size += result->image.thumbs[i].size_bytes;
    return size;
}

void job_result_encode(const struct job_result *result, uint8_t *bytes)
{
    const struct image_result *image = &result->image;
    struct frame_head head = {.same = result->same,
                              .code = result->fault.code,
                              .damage = image->damage.code,
                              .width = image->width,
                              .height = image->height,
                              .shrink = image->shrink,
                              .thumb_count = image->thumb_count,
                              .need_bytes = result->fault.need_bytes,
                              .begin_ms = result->begin_ms,
                              .total_ms = result->total_ms,
                              .fingerprint = image->fingerprint,
                              .ms = image->ms};
    memcpy(head.message, result->fault.message, sizeof head.message);
    memcpy(head.damage_message, image->damage.message, sizeof head.damage_message);
    uint8_t *to = bytes + sizeof head;
    for (int i = 0; i < image->thumb_count; i++) {
        const struct image_thumb *thumb = &image->thumbs[i];
        head.thumbs[i] = (struct frame_thumb){thumb->width, thumb->height, thumb->size_bytes};
        memcpy(to, thumb->bytes, thumb->size_bytes);
        to += thumb->size_bytes;
    }
    memcpy(bytes, &head, sizeof head);
}

/* ---- Decoding, which trusts nothing --------------------------------------------------------- */

/* A time that can be printed: finite and not negative. */
static double time_checked(double ms)
{
    return isfinite(ms) && ms >= 0 && ms < 1e9 ? ms : 0;
}

/* A moment, which may lie as far back as the machine's clock reaches. */
static double moment_checked(double ms)
{
    return isfinite(ms) && ms >= 0 && ms < 1e14 ? ms : 0;
}

static void times_take(const struct frame_head *head, struct job_result *result)
{
    result->begin_ms = moment_checked(head->begin_ms);
    result->total_ms = time_checked(head->total_ms);
    result->image.ms = (struct image_times){.read = time_checked(head->ms.read),
                                            .decode = time_checked(head->ms.decode),
                                            .blur = time_checked(head->ms.blur),
                                            .resize = time_checked(head->ms.resize),
                                            .encode = time_checked(head->ms.encode)};
}

static int fault_take(int32_t code, const char *message, struct image_fault *ret)
{
    if (code < IMAGE_OK || code > IMAGE_MEMORY)
        return -EPROTO;
    ret->code = (enum image_code)code;
    memcpy(ret->message, message, sizeof ret->message);
    ret->message[sizeof ret->message - 1] = '\0';
    return 0;
}

/* What a picture needs may be a lie, but is no less than nothing. */
static void need_take(const struct frame_head *head, struct image_fault *ret)
{
    bool told = ret->code == IMAGE_MEMORY && head->need_bytes > 0;
    ret->need_bytes = told ? head->need_bytes : 0;
}

/* A picture may be made in spite of damage only, and only where that was asked for. */
static const char *damage_take(const struct frame_head *head, const struct job *job,
                               struct image_fault *ret)
{
    if (head->damage != IMAGE_OK &&
        (head->damage != IMAGE_DAMAGED || job->spec.on_damage == IMAGE_DAMAGE_FAILS))
        return "it tells of damage that should have failed";
    return fault_take(head->damage, head->damage_message, ret) < 0 ? "its damage is unknown" : NULL;
}

static const char *thumb_take(const struct frame_thumb *frame, const struct job *job,
                              const struct image_result *image, int index, struct image_thumb *ret)
{
    int width, height;
    struct geometry_result want =
        geometry_result(image->width, image->height, job->spec.boxes[index], &job->spec);
    if (frame->width != want.width || frame->height != want.height)
        return "a thumbnail has not the size that was asked for";
    if (image_kind_sniff(ret->bytes, frame->size_bytes) != job->spec.format)
        return "a thumbnail has not the format that was asked for";
    bool readable = job->spec.format != IMAGE_KIND_AVIF; /* its size stands too deep inside */
    if (readable &&
        (image_kind_size(job->spec.format, ret->bytes, frame->size_bytes, &width, &height) != 0 ||
         width != frame->width || height != frame->height))
        return "a thumbnail's own header tells another size";
    ret->width = frame->width;
    ret->height = frame->height;
    ret->size_bytes = frame->size_bytes;
    return NULL;
}

static const char *image_take(const struct frame_head *head, const uint8_t *bytes, size_t size,
                              const struct job *job, struct image_result *image)
{
    if (head->width < 1 || head->height < 1 ||
        (int64_t)head->width * head->height > job->spec.max_pixels)
        return "the picture's size is impossible";
    if (head->thumb_count != job->spec.box_count)
        return "the number of thumbnails is wrong";
    image->width = head->width;
    image->height = head->height;
    image->shrink = head->shrink >= 1 && head->shrink <= 64 ? head->shrink : 1;
    for (int i = 0; i < head->thumb_count; i++) {
        const struct frame_thumb *frame = &head->thumbs[i];
        if (frame->size_bytes == 0 || frame->size_bytes > size)
            return "a thumbnail's bytes are missing";
        image->thumbs[i].bytes = (uint8_t *)bytes; /* borrowed: decoded results are not freed */
        const char *why = thumb_take(frame, job, image, i, &image->thumbs[i]);
        if (why)
            return why;
        bytes += frame->size_bytes;
        size -= frame->size_bytes;
    }
    image->thumb_count = head->thumb_count;
    return size == 0 ? NULL : "there are bytes too many";
}

/* A fingerprint counts for its own picture only, but must be one of that file. */
static struct image_fingerprint fingerprint_take(const struct frame_head *head,
                                                 const struct job *job)
{
    struct image_fingerprint fingerprint = head->fingerprint;
    if (fingerprint.reach < 0 || fingerprint.reach > job->size_bytes)
        fingerprint.reach = 0;
    return fingerprint;
}

/* A file that is what was known. */
static const char *same_take(const struct frame_head *head, const struct job *job, size_t size)
{
    if (job->known.reach == 0)
        return "it compared what it was not to compare";
    return head->code == IMAGE_OK && size == 0 ? NULL : "it tells of more than of a file unchanged";
}

int job_result_decode(const uint8_t *bytes, size_t size, const struct job *job,
                      struct job_result *ret, const char **ret_why)
{
    struct frame_head head;
    struct job_result result = {0};
    const char *why = NULL;
    if (size < sizeof head) {
        *ret_why = "the frame is too short";
        return -EPROTO;
    }
    memcpy(&head, bytes, sizeof head);
    times_take(&head, &result);
    result.same = head.same != 0;
    if (fault_take(head.code, head.message, &result.fault) < 0)
        why = "its code is unknown";
    else if (result.same)
        why = same_take(&head, job, size - sizeof head);
    else if (result.fault.code == IMAGE_OK)
        why = image_take(&head, bytes + sizeof head, size - sizeof head, job, &result.image);
    if (!why && !result.same && result.fault.code == IMAGE_OK)
        why = damage_take(&head, job, &result.image.damage);
    need_take(&head, &result.fault);
    if (why) {
        *ret_why = why;
        return -EPROTO;
    }
    result.image.fingerprint = fingerprint_take(&head, job);
    *ret = result;
    return 0;
}
