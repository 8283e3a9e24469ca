/* A file read line by line, in bounded memory whatever is in it. */
#ifndef BATCH_LINES_H
#define BATCH_LINES_H

#include <stddef.h>
#include <stdint.h>

enum { LINES_LONGEST = 128 * 1024 }; /* bytes of a line, its end included */

struct lines {
    int fd;            /* borrowed; read with pread() */
    char *buffer;      /* owned */
    size_t begin, end; /* what of it has not been handed out */
    int64_t offset;    /* in the file, of buffer + begin */
};

enum lines_found {
    LINES_END = 0, /* there are no more */
    LINES_WHOLE,   /* a line */
    LINES_CUT,     /* the last, without its end */
    LINES_LONG     /* one that is too long and was passed over */
};

/* Starts at the beginning. End with lines_done(), also after an error. Returns 0 or -ENOMEM. */
int lines_init(struct lines *lines, int fd);
void lines_done(struct lines *lines);

/* Takes the next line. The text, without its end, may be written to and is valid until the next
 * call. What cannot be read ends the file. */
enum lines_found lines_next(struct lines *lines, char **ret_text, size_t *ret_size,
                            int64_t *ret_offset);

#endif
