/* Who hears what becomes of the pictures: the progress line, the report, a test. The run tells them
 * and knows none of them. */
#ifndef BATCH_OBSERVER_H
#define BATCH_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch/scan.h"
#include "image/thumbnail.h"

enum run_status {
    RUN_MADE,    /* something was written */
    RUN_CURRENT, /* its outputs were there already */
    RUN_FAILED,
    RUN_SKIPPED,
};

/* One output of a picture. */
struct run_output {
    char *path;        /* with the output folder */
    int width, height; /* pixels */
    size_t size_bytes; /* of the file */
};

/* What became of one input; borrowed for the call of an observer. */
struct run_record {
    const struct scan_input *input;
    enum run_status status;
    enum image_kind kind;  /* of the input, where it is known */
    int width, height;     /* upright, pixels; 0 where they are not known */
    int64_t source_bytes;  /* of the input, 0 where it could not be opened */
    int shrink;            /* by the decoder */
    struct image_times ms; /* by stage */
    double total_ms;       /* in the worker */
    int output_count;      /* of a picture that was made or is up to date */
    struct run_output outputs[IMAGE_SIZES_MAX];
    const char *code; /* of a failure: "damaged", "crashed", …; else NULL, but for what follows */
    const char *message; /* why it failed or was skipped; else NULL */
    bool warn;           /* it was made, but code and message are to be told */
    int worker;          /* number of the worker, -1 none */
    bool module;         /* the worker is one of those with libvips, which are counted apart */
    double begin_ms;     /* when work at it began and ended, on the clock CLOCK_MONOTONIC; of one
                            without an answer, when it was handed out and when it came back */
    double end_ms;
    int attempts; /* how often it was given to one */
};

struct run_counts {
    size_t made, current, failed, skipped, not_started;
};

struct run_summary {
    struct run_counts counts;
    double seconds;         /* wall clock */
    double cpu_seconds;     /* of this process and its workers */
    int64_t peak_rss_bytes; /* of the largest of these processes */
    uint64_t workers_lost;  /* that died unasked */
    bool interrupted;       /* by a signal */
    bool gave_up;           /* because too many pictures failed */
    int workers;            /* that there were */
    size_t removed;         /* outputs whose input is gone */
    char fatal[300];        /* why it could not go on; "" when it could */
};

/* Hears of everything; any function may be NULL. */
struct run_observer {
    void *self;
    void (*begin)(void *self, size_t inputs, int workers);
    void (*result)(void *self, const struct run_record *record, const struct run_counts *counts);
    void (*warn)(void *self, const char *sentence); /* of something that stops nothing */
    void (*tick)(void *self);                       /* some time has passed without a result */
    void (*end)(void *self, const struct run_summary *summary);
};

/* All who listen. */
struct run_observers {
    const struct run_observer *all;
    size_t count;
};

void observers_begin(const struct run_observers *observers, size_t inputs, int workers);
void observers_result(const struct run_observers *observers, const struct run_record *record,
                      const struct run_counts *counts);
void observers_warn(const struct run_observers *observers, const char *sentence);
void observers_tick(const struct run_observers *observers);
void observers_end(const struct run_observers *observers, const struct run_summary *summary);

#endif
