/* Faults: one place that writes the sentence, so that none is ever cut in the middle of a byte
 * that a terminal would act on. */
#include "image/fault.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

int image_fail(struct image_fault *fault, enum image_code code, const char *format, ...)
{
    va_list arguments;

    fault->code = code;
    fault->need_bytes = 0;
    va_start(arguments, format);
    vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);

    /* Sentences may quote a library, and a library may quote the file. */
    for (char *c = fault->message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    return -1;
}

int image_fail_need(struct image_fault *fault, int64_t need_bytes)
{
    image_fail(fault, IMAGE_MEMORY, "it takes %.0f MiB of memory, more than it may (--max-memory)",
               ceil((double)need_bytes / (1 << 20)));
    fault->need_bytes = need_bytes;
    return -1;
}

const char *image_code_name(enum image_code code)
{
    switch (code) {
    case IMAGE_UNSUPPORTED: return "unsupported";
    case IMAGE_LIMIT: return "limit";
    case IMAGE_IO: return "io";
    case IMAGE_MEMORY: return "memory";
    case IMAGE_OK:
    case IMAGE_DAMAGED: break;
    }
    return "damaged";
}
