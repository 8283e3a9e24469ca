#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
    REDRAW_MS = 100,         /* at most ten times a second */
    COMPLAINT_BYTES = 16384, /* of a sentence; a few paths fit */
    WIDTH_DEFAULT = 80,
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Copies text that may be anything into something that can do a terminal no harm: control bytes
 * become question marks, and so do the control characters that UTF-8 writes as C2 80 to C2 9F.
 * `tame` may be `text`. */
static void text_tame(const char *text, char *tame, size_t size)
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

void progress_complain(const char *format, ...)
{
    char text[COMPLAINT_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    text_tame(text, text, sizeof text);
    fprintf(stderr, "thumbpool: %s\n", text);
}

/* ---- The status line ------------------------------------------------------------------------ */

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    int width = columns ? atoi(columns) : 0;
    return width > 0 ? (size_t)width : WIDTH_DEFAULT;
}

/* Where text is to be cut so that it takes no more than `width` columns, counting a character of
 * UTF-8 as one. */
static size_t cut_at(const char *text, size_t width)
{
    size_t i = 0, columns = 0;
    for (; text[i]; i++) {
        bool begins_character = ((unsigned char)text[i] & 0xc0) != 0x80;
        if (begins_character && columns++ == width)
            break;
    }
    return i;
}

static void line_clear(struct progress *progress)
{
    if (progress->line_shown)
        fputs("\r\033[K", stderr);
    progress->line_shown = false;
}

static void line_draw(struct progress *progress)
{
    const struct run_counts *counts = &progress->counts;
    size_t done = counts->made + counts->current + counts->failed + counts->skipped;
    double seconds = (double)(now_ms() - progress->begin_ms) / 1000;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    char line[600], failed[40] = "", left[40] = "";
    if (counts->failed > 0)
        snprintf(failed, sizeof failed, "  %zu failed", counts->failed);
    if (rate > 0 && seconds > 1) {
        long eta = (long)((double)(progress->inputs - done) / rate + 0.5);
        snprintf(left, sizeof left, "  %ld:%02ld left", eta / 60, eta % 60);
    }
    snprintf(line, sizeof line, "[%zu/%zu] %.0f/s%s%s  %s", done, progress->inputs, rate, left,
             failed, progress->current);
    fprintf(stderr, "\r%.*s\033[K", (int)cut_at(line, terminal_width() - 1), line);
    fflush(stderr);
    progress->line_shown = true;
    progress->drawn_ms = now_ms();
}

static void line_refresh(struct progress *progress)
{
    if (progress->line_wanted && now_ms() - progress->drawn_ms >= REDRAW_MS)
        line_draw(progress);
}

/* ---- The observer --------------------------------------------------------------------------- */

static void on_begin(void *self, size_t inputs, int workers)
{
    struct progress *progress = self;
    (void)workers;
    progress->inputs = inputs;
    progress->begin_ms = now_ms();
}

static void result_print(struct progress *progress, const struct run_record *record,
                         const char *path)
{
    const char *message = record->message ? record->message : "";
    line_clear(progress);
    if (record->status == RUN_FAILED)
        progress_complain("%s: %s", path, message);
    else if (record->status == RUN_SKIPPED)
        progress_complain("%s: skipped: %s", path, message);
    else if (record->warn)
        progress_complain("%s: made, though it is damaged: %s", path, message);
    if (progress->verbose)
        for (int i = 0; i < record->output_count; i++)
            fprintf(stderr, "%s -> %dx%d, %zu bytes, %.1f ms\n", path, record->outputs[i].width,
                    record->outputs[i].height, record->outputs[i].size_bytes, record->total_ms);
}

static void on_result(void *self, const struct run_record *record, const struct run_counts *counts)
{
    struct progress *progress = self;
    char path[4200];
    text_tame(record->input->path, path, sizeof path);
    progress->counts = *counts;
    const char *slash = strrchr(path, '/');
    text_tame(slash ? slash + 1 : path, progress->current, sizeof progress->current);
    if (record->status == RUN_FAILED || record->warn || progress->verbose)
        result_print(progress, record, path);
    line_refresh(progress);
}

static void on_warn(void *self, const char *sentence)
{
    line_clear(self);
    progress_complain("%s", sentence);
}

static void on_tick(void *self)
{
    line_refresh(self);
}

static void on_end(void *self, const struct run_summary *summary)
{
    struct progress *progress = self;
    const struct run_counts *counts = &summary->counts;
    size_t done = counts->made + counts->current + counts->failed + counts->skipped;
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
    fprintf(stderr, "would make %zu, %zu up to date, %zu known to fail\n", counts->made,
            counts->current, counts->failed);
}

/* True when standard error is a terminal whose last line can be written anew. */
static bool is_capable(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0);
}

void progress_init(struct progress *progress, enum progress_when when, bool quiet, bool verbose)
{
    *progress = (struct progress){.quiet = quiet, .verbose = verbose};
    progress->line_wanted =
        !quiet && (when == PROGRESS_ALWAYS || (when == PROGRESS_AUTO && is_capable()));
}

void progress_note(const char *text)
{
    if (!is_capable())
        return;
    fprintf(stderr, "\r%.*s\033[K", (int)cut_at(text, terminal_width() - 1), text);
    fflush(stderr);
}

/* NO_COLOR: https://no-color.org */
bool progress_has_colour(void)
{
    const char *refused = getenv("NO_COLOR");
    return is_capable() && !(refused && refused[0] != '\0');
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
