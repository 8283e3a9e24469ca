#include "image/webp_check.h"

#include <stdbool.h>
#include <string.h>

enum { FILE_HEAD = 12, PART_HEAD = 8, ANIMATION_FLAG = 2 };

static int64_t le32(const uint8_t *bytes)
{
    return (int64_t)bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (int64_t)bytes[3] << 24;
}

/* Returns where an animation ends, whatever may stand behind it; 0 for everything else. */
static int64_t end_of_animation(struct source *source)
{
    uint8_t head[FILE_HEAD + PART_HEAD + 1];

    source_seek(source, 0);
    if (source_read(source, head, sizeof head) != sizeof head ||
        memcmp(head + FILE_HEAD, "VP8X", 4) != 0 ||
        (head[FILE_HEAD + PART_HEAD] & ANIMATION_FLAG) == 0)
        return 0;
    return le32(head + 4) + PART_HEAD;
}

/* Returns false where the file ends. */
static bool skip_part(struct source *source)
{
    uint8_t head[PART_HEAD];

    if (source_read(source, head, sizeof head) != sizeof head)
        return false;
    int64_t size = le32(head + 4);
    source_seek(source, source->offset + size + size % 2);
    return true;
}

static bool has_too_many(struct source *source)
{
    int64_t end = end_of_animation(source);
    int parts = 0;

    source_seek(source, FILE_HEAD);
    while (parts <= WEBP_PARTS_MAX && source->offset < end && skip_part(source))
        parts++;
    return parts > WEBP_PARTS_MAX;
}

int webp_check(struct source *source, struct image_fault *fault)
{
    bool refused = has_too_many(source);

    source_seek(source, 0);
    return refused ? image_fail(fault, IMAGE_LIMIT, "an animation of more than %d frames",
                                WEBP_PARTS_MAX)
                   : 0;
}
