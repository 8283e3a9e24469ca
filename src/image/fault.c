/* Faults: one place that writes the sentence, so that none is ever cut in the middle of a byte
 * that a terminal would act on. */
#include "image/fault.h"

#include <stdarg.h>
#include <stdio.h>

int image_fail(struct image_fault *fault, enum image_code code, const char *format, ...)
{
    va_list arguments;

    fault->code = code;
    va_start(arguments, format);
    vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);

    /* Sentences may quote a library, and a library may quote the file. */
    for (char *c = fault->message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
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
