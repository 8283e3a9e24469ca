#include "batch/html.h"

#include "batch/utf8.h"

#include <stdbool.h>
#include <string.h>

static const char *const names[] = {
    ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};

/* Bytes at the beginning that are written as they are. */
static size_t plain_length(const unsigned char *text)
{
    size_t length = 0;
    while (text[length] >= 0x20 && text[length] < 0x7f &&
           (text[length] >= sizeof names / sizeof *names || !names[text[length]]))
        length++;
    return length;
}

/* U+0080 to U+009F, which pages may not have. */
static bool is_late_control(const unsigned char *text, size_t length)
{
    return length == 2 && text[0] == 0xc2 && text[1] < 0xa0;
}

/* One that is not plain. */
static void character_write(FILE *file, const unsigned char *text, size_t length)
{
    if (length == 0 || is_late_control(text, length))
        fputs("\xef\xbf\xbd", file);
    else if (*text < 0x20 || *text == 0x7f)
        fprintf(file, "&#x%x;", *text == 0x7f ? 0x2421 : 0x2400 + *text);
    else if (length == 1)
        fputs(names[*text], file);
    else
        fwrite(text, 1, length, file);
}

void html_text(FILE *file, const char *string)
{
    const unsigned char *text = (const unsigned char *)string;
    for (;;) {
        size_t plain = plain_length(text);
        fwrite(text, 1, plain, file);
        text += plain;
        if (!*text)
            return;
        size_t length = utf8_length(text);
        character_write(file, text, length);
        text += length ? length : 1;
    }
}

static bool is_safe_in_url(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("-._~/", byte));
}

void html_url(FILE *file, const char *path)
{
    for (; *path; path++)
        if (is_safe_in_url((unsigned char)*path))
            fputc(*path, file);
        else
            fprintf(file, "%%%02X", (unsigned char)*path);
}
