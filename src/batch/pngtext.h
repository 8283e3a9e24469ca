/* The texts in a PNG file: keys with a value each, in tEXt chunks.
 *
 * Reading trusts nothing: a file may be anybody's. Values are compared and told, never followed. */
#ifndef BATCH_PNGTEXT_H
#define BATCH_PNGTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/buffer.h"

/* A key, 1 to 79 bytes, and its value. */
struct pngtext {
    const char *key, *value;
};

/* Appends the file png[0..size) with the texts behind its header to `ret`, which should be empty.
 * Bytes of a value that are not printable ASCII become "?". Returns 0, -EPROTO when that is no PNG
 * that begins with a header, or -ENOMEM. */
int pngtext_insert(const uint8_t *png, size_t size, const struct pngtext *texts, int count,
                   struct buffer *ret);

/* A text to look for. */
struct pngtext_wanted {
    const char *key;
    char *value; /* room, whose value is "" when it is not found, or is longer */
    size_t size; /* of it, at least 1 */
};

/* What else is known of a file that was read. */
struct pngtext_head {
    int width, height; /* pixels, at least 1 */
};

/* Looks for texts in the PNG file `fd`, before its pixels and behind them; of a key that comes
 * again the first counts. Its pixels are not looked at, but the file must be whole: each chunk, to
 * the last, is where the one before says. Returns 0, or -EPROTO when it is not, when the checksum
 * of a text or of the header is wrong, or when there are more than PNGTEXT_CHUNKS_MAX. */
int pngtext_read(int fd, struct pngtext_wanted *wanted, int count, struct pngtext_head *ret);

enum {
    PNGTEXT_CHUNKS_MAX = 4096, /* of a file that is read */
    PNGTEXT_BYTES_MAX = 16384, /* of a text, its key included; longer ones are passed over */
};

#endif
