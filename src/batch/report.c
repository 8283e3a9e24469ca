#include "batch/report.h"

#include "batch/json.h"
#include "batch/result.h"

static const char *kind_name(enum mp_kind kind)
{
    return kind == MP_SEQUENTIAL ? "sequential" : kind == MP_THREADS ? "threads" : "processes";
}

static const char *format_name(enum plan_format format)
{
    static const char *const names[] = {"keep", "jpeg", "png", "webp", "avif"};
    return names[format];
}

static void sizes_write(struct json *json, const struct image_spec *spec)
{
    json_open(json, "sizes", '[');
    for (int i = 0; i < spec->box_count; i++) {
        json_open(json, NULL, '[');
        json_integer(json, NULL, spec->boxes[i].width);
        json_integer(json, NULL, spec->boxes[i].height);
        json_close(json, ']');
    }
    json_close(json, ']');
}

/* What a thumbnail looks like. */
static void spec_write(struct json *json, const struct image_spec *spec)
{
    char background[8];
    snprintf(background, sizeof background, "#%02x%02x%02x", spec->background[0],
             spec->background[1], spec->background[2]);
    sizes_write(json, spec);
    json_text(json, "fit", image_fit_names[spec->fit]);
    json_text(json, "gravity", image_gravity_names[spec->gravity]);
    json_boolean(json, "upscale", spec->upscale);
    json_number(json, "blur", spec->blur_sigma_px, 3);
    json_boolean(json, "exact", spec->exact);
    json_text(json, "kernel", image_kernel_names[spec->kernel]);
    json_boolean(json, "rotate", spec->rotate);
    json_integer(json, "quality", spec->quality);
    json_text(json, "chroma", spec->full_chroma ? "444" : "420");
    json_boolean(json, "progressive", spec->progressive);
    json_text(json, "background", background);
    json_text(json, "keep", image_keep_names[spec->keep]);
    json_text(json, "on_damage", image_on_damage_names[spec->on_damage]);
    json_boolean(json, "allow_untrusted", spec->allow_untrusted);
}

static void options_write(struct json *json, const struct report *report)
{
    const struct plan_options *plan = &report->plan->options;
    json_open(json, "options", '{');
    json_path(json, "output", plan->output);
    json_text(json, "layout", plan->layout == PLAN_FREEDESKTOP ? "freedesktop" : "mirror");
    spec_write(json, plan->spec);
    json_text(json, "format", format_name(plan->format));
    json_integer(json, "retries", report->run->retries);
    json_number(json, "timeout", report->run->timeout_ms / 1000.0, 3);
    json_integer(json, "max_memory", report->run->max_memory);
    json_boolean(json, "force", report->run->force);
    json_boolean(json, "fsync", report->run->durable);
    json_boolean(json, "prune", report->run->prune);
    if (plan->shard.count > 0) {
        char shard[32];
        snprintf(shard, sizeof shard, "%u/%u", plan->shard.index, plan->shard.count);
        json_text(json, "shard", shard);
    }
    json_close(json, '}');
}

static void on_begin(void *self, size_t inputs, int workers)
{
    const struct report *report = self;
    struct json json;
    json_begin(&json, report->file);
    json_text(&json, "type", "start");
    json_integer(&json, "schema", 1);
    json_text(&json, "version", report->version);
    json_text(&json, "executor", kind_name(report->run->kind));
    json_integer(&json, "workers", workers);
    json_integer(&json, "inputs", (int64_t)inputs);
    options_write(&json, report);
    json_text(&json, "sandbox", report->run->sandbox ? report->run->sandbox->level : "off");
    json_end(&json);
}

static void on_result(void *self, const struct run_record *record, const struct run_counts *counts)
{
    const struct report *report = self;
    struct json json;
    (void)counts;
    json_begin(&json, report->file);
    result_write(&json, record);
    json_end(&json);
}

static void on_end(void *self, const struct run_summary *summary)
{
    const struct report *report = self;
    struct json json;
    json_begin(&json, report->file);
    json_text(&json, "type", "summary");
    json_integer(&json, "made", (int64_t)summary->counts.made);
    json_integer(&json, "current", (int64_t)summary->counts.current);
    json_integer(&json, "failed", (int64_t)summary->counts.failed);
    json_integer(&json, "skipped", (int64_t)summary->counts.skipped);
    json_integer(&json, "not_started", (int64_t)summary->counts.not_started);
    if (report->run->prune)
        json_integer(&json, "removed", (int64_t)summary->removed);
    json_number(&json, "seconds", summary->seconds, 3);
    json_number(&json, "cpu_seconds", summary->cpu_seconds, 3);
    json_integer(&json, "peak_rss_bytes", summary->peak_rss_bytes);
    json_integer(&json, "workers_lost", (int64_t)summary->workers_lost);
    json_boolean(&json, "interrupted", summary->interrupted);
    json_end(&json);
    fflush(report->file);
}

struct run_observer report_observer(struct report *report)
{
    return (struct run_observer){
        .self = report, .begin = on_begin, .result = on_result, .end = on_end};
}
