#include "bench/markdown.h"

#include "bench/words.h"

#include <string.h>

/* Text as it is, with what Markdown would take for its own made harmless: names of CPUs, and the
 * sentences of faults, may hold anything. */
static void escaped_put(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (strchr("\\`*_{}[]<>&#|~", *text))
            fputc('\\', file);
        fputc((unsigned char)*text < 0x20 ? ' ' : *text, file);
    }
}

static void row_write(FILE *file, const struct result *result, double factor)
{
    char cell[40], memory[40];
    words_cell(&result->cell, cell, sizeof cell);
    if (result->run_count == 0) {
        fprintf(file, "| %s | failed | | | | | | | | |\n", cell);
        return;
    }
    const struct cell_run *typical = &result->runs[result_typical_run(result)];
    text_bytes((double)typical->peak_rss_bytes, memory, sizeof memory);
    fprintf(file, "| %s | %.1f ± %.1f | %.1f | %.1f … %.1f |", cell, result->wall.mean * factor,
            result->wall.stddev * factor, result->wall.median * factor, result->wall.min * factor,
            result->wall.max * factor);
    if (result->speedup > 0)
        fprintf(file, " %.2f | %.0f %% |", result->speedup, result->efficiency * 100);
    else
        fprintf(file, " | |");
    fprintf(file, " %.2f | %.1f + %.1f | %s | %ld + %ld |\n", result->startup.median * factor,
            result->user.mean * factor, result->system.mean * factor, memory,
            typical->switches_waiting, typical->switches_forced);
}

static void work_write(const struct bench *bench, FILE *file, int first)
{
    const double factor = 1e3;
    char title[TEXT_MAX];
    const struct work *work = bench->results[first].cell.work;
    words_work(bench, &bench->results[first], title, sizeof title);
    fprintf(file, "## %s: %s\n\n", work->name, title);
    fprintf(file, "| | mean ± σ (ms) | median | min … max | speed-up | efficiency | start "
                  "| user + system | peak memory of a process | switches, waiting + forced |\n"
                  "|:---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (int i = first; i < bench->count && bench->results[i].cell.work == work; i++)
        row_write(file, &bench->results[i], factor);
    fputc('\n', file);
}

static void claims_write(const struct claims *claims, FILE *file)
{
    struct claim_line lines[CLAIM_LINES];
    words_claims(claims, lines);
    fprintf(file, "## Threads against processes\n\n| | thread | process |\n|:---|---:|---:|\n");
    for (int i = 0; i < CLAIM_LINES; i++)
        fprintf(file, "| %s | %s | %s |\n", lines[i].what, lines[i].threads, lines[i].processes);
    fputc('\n', file);
}

static void words_write(const struct words *words, FILE *file)
{
    for (int i = 0; i < words->count; i++) {
        fputs("- ", file);
        escaped_put(file, words->all[i]);
        fputc('\n', file);
    }
    if (words->count > 0)
        fputc('\n', file);
}

void markdown_write(const struct bench *bench, FILE *file)
{
    struct words words;
    fputs("# Sequential, threads, processes\n\n", file);
    words_conclude(bench, &words);
    words_write(&words, file);
    for (int i = 0; i < bench->count; i++)
        if (i == 0 || bench->results[i].cell.work != bench->results[i - 1].cell.work)
            work_write(bench, file, i);
    if (bench->claims.measured)
        claims_write(&bench->claims, file);
    words_doubt(bench, &words);
    words_write(&words, file);
    words_machine(bench, &words);
    words_write(&words, file);
}
