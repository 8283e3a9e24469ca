/* Growing buffers. */
#include "image/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 16 * 1024 };

int buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->room - buffer->size >= more)
        return 0;
    if (more > PTRDIFF_MAX - buffer->size || buffer->room > PTRDIFF_MAX / 2)
        return -ENOMEM;
    size_t room = buffer->room < ROOM_MIN ? ROOM_MIN : buffer->room * 2;
    if (room < buffer->size + more)
        room = buffer->size + more;
    uint8_t *bytes = realloc(buffer->bytes, room);
    if (!bytes)
        return -ENOMEM;
    buffer->bytes = bytes;
    buffer->room = room;
    return 0;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    if (buffer_reserve(buffer, size))
        return -ENOMEM;
    memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    return 0;
}

void buffer_done(struct buffer *buffer)
{
    free(buffer->bytes);
    memset(buffer, 0, sizeof *buffer);
}
