/* The user's own file, open for reading and for nothing else: a regular file of known size whose
 * first bytes tell what it is. */
#ifndef BATCH_ORIGINAL_H
#define BATCH_ORIGINAL_H

#include <stddef.h>
#include <sys/stat.h>

#include "batch/scan.h"
#include "image/fault.h"
#include "image/kind.h"

struct original {
    int fd;               /* -1 when closed */
    struct stat stat;     /* as it was when it was opened */
    enum image_kind kind; /* by its first bytes */
};

enum original_verdict {
    ORIGINAL_OPEN = 0, /* go on */
    ORIGINAL_SKIPPED,  /* not for us: a link, FIFO or device met on a walk */
    ORIGINAL_FAILED,   /* it should have been a picture and cannot be */
};

/* Opens an input. Never blocks on a FIFO, never follows a link unless it may. `fault` is
 * filled unless it returns ORIGINAL_OPEN. Close with original_close(). */
enum original_verdict original_open(const struct scan_input *input, off_t max_bytes,
                                    struct original *ret, struct image_fault *fault);

/* True when the file is no longer what was opened: its size or its time of change has moved. */
int original_changed(const struct original *original);

/* Takes a closed one. */
void original_close(struct original *original);

#endif
