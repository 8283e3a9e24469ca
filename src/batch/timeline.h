/* Who worked when, in as much memory as it takes for a short run: a row a worker, its work summed
 * up over so many spans of time, which double when the run outgrows them. Where there are many
 * workers, several share a row. */
#ifndef BATCH_TIMELINE_H
#define BATCH_TIMELINE_H

#include <stdbool.h>
#include <stdio.h>

enum {
    TIMELINE_BINS = 200, /* spans of time, at most */
    TIMELINE_ROWS = 32,  /* of each engine, at most */
};

struct timeline {
    int workers;     /* of each engine; 0: the run has not begun */
    double begin_ms; /* of the run, on the clock CLOCK_MONOTONIC */
    double bin_ms;   /* a span of time */
    double busy_ms[2 * TIMELINE_ROWS]
                  [TIMELINE_BINS]; /* of work; rows of libvips workers come last */
};

void timeline_begin(struct timeline *timeline, int workers, double begin_ms);

/* Notes that a worker worked. `module`: it is one of those with libvips, which are counted apart.
 */
void timeline_add(struct timeline *timeline, int worker, bool module, double begin_ms,
                  double end_ms);

/* True when nobody has worked: there is nothing to draw. */
bool timeline_is_empty(const struct timeline *timeline);

/* Draws it as it stands at end_ms, as SVG: a row where somebody worked; as high as the share of
 * their time that the row's workers worked. The page gives colours to the classes idle and work. */
void timeline_draw(const struct timeline *timeline, double end_ms, FILE *file);

#endif
