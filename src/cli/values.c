#include "cli/values.h"

#include "cli/suggest.h"
#include "cli/terminal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void value_refuse(const struct argp_state *state, const char *format, ...)
{
    char text[1000];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    terminal_tame(text, text, sizeof text);
    argp_error(state, "%s", text);
}

void value_no_memory(void)
{
    enum { STUCK = 3 }; /* exit codes belong to program.h, which stands above this */
    fputs("thumbpool: no memory for the command line\n", stderr);
    exit(STUCK);
}

long long value_long(const struct argp_state *state, const char *name, const char *text,
                     long long low, long long high)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < low || number > high)
        value_refuse(state, "--%s takes a whole number from %lld to %lld, not \"%s\"", name, low,
                     high, text);
    return number;
}

int value_int(const struct argp_state *state, const char *name, const char *text, long low,
              long high)
{
    return (int)value_long(state, name, text, low, high);
}

long long value_size(const struct argp_state *state, const char *name, const char *text)
{
    static const char units[] = "KMGT";
    const double most = 1e18; /* so that it fits whatever the unit */
    char *end;
    double number = strtod(text, &end);
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    bool good = end != text && isfinite(number) && (*end == '\0' || (unit && end[1] == '\0'));
    for (const char *u = units; unit && u <= unit; u++)
        number *= 1024;
    if (!good || number < 1 || number > most)
        value_refuse(state, "--%s takes a size such as 500K, 20M or 1G, not \"%s\"", name, text);
    return (long long)number;
}

double value_real(const struct argp_state *state, const char *name, const char *text, double low,
                  double high)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number) || number < low || number > high)
        value_refuse(state, "--%s takes a number from %g to %g, not \"%s\"", name, low, high, text);
    return number;
}

/* "one, two or three" */
static void list_words(const char *const *words, char *list, size_t size)
{
    size_t length = 0;
    for (int i = 0; words[i] && length < size; i++) {
        const char *before = i == 0 ? "" : words[i + 1] ? ", " : " or ";
        length += (size_t)snprintf(list + length, size - length, "%s%s", before, words[i]);
    }
}

int value_word(const struct argp_state *state, const char *name, const char *text,
               const char *const *words)
{
    char list[200];
    for (int i = 0; words[i]; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    list_words(words, list, sizeof list);
    const char *near = suggest_word(text, words);
    value_refuse(state, "--%s takes %s, not \"%s\"%s%s%s", name, list, text,
                 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return 0;
}
