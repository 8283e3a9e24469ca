#include "cli/values.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int value_int(const struct argp_state *state, const char *name, const char *text, long low,
              long high)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < low || number > high)
        argp_error(state, "--%s takes a whole number from %ld to %ld, not \"%s\"", name, low, high,
                   text);
    return (int)number;
}

double value_real(const struct argp_state *state, const char *name, const char *text, double low,
                  double high)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number) || number < low || number > high)
        argp_error(state, "--%s takes a number from %g to %g, not \"%s\"", name, low, high, text);
    return number;
}

int value_word(const struct argp_state *state, const char *name, const char *text,
               const char *const *words, const char *hint)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    argp_error(state, "--%s takes %s, not \"%s\"", name, hint, text);
    return 0;
}
