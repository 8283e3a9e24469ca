#include "bench/figures.h"

#include "batch/text.h"
#include "bench/words.h"

#include <math.h>

/* ---- Time ----------------------------------------------------------------------------------- */

enum {
    BAR_LEFT = 106,  /* pixels: labels stand to the left, */
    BAR_RIGHT = 308, /* figures to the right */
    BAR_ROW = 24,
    BAR_HEIGHT = 14,
};

static void bar_draw(struct chart *chart, const struct result *result, double top, double px_per_s)
{
    char label[40], figure[40];
    double middle = top + BAR_ROW / 2.0, base = middle + 4;
    words_cell(&result->cell, label, sizeof label);
    chart_text(chart, 0, base, CHART_LEFT, "", label);
    if (result->run_count == 0) {
        chart_text(chart, FIGURE_WIDTH, base, CHART_RIGHT, "muted", "failed");
        return;
    }
    double least = BAR_LEFT + result->wall.min * px_per_s;
    double most = BAR_LEFT + result->wall.max * px_per_s;
    chart_rect(chart, BAR_LEFT, middle - BAR_HEIGHT / 2.0, result->wall.median * px_per_s,
               BAR_HEIGHT, figure_class(result->cell.kind));
    chart_line(chart, least, middle, most, middle, "whisker");
    chart_line(chart, least, middle - 4, least, middle + 4, "whisker");
    chart_line(chart, most, middle - 4, most, middle + 4, "whisker");
    text_seconds(result->wall.median, figure, sizeof figure);
    chart_text(chart, FIGURE_WIDTH, base, CHART_RIGHT, "figure", figure);
}

void figure_times(const struct bench *bench, const struct work *work, FILE *file, struct chart *ret)
{
    double longest = 1e-9, row = 0;
    int rows = 0;
    for (int i = 0; i < bench->count; i++)
        if (bench->results[i].cell.work == work) {
            rows++;
            longest = fmax(longest, bench->results[i].wall.max);
        }
    chart_begin(ret, file, FIGURE_WIDTH, rows * BAR_ROW, "Time of each back-end");
    for (int i = 0; i < bench->count; i++)
        if (bench->results[i].cell.work == work)
            bar_draw(ret, &bench->results[i], row++ * BAR_ROW, (BAR_RIGHT - BAR_LEFT) / longest);
    chart_line(ret, BAR_LEFT, 0, BAR_LEFT, rows * BAR_ROW, "axis");
    chart_end(ret);
}

/* ---- Speed-up ------------------------------------------------------------------------------- */

enum {
    PLOT_LEFT = 40,
    PLOT_RIGHT = 262,
    PLOT_TOP = 14,
    PLOT_BOTTOM = 172,
    PLOT_HEIGHT = 200,
    LABEL_STEP = 16, /* between two labels at the right */
    LABELS_MAX = 3,
};

/* Both axes double at equal distances, so that the ideal is a straight line. */
struct plot {
    struct chart *chart;
    double workers_max; /* at the right end; the left is 1 */
    double low, high;   /* speed-up at the bottom and at the top */
    int label_count;    /* at the right */
    double label_y[LABELS_MAX];
    char label_text[LABELS_MAX][40];
};

static double plot_x(const struct plot *plot, double workers)
{
    return PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * log2(workers) / log2(plot->workers_max);
}

static double plot_y(const struct plot *plot, double speedup)
{
    double share = log2(speedup / plot->low) / log2(plot->high / plot->low);
    return PLOT_BOTTOM - (PLOT_BOTTOM - PLOT_TOP) * share;
}

/* What so many workers can reach at best. */
static double ideal(const struct bench *bench, const struct work *work, double workers)
{
    return work->computes ? fmin(workers, bench->machine.cpus_usable) : workers;
}

static void plot_label(struct plot *plot, double speedup, const char *what)
{
    int i = plot->label_count++;
    plot->label_y[i] = plot_y(plot, speedup) + 4;
    snprintf(plot->label_text[i], sizeof plot->label_text[i], "%s %.*f×", what,
             speedup < 9.995  ? 2
             : speedup < 99.5 ? 1
                              : 0,
             speedup);
}

/* Writes the labels from the top down, each no nearer to the last than it may be, and all above the
 * bottom: who would be pushed below it pushes the others up first. */
