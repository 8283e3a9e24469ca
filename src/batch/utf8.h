/* Which bytes are UTF-8. */
#ifndef BATCH_UTF8_H
#define BATCH_UTF8_H

#include <stddef.h>

/* Bytes of the character that begins at `text`, which ends with NUL; 0 when it is none. Overlong
 * forms, surrogates and numbers above 10FFFF are none. Source: Unicode, table 3-7. */
size_t utf8_length(const unsigned char *text);

#endif
