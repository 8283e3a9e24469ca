/* Stripping and cutting, in runs between one 0xff and the next. */
#include "image/jpeg_bits.h"

#include "image/jpeg_source.h"

void bits_init(struct bits *bits, struct jpeg_decompress_struct *cinfo)
{
    bits->cinfo = cinfo;
    bits->at = (struct bits_position){.next = bits->buffer};
    bits->end = bits->buffer;
    bits->marker = 0;
}

/* Copies a run of bytes up to a 0xff or the limit. Returns how many. */
static size_t copy_run(struct jpeg_source_mgr *src, uint8_t *to, size_t limit)
{
    size_t run = src->bytes_in_buffer < limit ? src->bytes_in_buffer : limit;
    const uint8_t *stop = memchr(src->next_input_byte, 0xff, run);

    if (stop)
        run = (size_t)(stop - src->next_input_byte);
    memcpy(to, src->next_input_byte, run);
    src->next_input_byte += run;
    src->bytes_in_buffer -= run;
    return run;
}

void bits_fill(struct bits *bits)
{
    size_t size = (size_t)(bits->end - bits->at.next);

    memmove(bits->buffer, bits->at.next, size);
    while (size < BITS_BUFFER_BYTES && !bits->marker) {
        size += copy_run(bits->cinfo->src, bits->buffer + size, BITS_BUFFER_BYTES - size);
        if (size == BITS_BUFFER_BYTES)
            break;
        int byte = jpeg_source_byte(bits->cinfo);
        if (byte != 0xff) { /* the first of the source's next piece */
            bits->buffer[size++] = (uint8_t)byte;
            continue;
        }
        while (byte == 0xff) /* any number of them may precede a marker */
            byte = jpeg_source_byte(bits->cinfo);
        if (byte == 0)
            bits->buffer[size++] = 0xff;
        bits->marker = byte;
    }
    memset(bits->buffer + size, 0, BITS_BLOCK_BYTES + 16);
    bits->at.next = bits->buffer;
    bits->end = bits->buffer + size;
}

int bits_finish(struct bits *bits)
{
    while (!bits->marker) {
        bits->at.next = bits->end;
        bits_fill(bits);
    }
    return bits->marker;
}

bool bits_restart(struct bits *bits, int due)
{
    if (bits_finish(bits) != JPEG_RST0 + due)
        return false;
    bits->at.window = 0;
    bits->at.count = 0;
    bits->marker = 0;
    bits->at.next = bits->end;
    return true;
}
