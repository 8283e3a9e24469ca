/* Reads JSON, one object at a time, in place and without allocating: strings are undone of their
 * escapes where they stand, so that what is read becomes unreadable.
 *
 * The text may be a stranger's. Whatever is wrong with it sets `bad`, after which every call
 * returns nothing, so that callers ask once, in the end. */
#ifndef BATCH_READER_H
#define BATCH_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    char *at, *end; /* what is left */
    bool first;     /* no member or element of the innermost bracket has been read */
    bool bad;       /* it is not JSON, or not what was asked for */
};

/* Begins with text[0..size), which is written to. */
void reader_init(struct reader *reader, char *text, size_t size);

/* True when all has been read, and nothing was wrong. */
bool reader_done(const struct reader *reader);

/* Enters an object '{' or a list '['. */
void reader_enter(struct reader *reader, char bracket);

/* Goes on to the next member of the object, whose key is returned, or leaves it and returns NULL.
 * The member's value has to be read or skipped. */
const char *reader_member(struct reader *reader);

/* Goes on to the next element of the list, or leaves it and returns false. */
bool reader_element(struct reader *reader);

/* Values. A string ends with NUL, has none within, and lives as long as the text; "" when bad. A
 * path is a string, or what json_path() writes for one that is not UTF-8. An integer has no
 * fraction and fits. */
const char *reader_text(struct reader *reader);
const char *reader_path(struct reader *reader);
int64_t reader_integer(struct reader *reader);
void reader_skip(struct reader *reader);

#endif
