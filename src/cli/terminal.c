#include "cli/terminal.h"

#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { WIDTH_DEFAULT = 80 };

bool terminal_is_capable(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && value[0] != '\0';
}

/* NO_COLOR: https://no-color.org, FORCE_COLOR: https://force-color.org */
bool terminal_has_colour(void)
{
    return !is_set("NO_COLOR") && (is_set("FORCE_COLOR") || terminal_is_capable());
}

void terminal_force_colour(bool wanted)
{
    if (wanted)
        unsetenv("NO_COLOR");
    setenv(wanted ? "FORCE_COLOR" : "NO_COLOR", "1", 1);
}

bool terminal_is_ours(void)
{
    pid_t group = tcgetpgrp(STDERR_FILENO);
    return group < 0 || group == getpgrp();
}

size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    int width = columns ? atoi(columns) : 0;
    return width > 0 ? (size_t)width : WIDTH_DEFAULT;
}

/* Bytes and columns of the first character, 1 and 1 for what is none. */
static size_t character_read(const char *text, size_t *ret_columns)
{
    wchar_t character;
    mbstate_t state = {0};
    size_t size = mbrtowc(&character, text, strnlen(text, MB_LEN_MAX), &state);
    bool whole = size != (size_t)-1 && size != (size_t)-2 && size > 0;
    int columns = whole ? wcwidth(character) : 1;
    *ret_columns = columns >= 0 ? (size_t)columns : 1;
    return whole ? size : 1;
}

static size_t cut_in_locale(const char *text, size_t width)
{
    size_t at = 0, columns = 0;
    while (text[at]) {
        size_t taken, size = character_read(text + at, &taken);
        if (columns + taken > width)
            break;
        columns += taken;
        at += size;
    }
    return at;
}

/* The program itself keeps to the C locale, in which there are no characters beyond ASCII. */
size_t terminal_cut(const char *text, size_t width)
{
    static locale_t utf8;
    if (!utf8)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    locale_t before = utf8 ? uselocale(utf8) : NULL;
    size_t at = cut_in_locale(text, width);
    if (utf8)
        uselocale(before);
    return at;
}

void terminal_line(const char *text)
{
    fprintf(stderr, "\r%.*s\033[K", (int)terminal_cut(text, terminal_width() - 1), text);
    fflush(stderr);
}

void terminal_clear_line(void)
{
    fputs("\r\033[K", stderr);
}

void terminal_tame(const char *text, char *tame, size_t size)
{
    size_t i = 0;
    for (bool after_c2 = false; text[i] && i + 1 < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool control = byte < 0x20 || byte == 0x7f;
        if (after_c2 && byte >= 0x80 && byte <= 0x9f)
            tame[i - 1] = tame[i] = '?';
        else
            tame[i] = control ? '?' : (char)byte;
        after_c2 = byte == 0xc2;
    }
    tame[i] = '\0';
}
