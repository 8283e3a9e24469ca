#include "batch/text.h"

#include <math.h>

/* Digits behind the point, so that there are three in all. */
static int decimals(double number)
{
    double size = fabs(number);
    return size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
}

const char *text_unit(double seconds, double *ret_factor)
{
    static const struct {
        double from, factor;
        const char *name;
    } units[] = {{0.9995, 1, "s"}, {0.9995e-3, 1e3, "ms"}, {0.9995e-6, 1e6, "µs"}, {0, 1e9, "ns"}};
    int i = 0;
    while (fabs(seconds) < units[i].from)
        i++;
    *ret_factor = units[i].factor;
    return units[i].name;
}

void text_seconds(double seconds, char *text, size_t size)
{
    double factor;
    const char *unit = text_unit(seconds, &factor);
    snprintf(text, size, "%.*f %s", decimals(seconds * factor), seconds * factor, unit);
}

void text_bytes(double bytes, char *text, size_t size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t i = 0;
    for (; fabs(bytes) >= 999.5 && i + 1 < sizeof units / sizeof *units; i++)
        bytes /= 1000;
    snprintf(text, size, "%.*f %s", i == 0 ? 0 : decimals(bytes), bytes, units[i]);
}

size_t text_columns(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

void text_put(FILE *file, const char *text, int width)
{
    size_t columns = text_columns(text), wanted = (size_t)(width < 0 ? -width : width);
    int space = columns < wanted ? (int)(wanted - columns) : 0;
    if (width < 0)
        fprintf(file, "%s%*s", text, space, "");
    else
        fprintf(file, "%*s%s", space, "", text);
}
