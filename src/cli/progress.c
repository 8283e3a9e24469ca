#include "cli/progress.h"

#include "cli/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    REDRAW_MS = 100,         /* at most ten times a second */
    COMPLAINT_BYTES = 16384, /* of a sentence; a few paths fit */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *const progress_when_names[] = {"auto", "always", "never", NULL};

/* ---- Sentences ------------------------------------------------------------------------------ */

#define RED    "\033[31m"
#define YELLOW "\033[33m"

static void complain(const char *colour, const char *format, va_list list)
{
    char text[COMPLAINT_BYTES];
    bool coloured = terminal_has_colour();
    vsnprintf(text, sizeof text, format, list);
    terminal_tame(text, text, sizeof text);
    fprintf(stderr, "%sthumbpool:%s %s\n", coloured ? colour : "", coloured ? "\033[0m" : "", text);
}

void progress_complain(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    complain(RED, format, list);
    va_end(list);
}

/* The same of what is worth a word, but keeps nothing from being made. */
__attribute__((format(printf, 1, 2))) static void warn(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    complain(YELLOW, format, list);
    va_end(list);
}

/* ---- The status line ------------------------------------------------------------------------ */

static size_t done_of(const struct run_counts *counts)
{
    return counts->made + counts->current + counts->failed + counts->skipped;
}

static void line_clear(struct progress *progress)
{
    if (progress->line_shown)
        terminal_clear_line();
    progress->line_shown = false;
}

/* "0:26", "2:03:00" */
static void time_print(double seconds, char *text, size_t size)
{
    long all = seconds < 360000 ? (long)(seconds + 0.5) : 360000;
    if (all < 3600)
        snprintf(text, size, "%ld:%02ld", all / 60, all % 60);
    else
        snprintf(text, size, "%ld:%02ld:%02ld", all / 3600, all / 60 % 60, all % 60);
}

/* What matters most comes first: a narrow terminal cuts the end off. */
static void line_print(const struct progress *progress, char *line, size_t size)
{
    const struct run_counts *counts = &progress->counts;
    size_t done = done_of(counts);
    char failed[40] = "", left[40] = "", time[30];
    double seconds;
    if (rate_left(&progress->rate, progress->inputs - done, &seconds)) {
        time_print(seconds, time, sizeof time);
        snprintf(left, sizeof left, "  %s left", time);
    }
    if (counts->failed > 0)
        snprintf(failed, sizeof failed, "  %zu failed", counts->failed);
    snprintf(line, size, "[%zu/%zu] %.0f/s%s%s  %.0f MB  %s", done, progress->inputs,
             progress->rate.per_s, left, failed, (double)progress->read_bytes / 1e6,
             progress->current);
}

static void line_draw(struct progress *progress, int64_t time_ms)
{
    char line[600];
    if (!terminal_is_ours())
        return;
    line_print(progress, line, sizeof line);
    terminal_line(line);
    progress->line_shown = true;
    progress->drawn_ms = time_ms;
}

static void line_refresh(struct progress *progress)
{
    int64_t time_ms = now_ms();
    rate_tell(&progress->rate, time_ms, done_of(&progress->counts));
    if (progress->line_wanted && time_ms - progress->drawn_ms >= REDRAW_MS)
        line_draw(progress, time_ms);
}

void progress_found(struct progress *progress, size_t count)
{
    char line[80];
    int64_t time_ms = now_ms();
    if (!progress->line_wanted || time_ms - progress->drawn_ms < REDRAW_MS || !terminal_is_ours())
        return;
    snprintf(line, sizeof line, "looking for pictures: %zu so far", count);
    terminal_line(line);
    progress->line_shown = true;
    progress->drawn_ms = time_ms;
}

void progress_found_all(struct progress *progress)
{
    line_clear(progress);
}

/* ---- The observer --------------------------------------------------------------------------- */

