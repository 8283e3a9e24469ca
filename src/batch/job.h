/* What goes to a worker and what comes back, as bytes.
 *
 * A job comes from the parent and is trusted. A result comes from a process that has read a
 * stranger's file: job_result_decode() believes none of it. */
#ifndef BATCH_JOB_H
#define BATCH_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/fault.h"
#include "image/thumbnail.h"

/* One picture to make; its open input travels beside it as descriptor 0. */
struct job {
    struct image_spec spec;
    int64_t size_bytes;             /* of the input file */
    enum image_kind kind;           /* of the input, by its first bytes */
    struct image_fingerprint known; /* of what it was last time; 0 bytes where there is nothing to
                                       compare it with */
};

/* What a worker says about a picture. */
struct job_result {
    bool same;                 /* the file has the known fingerprint: nothing else was done */
    struct image_fault fault;  /* IMAGE_OK when the picture was made */
    struct image_result image; /* its thumbs' bytes point into the frame that was decoded */
    double begin_ms;           /* when the worker began, on the clock CLOCK_MONOTONIC */
    double total_ms;           /* in the worker, from first to last */
};

/* Bytes that job_result_encode() needs. */
size_t job_result_size(const struct job_result *result);

/* Writes the result into bytes[0..job_result_size()). */
void job_result_encode(const struct job_result *result, uint8_t *bytes);

/* Reads a result that answers `job`, checking all of it: counts and sizes, that each thumbnail is
 * of the format and of the very size that the job asks for, that times are numbers. The result
 * borrows from `bytes`. Returns 0, or -EPROTO with a sentence in `ret_why`. */
int job_result_decode(const uint8_t *bytes, size_t size, const struct job *job,
                      struct job_result *ret, const char **ret_why);

#endif
