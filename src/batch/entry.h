/* One line of the manifest: what was made of an input, or why nothing could be, and all that the
 * outcome depended on.
 *
 * It is the report's line for that picture, with paths that mean the same wherever a run is
 * started: "src" is absolute and without links, those of outputs begin below the output folder.
 * Added are
 *
 *     "name":"a/b.jpg",    of the first output, where the line has none
 *     "input":{"bytes":9120,"mtime":"1700000000.123456789","read":9120,"xxh3":"0123456789abcdef"},
 *     "key":"0123456789abcdef"
 *
 * "xxh3" is the hash of the first "read" bytes, which are all that had to be read. */
#ifndef BATCH_ENTRY_H
#define BATCH_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "batch/observer.h"
#include "image/thumbnail.h"

struct entry {
    const char *src;      /* the input */
    const char *name;     /* of the first output: what the entry is known by */
    bool failed;          /* nothing could be made of it */
    enum image_kind kind; /* of the input */
    int width, height;    /* upright; 0 where they are not known */
    int shrink;           /* by the decoder */
    int output_count;     /* 0 of one that failed */
    struct run_output outputs[IMAGE_SIZES_MAX];
    const char *code;        /* of the failure, or of damage that was put up with; or NULL */
    const char *message;     /* likewise */
    int64_t size_bytes;      /* of the input */
    struct timespec changed; /* its time of change; 0 where that may be another's, too */
    struct image_fingerprint fingerprint; /* 0 bytes where there is none */
    uint64_t key;                         /* of the options: key.h */
};

/* Writes the entry as one line. */
void entry_write(FILE *file, const struct entry *entry);

/* Reads a line, which it writes to; the entry's strings live as long as that. The line may be a
 * stranger's: what is returned is complete and within bounds, but paths may lead anywhere. Returns
 * false for any other line. */
bool entry_read(char *line, size_t size, struct entry *ret);

#endif
