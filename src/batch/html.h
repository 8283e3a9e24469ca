/* Names and messages inside a page: what comes from a file is never markup. */
#ifndef BATCH_HTML_H
#define BATCH_HTML_H

#include <stdio.h>

/* Writes text into HTML or SVG, as text or as the value of a quoted attribute. What would be markup
 * is escaped. A control character of ASCII stands as its picture (U+2400 and on), another one, and
 * a byte that is not UTF-8, as U+FFFD. */
void html_text(FILE *file, const char *text);

/* Writes a path as the path of a URL, fit for a quoted attribute: every byte but letters, digits
 * and -._~/ is percent-encoded, so that any name of a file comes back as it was. */
void html_url(FILE *file, const char *path);

#endif
