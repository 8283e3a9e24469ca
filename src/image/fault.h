/* Why a picture could not be made: a code for programs, a sentence for people.
 *
 * Filled on failure only. The sentence names what is wrong and, where there is something to do,
 * what to do; it never names the file, which this layer does not know. */
#ifndef IMAGE_FAULT_H
#define IMAGE_FAULT_H

#include <stdint.h>

enum image_code {
    IMAGE_OK = 0,
    IMAGE_DAMAGED,     /* data ends early, invalid code, wrong marker, checksum */
    IMAGE_UNSUPPORTED, /* not a picture, or a kind that is not read here */
    IMAGE_LIMIT,       /* refused from the header: pixels, scans, bytes */
    IMAGE_IO,          /* reading the input failed */
    IMAGE_MEMORY,      /* no memory */
};

struct image_fault {
    enum image_code code;
    char message[200];  /* a sentence without full stop, NUL-terminated */
    int64_t need_bytes; /* with IMAGE_MEMORY: what it would have taken, 0: nobody knows */
};

/* Fills `fault` and returns -1, so that a failing step can `return image_fail(...)`. */
int image_fail(struct image_fault *fault, enum image_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a picture that would take `need_bytes` of memory, 1 or more. */
int image_fail_need(struct image_fault *fault, int64_t need_bytes);

/* The code as the report spells it: "damaged", "unsupported", "limit", "io" or "memory". */
const char *image_code_name(enum image_code code);

#endif
