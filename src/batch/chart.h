/* Drawing in SVG: boxes, lines and text, all measured in pixels from the top left corner.
 *
 * A chart remembers where its text stands, by an estimate that is rather too wide than too narrow,
 * so that text which would cover other text can be left out, and a test can see that none does. */
#ifndef BATCH_CHART_H
#define BATCH_CHART_H

#include <stdbool.h>
#include <stdio.h>

enum {
    CHART_TEXTS_MAX = 400,
    CHART_FONT_PX = 12, /* of all text in charts */
};

/* The place of one text. */
struct chart_box {
    double left, top, right, bottom;
};

struct chart {
    FILE *file; /* borrowed */
    double width, height;
    int text_count;
    struct chart_box texts[CHART_TEXTS_MAX];
};

enum chart_anchor { CHART_LEFT, CHART_MIDDLE, CHART_RIGHT };

/* `label` says what it shows to those who cannot see it. */
void chart_begin(struct chart *chart, FILE *file, double width, double height, const char *label);
void chart_end(struct chart *chart);

/* Text whose base line is at y. `class` is the page's, or "". Past CHART_TEXTS_MAX there is no more
 * text. */
void chart_text(struct chart *chart, double x, double y, enum chart_anchor anchor,
                const char *class, const char *text);

/* The same, unless it would cover other text. Returns true when it was written. */
bool chart_text_if_free(struct chart *chart, double x, double y, enum chart_anchor anchor,
                        const char *class, const char *text);

void chart_rect(struct chart *chart, double x, double y, double width, double height,
                const char *class);
void chart_line(struct chart *chart, double x1, double y1, double x2, double y2, const char *class);
void chart_dot(struct chart *chart, double x, double y, double radius, const char *class);

/* A silhouette of so many columns, each `step` wide from `left` on, but none beyond `right`, and
 * each as high as its share, 0 to 1, of `height`. */
void chart_steps(struct chart *chart, double left, double right, double step, double bottom,
                 double height, const double *shares, int count, const char *class);

/* An axis of time from 0 to `seconds`, which is more than 0, below the line at y; it is 22 pixels
 * high. */
void chart_time_axis(struct chart *chart, double seconds, double left, double right, double y);

/* True when two texts share a spot. */
bool chart_boxes_overlap(const struct chart_box *a, const struct chart_box *b);

#endif