static void plot_labels_draw(struct plot *plot)
{
    double y = PLOT_TOP - LABEL_STEP;
    for (int drawn = 0; drawn < plot->label_count; drawn++) {
        int next = -1;
        for (int i = 0; i < plot->label_count; i++)
            if (plot->label_text[i][0] && (next < 0 || plot->label_y[i] < plot->label_y[next]))
                next = i;
        double lowest = PLOT_BOTTOM + 2 - LABEL_STEP * (plot->label_count - 1 - drawn);
        y = fmax(y + LABEL_STEP, fmin(plot->label_y[next], lowest));
        chart_text(plot->chart, PLOT_RIGHT + 10, y, CHART_LEFT, "figure", plot->label_text[next]);
        plot->label_text[next][0] = '\0';
    }
}

static void plot_axes_draw(const struct bench *bench, struct plot *plot)
{
    char text[20];
    for (double level = exp2(ceil(log2(plot->low) - 1e-9)); level <= plot->high * 1.001;
         level *= 2) {
        chart_line(plot->chart, PLOT_LEFT, plot_y(plot, level), PLOT_RIGHT, plot_y(plot, level),
                   "grid");
        snprintf(text, sizeof text, level < 1 ? "1/%g×" : "%g×", level < 1 ? 1 / level : level);
        chart_text_if_free(plot->chart, PLOT_LEFT - 6, plot_y(plot, level) + 4, CHART_RIGHT,
                           "muted", text);
    }
    for (int i = bench->options.workers_count - 1; i >= 0; i--) {
        snprintf(text, sizeof text, "%d", bench->options.workers[i]);
        chart_text_if_free(plot->chart, plot_x(plot, bench->options.workers[i]), PLOT_BOTTOM + 22,
                           CHART_MIDDLE, "muted", text);
    }
    chart_text_if_free(plot->chart, PLOT_RIGHT + 16, PLOT_BOTTOM + 22, CHART_LEFT, "muted",
                       "workers");
}

static void plot_kind_draw(const struct bench *bench, const struct work *work, enum mp_kind kind,
                           struct plot *plot)
{
    const struct result *last = NULL;
    for (int i = 0; i < bench->options.workers_count; i++) {
        const struct result *result = bench_find(bench, work, kind, bench->options.workers[i]);
        if (!result)
            continue;
        double x = plot_x(plot, result->cell.workers), y = plot_y(plot, result->speedup);
        char class[40];
        snprintf(class, sizeof class, "curve %s", figure_class(kind));
        if (last)
            chart_line(plot->chart, plot_x(plot, last->cell.workers), plot_y(plot, last->speedup),
                       x, y, class);
        chart_dot(plot->chart, x, y, 3.5, figure_class(kind));
        last = result;
    }
    if (last)
        plot_label(plot, last->speedup, cell_kind_name(kind));
}

static void plot_ideal_draw(const struct bench *bench, const struct work *work, struct plot *plot)
{
    double best = ideal(bench, work, plot->workers_max);
    chart_line(plot->chart, plot_x(plot, 1), plot_y(plot, 1), plot_x(plot, best),
               plot_y(plot, best), "ideal");
    chart_line(plot->chart, plot_x(plot, best), plot_y(plot, best), PLOT_RIGHT, plot_y(plot, best),
               "ideal");
    plot_label(plot, best, "ideal");
}

bool figure_speedup(const struct bench *bench, const struct work *work, FILE *file,
                    struct chart *ret)
{
    int most = bench->options.workers[bench->options.workers_count - 1];
    struct plot plot = {.chart = ret, .workers_max = most, .low = 1};
    if (most < 2 || !bench_find(bench, work, MP_SEQUENTIAL, 1))
        return false;
    plot.high = fmax(ideal(bench, work, most), 1.1);
    for (int i = 0; i < bench->count; i++) {
        const struct result *result = &bench->results[i];
        if (result->cell.work != work || result->run_count == 0)
            continue;
        plot.low = fmin(plot.low, result->speedup);
        plot.high = fmax(plot.high, result->speedup);
    }
    chart_begin(ret, file, FIGURE_WIDTH, PLOT_HEIGHT, "Speed-up over the number of workers");
    plot_axes_draw(bench, &plot);
    plot_ideal_draw(bench, work, &plot);
    plot_kind_draw(bench, work, MP_THREADS, &plot);
    plot_kind_draw(bench, work, MP_PROCESSES, &plot);
    plot_labels_draw(&plot);
    chart_end(ret);
    return true;
}

