#include "bench/table.h"

#include "batch/text.h"
#include "bench/words.h"

#include <math.h>
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
    text_put(file, cell_kind_name(result->cell.kind), -10);
    text_put(file, workers, 4);
    if (result->run_count == 0) {
        fprintf(file, "  failed: %.60s\n", result->why);
        return;
    }
    time_put(file, wall->mean, factor, 8);
    fputs(" ± ", file);
    time_put(file, wall->stddev, factor, -6);
    time_put(file, wall->min, factor, 8);
    fputs(" … ", file);
    time_put(file, wall->max, factor, -7);
    if (result->speedup > 0)
        fprintf(file, "%7.2fx %8.0f %%", result->speedup, result->efficiency * 100);
    else
        fprintf(file, "%8s %10s", "", "");
    time_put(file, result->startup.median, factor, 9);
    fputc('\n', file);
}

static void heading_print(const struct bench *bench, FILE *file, const struct result *first,
                          const char *unit, bool colour)
{
    char title[80];
    words_work(bench, first, title, sizeof title);
    fprintf(file, "%s%s%s: %s\n", bold(colour), first->cell.work->name, plain(colour), title);
    snprintf(title, sizeof title, "mean ± σ, %s", unit);
    text_put(file, "", 10);
    text_put(file, title, 20);
    text_put(file, "min … max", 16);
    text_put(file, "speed-up", 12);
    text_put(file, "efficiency", 11);
    text_put(file, "start", 9);
    fputc('\n', file);
}

static void work_print(const struct bench *bench, FILE *file, int first, bool colour)
{
    double factor, longest = 0; /* a cell that failed has no time to go by */
    const struct work *work = bench->results[first].cell.work;
    for (int i = first; i < bench->count && bench->results[i].cell.work == work; i++)
        longest = fmax(longest, bench->results[i].wall.median);
    const char *unit = text_unit(longest, &factor);
    heading_print(bench, file, &bench->results[first], unit, colour);
    for (int i = first; i < bench->count && bench->results[i].cell.work == work; i++)
        row_print(file, &bench->results[i], factor);
    fputc('\n', file);
}

/* ---- Claims --------------------------------------------------------------------------------- */

/* The long answers are said in words below. */
static void claims_print(const struct claims *claims, FILE *file, bool colour)
{
    enum { WHAT = -34, FIGURE = 18 };
    struct claim_line lines[CLAIM_LINES];
    words_claims(claims, lines);
    fprintf(file, "%sa worker, or a job%s", bold(colour), plain(colour));
    fprintf(file, "%*s%*s%*s\n", -WHAT - 18, "", FIGURE, "thread", FIGURE + 2, "process");
    for (int i = 0; i < CLAIM_LINES - 1; i++) {
        text_put(file, lines[i].what, WHAT);
        text_put(file, lines[i].threads, FIGURE);
        text_put(file, lines[i].processes, FIGURE + 2);
        fputc('\n', file);
    }
    fputc('\n', file);
}

/* ---- Words ---------------------------------------------------------------------------------- */

/* A sentence in lines of COLUMNS, each after the first set in. */
static void sentence_print(FILE *file, const char *sentence)
{
    size_t column = 0;
    while (*sentence) {
        size_t length = strcspn(sentence, " ");
        char word[TEXT_MAX];
        snprintf(word, sizeof word, "%.*s", (int)length, sentence);
        size_t columns = text_columns(word);
        if (column > 0 && column + 1 + columns > COLUMNS) {
            fputs("\n  ", file);
            column = 2;
        } else if (column > 0) {
            fputc(' ', file);
            column++;
        }
        fputs(word, file);
        column += columns;
        sentence += length + (sentence[length] == ' ');
    }
    fputc('\n', file);
}

static void words_print(const struct words *words, FILE *file)
{
    for (int i = 0; i < words->count; i++)
        sentence_print(file, words->all[i]);
}

void table_print(const struct bench *bench, FILE *file, bool colour)
{
    struct words words;
    for (int i = 0; i < bench->count; i++)
        if (i == 0 || bench->results[i].cell.work != bench->results[i - 1].cell.work)
            work_print(bench, file, i, colour);
    if (bench->claims.measured)
        claims_print(&bench->claims, file, colour);
    words_conclude(bench, &words);
    words_print(&words, file);
    words_doubt(bench, &words);
    if (words.count > 0)
        fputc('\n', file);
    words_print(&words, file);
}
