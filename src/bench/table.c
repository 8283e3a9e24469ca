#include "bench/table.h"

#include "bench/text.h"

#include <string.h>

enum { COLUMNS = 80 };

static const char *bold(bool colour)
{
    return colour ? "\033[1m" : "";
}

static const char *plain(bool colour)
{
    return colour ? "\033[0m" : "";
}

/* One time of the table's unit. */
static void time_put(FILE *file, double seconds, double factor, int width)
{
    char text[40];
    snprintf(text, sizeof text, "%.*f", factor > 1 ? 1 : 3, seconds * factor);
    text_put(file, text, width);
}

static void row_print(FILE *file, const struct result *result, double factor)
{
    char workers[20] = "";
    const struct statistics *wall = &result->wall;
    if (result->cell.kind != MP_SEQUENTIAL)
        snprintf(workers, sizeof workers, "%d", result->cell.workers);
    text_put(file, cell_kind_name(result->cell.kind), -11);
    text_put(file, workers, 4);
    if (result->run_count == 0) {
        fprintf(file, "  failed: %.60s\n", result->why);
        return;
    }
    time_put(file, wall->mean, factor, 10);
    fputs(" ± ", file);
    time_put(file, wall->stddev, factor, -6);
    time_put(file, wall->min, factor, 8);
    fputs(" … ", file);
    time_put(file, wall->max, factor, -8);
    if (result->speedup > 0)
        fprintf(file, "%7.2fx %7.0f %%", result->speedup, result->efficiency * 100);
    else
        fprintf(file, "%8s %9s", "–", "–");
    time_put(file, result->startup.median, factor, 8);
    fputc('\n', file);
}

static void heading_print(const struct bench *bench, FILE *file, const struct result *first,
                          const char *unit, bool colour)
{
    fprintf(file, "\n%s%s%s: ", bold(colour), first->cell.work->name, plain(colour));
    (void)bench;
    fprintf(file, "%d jobs, %s\n", first->jobs, first->cell.work->does);
    char title[40];
    snprintf(title, sizeof title, "mean ± σ, %s", unit);
    text_put(file, "", 15);
    text_put(file, title, 17);
    fprintf(file, "%15s    %9s %10s %8s\n", "min … max", "speed-up", "efficiency", "start");
}

static void work_print(const struct bench *bench, FILE *file, int first, bool colour)
{
    double factor;
    const struct work *work = bench->results[first].cell.work;
    const char *unit = text_unit(bench->results[first].wall.median, &factor);
    heading_print(bench, file, &bench->results[first], unit, colour);
    for (int i = first; i < bench->count && bench->results[i].cell.work == work; i++)
        row_print(file, &bench->results[i], factor);
}

void table_print(const struct bench *bench, FILE *file, bool colour)
{
    for (int i = 0; i < bench->count; i++)
        if (i == 0 || bench->results[i].cell.work != bench->results[i - 1].cell.work)
            work_print(bench, file, i, colour);
}