static void on_begin(void *self, size_t inputs, int workers)
{
    struct progress *progress = self;
    (void)workers;
    progress->inputs = inputs;
    progress->drawn_ms = 0; /* the first picture is shown at once */
    rate_begin(&progress->rate, now_ms());
}

static void result_print(struct progress *progress, const struct run_record *record,
                         const char *path)
{
    const char *message = record->message ? record->message : "";
    line_clear(progress);
    if (record->status == RUN_FAILED)
        progress_complain("%s: %s", path, message);
    else if (record->status == RUN_SKIPPED)
        warn("%s: skipped: %s", path, message);
    else if (record->warn)
        warn("%s: made, though it is damaged: %s", path, message);
    if (progress->verbose && record->status == RUN_CURRENT)
        fprintf(stderr, "%s is up to date\n", path);
    else if (progress->verbose)
        for (int i = 0; i < record->output_count; i++)
            fprintf(stderr, "%s -> %dx%d, %zu bytes, %.1f ms\n", path, record->outputs[i].width,
                    record->outputs[i].height, record->outputs[i].size_bytes, record->total_ms);
}

static void on_result(void *self, const struct run_record *record, const struct run_counts *counts)
{
    struct progress *progress = self;
    char path[4200];
    terminal_tame(record->input->path, path, sizeof path);
    progress->counts = *counts;
    if (record->status != RUN_CURRENT)
        progress->read_bytes += record->source_bytes;
    const char *slash = strrchr(path, '/');
    terminal_tame(slash ? slash + 1 : path, progress->current, sizeof progress->current);
    if (record->status == RUN_FAILED || record->warn || progress->verbose)
        result_print(progress, record, path);
    line_refresh(progress);
}

static void on_warn(void *self, const char *sentence)
{
    line_clear(self);
    warn("%s", sentence);
}

static void on_tick(void *self)
{
    line_refresh(self);
}

static void on_end(void *self, const struct run_summary *summary)
{
    struct progress *progress = self;
    const struct run_counts *counts = &summary->counts;
    size_t done = done_of(counts);
    line_clear(progress);
    if (summary->fatal[0] != '\0')
        progress_complain("%s", summary->fatal);
    if (counts->not_started > 0)
        progress_complain("%s, %zu picture%s not started",
                          summary->interrupted ? "interrupted" : "stopped", counts->not_started,
                          counts->not_started == 1 ? "" : "s");
    if (progress->quiet || summary->workers == 0)
        return;
    if (summary->removed > 0)
        fprintf(stderr, "%zu removed, whose input is gone\n", summary->removed);
    /* Programs read this line: it stays as it is to the letter, "1 workers" included. */
    fprintf(stderr,
            "%zu made, %zu up to date, %zu failed, %zu skipped in %.2f s "
            "(%.1f pictures/s, %d workers)\n",
            counts->made, counts->current, counts->failed, counts->skipped, summary->seconds,
            summary->seconds > 0 ? (double)done / summary->seconds : 0, summary->workers);
}

void progress_preview(const struct run_counts *counts)
{
    fprintf(stderr, "would make %zu, %zu up to date, %zu known to fail", counts->made,
            counts->current, counts->failed);
    if (counts->skipped > 0)
        fprintf(stderr, ", %zu skipped", counts->skipped);
    fputc('\n', stderr);
}

void progress_init(struct progress *progress, enum progress_when when, bool quiet, bool verbose)
{
    *progress = (struct progress){.quiet = quiet, .verbose = verbose};
    progress->line_wanted =
        !quiet && (when == PROGRESS_ALWAYS || (when == PROGRESS_AUTO && terminal_is_capable()));
}

void progress_note(const char *text)
{
    if (terminal_is_capable() && terminal_is_ours())
        terminal_line(text);
}

struct run_observer progress_observer(struct progress *progress)
{
    return (struct run_observer){.self = progress,
                                 .begin = on_begin,
                                 .result = on_result,
                                 .warn = on_warn,
                                 .tick = on_tick,
                                 .end = on_end};
}
