#include "batch/result.h"

const char *result_status_name(enum run_status status)
{
    static const char *const names[] = {"made", "current", "failed", "skipped"};
    return names[status];
}

static void outputs_write(struct json *json, const struct run_record *record)
{
    json_open(json, "outputs", '[');
    for (int i = 0; i < record->output_count; i++) {
        const struct run_output *output = &record->outputs[i];
        json_open(json, NULL, '{');
        json_path(json, "path", output->path);
        json_integer(json, "width", output->width);
        json_integer(json, "height", output->height);
        json_integer(json, "bytes", (int64_t)output->size_bytes);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void times_write(struct json *json, const struct run_record *record)
{
    json_open(json, "ms", '{');
    json_number(json, "read", record->ms.read, 3);
    json_number(json, "decode", record->ms.decode, 3);
    json_number(json, "blur", record->ms.blur, 3);
    json_number(json, "resize", record->ms.resize, 3);
    json_number(json, "encode", record->ms.encode, 3);
    json_number(json, "total", record->total_ms, 3);
    json_close(json, '}');
}

static void trouble_write(struct json *json, const struct run_record *record)
{
    if (record->status == RUN_SKIPPED) {
        json_text(json, "reason", record->message);
    } else if (record->code) {
        json_open(json, "error", '{');
        json_text(json, "code", record->code);
        json_text(json, "message", record->message);
        json_close(json, '}');
    }
}

void result_write(struct json *json, const struct run_record *record)
{
    json_text(json, "type", "result");
    json_path(json, "src", record->input->path);
    json_text(json, "status", result_status_name(record->status));
    if (record->kind != IMAGE_KIND_UNKNOWN)
        json_text(json, "format", image_kind_name(record->kind));
    if (record->width > 0) {
        json_integer(json, "width", record->width);
        json_integer(json, "height", record->height);
        if (record->shrink > 0) /* another program's thumbnail does not tell */
            json_integer(json, "shrink", record->shrink);
    }
    if (record->output_count > 0)
        outputs_write(json, record);
    trouble_write(json, record);
    if (record->attempts > 0) {
        times_write(json, record);
        json_integer(json, "worker", record->worker);
        json_integer(json, "attempts", record->attempts);
    }
}
