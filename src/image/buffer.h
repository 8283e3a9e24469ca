/* Bytes that an encoder appends to. */
#ifndef IMAGE_BUFFER_H
#define IMAGE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *bytes; /* owned until taken; NULL while there is no room */
    size_t size;    /* bytes written */
    size_t room;    /* bytes allocated, not below size */
};

/* Makes room for `more` bytes behind those written; at least doubles. Returns 0 or -ENOMEM, which
 * changes nothing. A zeroed struct is an empty buffer. */
int buffer_reserve(struct buffer *buffer, size_t more);

/* Appends. Returns 0 or -ENOMEM. */
int buffer_append(struct buffer *buffer, const void *bytes, size_t size);

/* Frees; takes a zeroed struct. */
void buffer_done(struct buffer *buffer);

#endif
