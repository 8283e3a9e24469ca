#include "batch/trace.h"

#include "batch/json.h"
#include "batch/result.h"

#include <stdlib.h>
#include <unistd.h>

/* Begins an event of a kind ("X" takes time, "i" is an instant, "M" names something). */
static void event_begin(struct trace *trace, struct json *json, const char *kind, const char *name,
                        int thread)
{
    if (trace->begun)
        fputc(',', trace->file);
    trace->begun = true;
    json_begin(json, trace->file);
    json_text(json, "ph", kind);
    json_text(json, "name", name);
    json_integer(json, "pid", getpid());
    json_integer(json, "tid", thread);
}

/* When it was, for how long, and what sort of event it is. */
static void span_write(struct json *json, const char *category, double begin_ms, double ms)
{
    json_text(json, "cat", category);
    json_number(json, "ts", begin_ms * 1e3, 3);
    json_number(json, "dur", ms * 1e3, 3);
}

/* Gives a process or a thread its name. */
static void name_give(struct trace *trace, const char *what, int thread, const char *name)
{
    struct json json;
    event_begin(trace, &json, "M", what, thread);
    json_open(&json, "args", '{');
    json_text(&json, "name", name);
    json_close(&json, '}');
    json_end(&json);
}

static void on_begin(void *self, size_t inputs, int workers)
{
    struct trace *trace = self;
    (void)inputs;
    trace->workers = workers;
    trace->end_ms = calloc(2 * (size_t)workers, sizeof *trace->end_ms);
    fputs("[\n", trace->file);
    name_give(trace, "process_name", 0, "thumbpool");
}

/* ---- Pictures ------------------------------------------------------------------------------- */

static void stages_write(struct trace *trace, const struct run_record *record, int thread)
{
    const struct image_times *ms = &record->ms;
    const struct {
        const char *name;
        double ms;
    } stages[] = {{"read", ms->read},
                  {"decode", ms->decode},
                  {"blur", ms->blur},
                  {"resize", ms->resize},
                  {"encode", ms->encode}};
    double at_ms = record->begin_ms;
    struct json json;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        double left_ms = record->end_ms - at_ms;
        double taken_ms = stages[i].ms < left_ms ? stages[i].ms : left_ms;
        if (taken_ms <= 0)
            continue;
        event_begin(trace, &json, "X", stages[i].name, thread);
        span_write(&json, "stage", at_ms, taken_ms);
        json_end(&json);
        at_ms += taken_ms;
    }
}

static void details_write(struct json *json, const struct run_record *record)
{
    json_open(json, "args", '{');
    json_text(json, "status", result_status_name(record->status));
    json_integer(json, "attempts", record->attempts);
    if (record->width > 0) {
        json_integer(json, "width", record->width);
        json_integer(json, "height", record->height);
        json_integer(json, "shrink", record->shrink);
    }
    if (record->code)
        json_text(json, "error", record->code);
    if (record->message)
        json_text(json, "message", record->message);
    json_close(json, '}');
}

/* The worker's place among all; it gets its name with its first picture. */
static int worker_place(struct trace *trace, const struct run_record *record)
{
    int place = record->worker + (record->module ? trace->workers : 0);
    char name[40];
    if (trace->end_ms[place] > 0)
        return place;
    snprintf(name, sizeof name, record->module ? "libvips worker %d" : "worker %d", record->worker);
    name_give(trace, "thread_name", place + 1, name);
    return place;
}

/* A worker does one thing at a time: a picture that it lost may have waited there for another. */
static void picture_write(struct trace *trace, struct run_record *record)
{
    struct json json;
    int place = worker_place(trace, record);
    if (record->begin_ms < trace->end_ms[place])
        record->begin_ms = trace->end_ms[place];
    if (record->end_ms < record->begin_ms)
        record->end_ms = record->begin_ms;
    trace->end_ms[place] = record->end_ms;
    event_begin(trace, &json, "X", record->input->path, place + 1);
    span_write(&json, "picture", record->begin_ms, record->end_ms - record->begin_ms);
    details_write(&json, record);
    json_end(&json);
    stages_write(trace, record, place + 1);
}

/* One that never came to a worker. */
static void instant_write(struct trace *trace, const struct run_record *record)
{
    struct json json;
    event_begin(trace, &json, "i", record->input->path, 0);
    json_text(&json, "cat", "picture");
    json_number(&json, "ts", record->end_ms * 1e3, 3);
    json_text(&json, "s", "p");
    details_write(&json, record);
    json_end(&json);
}

static void on_result(void *self, const struct run_record *record, const struct run_counts *counts)
{
    struct trace *trace = self;
    struct run_record copy = *record;
    (void)counts;
    if (record->worker >= 0 && record->worker < trace->workers && trace->end_ms)
        picture_write(trace, &copy);
    else if (record->status == RUN_FAILED)
        instant_write(trace, record);
}

static void on_end(void *self, const struct run_summary *summary)
{
    struct trace *trace = self;
    (void)summary;
    if (!trace->begun)
        fputs("[\n", trace->file); /* it could not even begin */
    fputs("]\n", trace->file);
    fflush(trace->file);
    free(trace->end_ms);
    trace->end_ms = NULL;
}

struct run_observer trace_observer(struct trace *trace)
{
    return (struct run_observer){
        .self = trace, .begin = on_begin, .result = on_result, .end = on_end};
}
