#include "batch/timeline.h"

#include "batch/chart.h"

#include <math.h>

enum {
    WIDTH = 380, /* pixels: as much as a telephone shows without shrinking it */
    LEFT = 26,   /* numbers of workers stand to the left */
    RIGHT = 372,
    ROW = 17, /* of a worker, where there is room */
    ROWS_PX = 240,
    AXIS = 22,
};

void timeline_begin(struct timeline *timeline, int workers, double begin_ms)
{
    *timeline = (struct timeline){.workers = workers, .begin_ms = begin_ms, .bin_ms = 1};
}

/* Rows that an engine's workers take. */
static int rows_of(const struct timeline *timeline)
{
    return timeline->workers < TIMELINE_ROWS ? timeline->workers : TIMELINE_ROWS;
}

/* The first worker of a row, counted from 0 within its engine. */
static int first_of(const struct timeline *timeline, int row)
{
    int rows = rows_of(timeline);
    return (row * timeline->workers + rows - 1) / rows;
}

/* The spans that a run of that length needs. */
static void bins_fit(struct timeline *timeline, double length_ms)
{
    while (length_ms >= timeline->bin_ms * TIMELINE_BINS) {
        for (int row = 0; row < 2 * TIMELINE_ROWS; row++) {
            double *busy = timeline->busy_ms[row];
            for (int i = 0; i < TIMELINE_BINS / 2; i++)
                busy[i] = busy[2 * i] + busy[2 * i + 1];
            for (int i = TIMELINE_BINS / 2; i < TIMELINE_BINS; i++)
                busy[i] = 0;
        }
        timeline->bin_ms *= 2;
    }
}

void timeline_add(struct timeline *timeline, int worker, bool module, double begin_ms,
                  double end_ms)
{
    double begin = fmax(begin_ms - timeline->begin_ms, 0), end = end_ms - timeline->begin_ms;
    if (worker < 0 || worker >= timeline->workers || !(begin < end) || !isfinite(end))
        return;
    bins_fit(timeline, end);
    int row = (int)((long)worker * rows_of(timeline) / timeline->workers);
    double *busy = timeline->busy_ms[row + (module ? TIMELINE_ROWS : 0)];
    for (int i = (int)(begin / timeline->bin_ms); i < TIMELINE_BINS; i++) {
        double from = fmax(begin, i * timeline->bin_ms);
        double to = fmin(end, (i + 1) * timeline->bin_ms);
        if (to <= from)
            return;
        busy[i] += to - from;
    }
}

static bool row_is_used(const struct timeline *timeline, int row)
{
    for (int i = 0; i < TIMELINE_BINS; i++)
        if (timeline->busy_ms[row][i] > 0)
            return true;
    return false;
}

static int rows_used(const struct timeline *timeline)
{
    int used = 0;
    for (int row = 0; row < 2 * TIMELINE_ROWS; row++)
        used += row_is_used(timeline, row);
    return used;
}

bool timeline_is_empty(const struct timeline *timeline)
{
    return timeline->workers == 0 || rows_used(timeline) == 0;
}

/* Shares of its workers' time that a row worked. Returns how many spans there are. */
static int shares_find(const struct timeline *timeline, int row, double length_ms, double *shares)
{
    int at = row % TIMELINE_ROWS, i = 0;
    int workers = first_of(timeline, at + 1) - first_of(timeline, at);
    for (double left = length_ms; left > 0 && i < TIMELINE_BINS; left -= timeline->bin_ms, i++) {
        double share = timeline->busy_ms[row][i] / (fmin(left, timeline->bin_ms) * workers);
        shares[i] = fmin(share, 1);
    }
    return i;
}

static void row_draw(const struct timeline *timeline, int row, double length_ms,
                     struct chart *chart, double top, double height)
{
    double shares[TIMELINE_BINS], bottom = top + height - fmin(2, height / 4);
    char label[20];
    snprintf(label, sizeof label, "%s%d", row < TIMELINE_ROWS ? "" : "v",
             first_of(timeline, row % TIMELINE_ROWS) + 1);
    chart_text_if_free(chart, LEFT - 6, (top + bottom) / 2 + 4, CHART_RIGHT, "muted", label);
    chart_rect(chart, LEFT, top, RIGHT - LEFT, bottom - top, "idle");
    int count = shares_find(timeline, row, length_ms, shares);
    chart_steps(chart, LEFT, RIGHT, (RIGHT - LEFT) * timeline->bin_ms / length_ms, bottom,
                bottom - top, shares, count, "work");
}

void timeline_draw(const struct timeline *timeline, double end_ms, FILE *file)
{
    struct timeline fitted = *timeline;
    struct chart chart;
    double length_ms = fmax(end_ms - timeline->begin_ms, 1);
    bins_fit(&fitted, length_ms);
    int used = rows_used(&fitted);
    double row_px = fmin(ROW, (double)ROWS_PX / (used ? used : 1)), top = 0;
    chart_begin(&chart, file, WIDTH, used * row_px + AXIS, "Who worked when");
    for (int row = 0; row < 2 * TIMELINE_ROWS; row++) {
        if (!row_is_used(&fitted, row))
            continue;
        row_draw(&fitted, row, length_ms, &chart, top, row_px);
        top += row_px;
    }
    chart_time_axis(&chart, length_ms / 1e3, LEFT, RIGHT, top);
    chart_end(&chart);
}