/* ---- Timeline ------------------------------------------------------------------------------- */

enum {
    LINE_LEFT = 22,
    LINE_RIGHT = 372,
    LINE_TITLE = 20,    /* height of a back-end's name */
    LINE_ROW = 15,      /* of a worker, where there is room */
    LINE_ROWS_PX = 240, /* of a back-end's workers, at most */
    LINE_GAP = 8,
    LINE_SCALE = 22, /* height of the axis */
};

static double row_height(int workers)
{
    return fmin(LINE_ROW, (double)LINE_ROWS_PX / workers);
}

/* Of a row, what its boxes take: all but a gap, which must not take all of a row that is low. */
static double box_height(double row)
{
    return row - fmin(1, row / 4);
}

/* The cell of a back-end that is shown; NULL when there is none. */
static const struct result *line_of(const struct bench *bench, const struct work *work,
                                    enum mp_kind kind)
{
    if (kind == MP_SEQUENTIAL)
        return bench_find(bench, work, kind, 1);
    for (int i = bench->options.workers_count - 1; i >= 0; i--) {
        const struct result *result = bench_find(bench, work, kind, bench->options.workers[i]);
        if (result)
            return result;
    }
    return NULL;
}

static void line_draw(struct chart *chart, const struct result *result, double top, double px_per_s)
{
    char text[60], class[40];
    int run = result_typical_run(result);
    double row = row_height(result->cell.workers);
    const struct stamp *stamps = result->stamps + (size_t)run * (size_t)result->jobs;
    words_cell(&result->cell, text, sizeof text);
    chart_text(chart, LINE_LEFT, top + 13, CHART_LEFT, "", text);
    top += LINE_TITLE;
    for (int i = 0; i < result->cell.workers; i++) {
        chart_rect(chart, LINE_LEFT, top + i * row, result->runs[run].wall_s * px_per_s,
                   box_height(row), "idle");
        snprintf(text, sizeof text, "%d", i + 1);
        if (i < 99) /* there is room for two digits, and no need of more */
            chart_text_if_free(chart, LINE_LEFT - 6, top + (i + 0.5) * row + 4, CHART_RIGHT,
                               "muted", text);
    }
    snprintf(class, sizeof class, "job %s", figure_class(result->cell.kind));
    for (int i = 0; i < result->jobs; i++) {
        double begin = LINE_LEFT + stamps[i].begin_s * px_per_s;
        double end = LINE_LEFT + stamps[i].end_s * px_per_s;
        if (stamps[i].worker >= 0 && stamps[i].worker < result->cell.workers)
            chart_rect(chart, begin, top + stamps[i].worker * row, fmax(end - begin - 0.6, 0.4),
                       box_height(row), class);
    }
}

void figure_timeline(const struct bench *bench, const struct work *work, FILE *file,
                     struct chart *ret)
{
    double seconds = 1e-9, height = LINE_SCALE, top = 0;
    for (int i = 0; i < bench->options.kind_count; i++) {
        const struct result *result = line_of(bench, work, bench->options.kinds[i]);
        if (!result)
            continue;
        seconds = fmax(seconds, result->runs[result_typical_run(result)].wall_s);
        height += LINE_TITLE + result->cell.workers * row_height(result->cell.workers) + LINE_GAP;
    }
    double px_per_s = (LINE_RIGHT - LINE_LEFT) / seconds;
    chart_begin(ret, file, FIGURE_WIDTH, height, "Who did which job when");
    for (int i = 0; i < bench->options.kind_count; i++) {
        const struct result *result = line_of(bench, work, bench->options.kinds[i]);
        if (!result)
            continue;
        line_draw(ret, result, top, px_per_s);
        top += LINE_TITLE + result->cell.workers * row_height(result->cell.workers) + LINE_GAP;
    }
    chart_time_axis(ret, seconds, LINE_LEFT, LINE_RIGHT, top);
    chart_end(ret);
}
