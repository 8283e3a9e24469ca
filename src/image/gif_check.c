/* The walk: blocks, and in the first frame's blocks codes. Of each code only its length is kept:
 * how many pixels it stands for. */
#include "image/gif_check.h"

#include <stdbool.h>

#include "image/codec.h"

enum {
    CODES_MAX = 4096,     /* of 12 bits */
    CODE_BITS_MAX = 12,   /* no code is longer */
    BLOCK_BYTES_MAX = 255 /* of data, behind its length */
};

struct frame {
    struct source *source;          /* borrowed */
    int width, height;              /* pixels */
    uint8_t block[BLOCK_BYTES_MAX]; /* the one under way */
    int used, size;                 /* bytes of it that were taken, and all */
    uint32_t window;                /* bits that were read ahead, the next one lowest */
    int bits;                       /* of them */
    uint16_t lengths[CODES_MAX];    /* pixels that each code stands for */
};

enum { TAKEN_NOTHING = -1, TAKEN_END = -2 }; /* the file ended; the frame's data did */

/* The next block of a list. Returns its size, 0 at the list's end, or TAKEN_NOTHING. */
static int read_block(struct source *source, uint8_t *block)
{
    uint8_t size;

    if (source_read(source, &size, 1) != 1 || source_read(source, block, size) != size)
        return TAKEN_NOTHING;
    return size;
}

static bool skip_blocks(struct source *source)
{
    uint8_t block[BLOCK_BYTES_MAX];
    int size;

    do
        size = read_block(source, block);
    while (size > 0);
    return size == 0;
}

/* The next code of `count` bits, TAKEN_NOTHING or TAKEN_END. */
static int take_code(struct frame *frame, int count)
{
    while (frame->bits < count) {
        if (frame->used == frame->size) {
            frame->used = 0;
            frame->size = read_block(frame->source, frame->block);
            if (frame->size <= 0)
                return frame->size < 0 ? TAKEN_NOTHING : TAKEN_END;
        }
        frame->window |= (uint32_t)frame->block[frame->used++] << frame->bits;
        frame->bits += 8;
    }
    int code = (int)(frame->window & ((1u << count) - 1));
    frame->window >>= count;
    frame->bits -= count;
    return code;
}

static int fail(const struct frame *frame, int64_t pixels, const char *what,
                struct image_fault *fault)
{
    int64_t row = pixels / frame->width;

    if (!what)
        return codec_fail_end(frame->source, row, frame->height, fault);
    return image_fail(fault, IMAGE_DAMAGED, "%s in row %d of %d of the first frame", what,
                      (int)row + 1, frame->height);
}

/* Counts pixels until the frame has them all. `literal_bits` is what one pixel takes. */
static int check_codes(struct frame *frame, int literal_bits, struct image_fault *fault)
{
    const int clear = 1 << literal_bits;
    const int64_t wanted = (int64_t)frame->width * frame->height;
    int next = clear + 2, count = literal_bits + 1, previous = -1;
    int64_t pixels = 0;

    for (int i = 0; i < clear; i++)
        frame->lengths[i] = 1;
    while (pixels < wanted) {
        int code = take_code(frame, count);
        if (code == TAKEN_NOTHING)
            return fail(frame, pixels, NULL, fault);
        if (code == TAKEN_END || code == clear + 1)
            return fail(frame, pixels, "the data end", fault);
        if (code == clear) {
            next = clear + 2;
            count = literal_bits + 1;
            previous = -1;
            continue;
        }
        if (code > next || (code > clear && previous < 0))
            return fail(frame, pixels, "an invalid code", fault);
        if (previous >= 0 && next < CODES_MAX) {
            frame->lengths[next++] = (uint16_t)(frame->lengths[previous] + 1);
            count += next == 1 << count && count < CODE_BITS_MAX;
        }
        pixels += frame->lengths[code];
        previous = code;
    }
    return 0;
}

static int le16(const uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8;
}

/* Bytes of the colour table that a byte of flags tells of. */
static int64_t table_bytes(uint8_t flags)
{
    return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}

/* What stands behind the comma of a frame. */
static int check_frame(struct source *source, struct gif_frame *ret, struct image_fault *fault)
{
    struct frame frame = {.source = source};
    uint8_t head[9], literal_bits;

    if (source_read(source, head, sizeof head) != sizeof head)
        return codec_fail_end(source, 0, 1, fault);
    source_seek(source, source->offset + table_bytes(head[8]));
    ret->left = le16(head);
    ret->top = le16(head + 2);
    ret->width = frame.width = le16(head + 4);
    ret->height = frame.height = le16(head + 6);
    if (source_read(source, &literal_bits, 1) != 1)
        return codec_fail_end(source, 0, 1, fault);
    if (frame.width == 0 || frame.height == 0)
        return 0;
    if (literal_bits < 1 || literal_bits >= CODE_BITS_MAX)
        return image_fail(fault, IMAGE_DAMAGED, "codes of %d bits in the first frame",
                          literal_bits);
    return check_codes(&frame, literal_bits, fault);
}

/* Everything up to the first frame's end. */
static int check_blocks(struct source *source, struct gif_frame *ret, struct image_fault *fault)
{
    uint8_t head[13], byte;

    if (source_read(source, head, sizeof head) != sizeof head)
        return codec_fail_end(source, 0, 1, fault);
    ret->canvas_width = le16(head + 6);
    ret->canvas_height = le16(head + 8);
    source_seek(source, source->offset + table_bytes(head[10]));
    while (source_read(source, &byte, 1) == 1) {
        if (byte == ',')
            return check_frame(source, ret, fault);
        if (byte == ';')
            return 0;
        if (byte != '!')
            continue; /* stray bytes between blocks */
        if (source_read(source, &byte, 1) != 1 || !skip_blocks(source))
            break;
    }
    return codec_fail_end(source, 0, 1, fault);
}

int gif_check(struct source *source, struct gif_frame *ret, struct image_fault *fault)
{
    *ret = (struct gif_frame){0};
    source_seek(source, 0);
    int rc = check_blocks(source, ret, fault);
    source_seek(source, 0);
    return rc;
}
