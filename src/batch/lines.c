#include "batch/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 2 * LINES_LONGEST };

int lines_init(struct lines *lines, int fd)
{
    *lines = (struct lines){.fd = fd, .buffer = malloc(BUFFER_BYTES)};
    return lines->buffer ? 0 : -ENOMEM;
}

void lines_done(struct lines *lines)
{
    free(lines->buffer);
    lines->buffer = NULL;
}

/* Reads on behind what there is. Returns how much, 0 at the end of the file. */
static size_t fill(struct lines *lines)
{
    size_t left = lines->end - lines->begin;
    memmove(lines->buffer, lines->buffer + lines->begin, left);
    lines->begin = 0;
    lines->end = left;
    ssize_t got;
    do
        got = pread(lines->fd, lines->buffer + left, BUFFER_BYTES - left,
                    (off_t)(lines->offset + (int64_t)left));
    while (got < 0 && errno == EINTR);
    if (got > 0)
        lines->end += (size_t)got;
    return got > 0 ? (size_t)got : 0;
}

static void pass(struct lines *lines, size_t size)
{
    lines->begin += size;
    lines->offset += (int64_t)size;
}

/* Passes over the rest of a line that is too long. */
static enum lines_found long_pass(struct lines *lines)
{
    for (;;) {
        size_t left = lines->end - lines->begin;
        char *text = lines->buffer + lines->begin, *end = memchr(text, '\n', left);
        pass(lines, end ? (size_t)(end - text) + 1 : left);
        if (end || fill(lines) == 0)
            return LINES_LONG;
    }
}

enum lines_found lines_next(struct lines *lines, char **ret_text, size_t *ret_size,
                            int64_t *ret_offset)
{
    for (size_t seen = 0;;) {
        size_t left = lines->end - lines->begin;
        char *text = lines->buffer + lines->begin;
        char *end = left > seen ? memchr(text + seen, '\n', left - seen) : NULL;
        size_t size = end ? (size_t)(end - text) : left;
        if (size >= LINES_LONGEST)
            return long_pass(lines);
        seen = left;
        if (!end && fill(lines) > 0)
            continue;
        *ret_text = lines->buffer + lines->begin;
        *ret_size = size;
        *ret_offset = lines->offset;
        pass(lines, size + (end != NULL));
        return end ? LINES_WHOLE : size > 0 ? LINES_CUT : LINES_END;
    }
}
