#include "batch/entry.h"

#include "batch/json.h"
#include "batch/reader.h"
#include "batch/result.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- Writing -------------------------------------------------------------------------------- */

static void number_write(struct json *json, const char *key, uint64_t number)
{
    char text[17];
    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
    text[16] = '\0';
    json_text(json, key, text);
}

static void input_write(struct json *json, const struct entry *entry)
{
    char changed[48];
    snprintf(changed, sizeof changed, "%" PRId64 ".%09ld", (int64_t)entry->changed.tv_sec,
             entry->changed.tv_nsec);
    json_open(json, "input", '{');
    json_integer(json, "bytes", entry->size_bytes);
    json_text(json, "mtime", changed);
    if (entry->fingerprint.reach > 0) {
        json_integer(json, "read", entry->fingerprint.reach);
        number_write(json, "xxh3", entry->fingerprint.hash);
    }
    json_close(json, '}');
}

void entry_write(FILE *file, const struct entry *entry)
{
    struct scan_input input = {.path = entry->src};
    struct run_record record = {.input = &input,
                                .status = entry->failed ? RUN_FAILED : RUN_MADE,
                                .kind = entry->kind,
                                .width = entry->width,
                                .height = entry->height,
                                .shrink = entry->shrink,
                                .output_count = entry->output_count,
                                .code = entry->code,
                                .message = entry->message};
    struct json json;
    memcpy(record.outputs, entry->outputs, sizeof record.outputs);
    json_begin(&json, file);
    result_write(&json, &record);
    if (entry->output_count == 0)
        json_path(&json, "name", entry->name);
    input_write(&json, entry);
    number_write(&json, "key", entry->key);
    json_end(&json);
}

/* ---- Reading -------------------------------------------------------------------------------- */

static int integer_within(struct reader *reader, int64_t least, int64_t most)
{
    int64_t number = reader_integer(reader);
    if (number < least || number > most)
        reader->bad = true;
    return reader->bad ? 0 : (int)number;
}

static int64_t size_read(struct reader *reader)
{
    int64_t number = reader_integer(reader);
    if (number < 0)
        reader->bad = true;
    return reader->bad ? 0 : number;
}

static uint64_t number_read(struct reader *reader)
{
    const char *text = reader_text(reader);
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) {
        reader->bad = true;
        return 0;
    }
    return strtoull(text, NULL, 16);
}

/* Seconds, which may lie before 1970, a dot and nine digits. */
static struct timespec changed_read(struct reader *reader)
{
    const char *text = reader_text(reader), *digits = text + (*text == '-');
    size_t whole = strspn(digits, "0123456789");
    const char *rest = digits + whole;
    if (whole < 1 || whole > 18 || rest[0] != '.' || strlen(rest + 1) != 9 ||
        strspn(rest + 1, "0123456789") != 9) {
        reader->bad = true;
        return (struct timespec){0};
    }
    return (struct timespec){(time_t)strtoll(text, NULL, 10), strtol(rest + 1, NULL, 10)};
}

static void input_read(struct reader *reader, struct entry *entry)
{
    const char *key;
    reader_enter(reader, '{');
    while ((key = reader_member(reader))) {
        if (strcmp(key, "bytes") == 0)
            entry->size_bytes = size_read(reader);
        else if (strcmp(key, "mtime") == 0)
            entry->changed = changed_read(reader);
        else if (strcmp(key, "read") == 0)
            entry->fingerprint.reach = size_read(reader);
        else if (strcmp(key, "xxh3") == 0)
            entry->fingerprint.hash = number_read(reader);
        else
            reader_skip(reader);
    }
}

static void output_read(struct reader *reader, struct run_output *output)
{
    const char *key;
    reader_enter(reader, '{');
    while ((key = reader_member(reader))) {
        if (strcmp(key, "path") == 0)
            output->path = (char *)reader_path(reader);
        else if (strcmp(key, "width") == 0)
            output->width = integer_within(reader, 1, INT_MAX);
        else if (strcmp(key, "height") == 0)
            output->height = integer_within(reader, 1, INT_MAX);
        else if (strcmp(key, "bytes") == 0)
            output->size_bytes = (size_t)size_read(reader);
        else
            reader_skip(reader);
    }
    if (!output->path || output->width == 0 || output->height == 0)
        reader->bad = true;
}

static void outputs_read(struct reader *reader, struct entry *entry)
{
    reader_enter(reader, '[');
    entry->output_count = 0;
    while (reader_element(reader)) {
        if (entry->output_count == IMAGE_SIZES_MAX) {
            reader->bad = true;
            return;
        }
        struct run_output *output = &entry->outputs[entry->output_count++];
        *output = (struct run_output){0};
        output_read(reader, output);
    }
}

static void error_read(struct reader *reader, struct entry *entry)
{
    const char *key;
    reader_enter(reader, '{');
    while ((key = reader_member(reader))) {
        if (strcmp(key, "code") == 0)
            entry->code = reader_text(reader);
        else if (strcmp(key, "message") == 0)
            entry->message = reader_text(reader);
        else
            reader_skip(reader);
    }
}

static enum image_kind kind_read(struct reader *reader)
{
    const char *text = reader_text(reader);
    for (int i = IMAGE_KIND_UNKNOWN + 1; i < IMAGE_KIND_COUNT; i++)
        if (strcmp(text, image_kind_name((enum image_kind)i)) == 0)
            return (enum image_kind)i;
    return IMAGE_KIND_UNKNOWN; /* of a later version, say: not ours to judge */
}

static void status_read(struct reader *reader, struct entry *entry)
{
    const char *text = reader_text(reader);
    entry->failed = strcmp(text, "failed") == 0;
    if (!entry->failed && strcmp(text, "made") != 0)
        reader->bad = true;
}

/* What is known of a member, in words. */
struct member {
    bool type, status, input, key; /* that have been seen */
};

static void member_read(struct reader *reader, const char *name, struct entry *entry,
                        struct member *seen)
{
    if (strcmp(name, "type") == 0)
        seen->type = strcmp(reader_text(reader), "result") == 0;
    else if (strcmp(name, "src") == 0)
        entry->src = reader_path(reader);
    else if (strcmp(name, "status") == 0)
        seen->status = true, status_read(reader, entry);
    else if (strcmp(name, "format") == 0)
        entry->kind = kind_read(reader);
    else if (strcmp(name, "width") == 0)
        entry->width = integer_within(reader, 1, INT_MAX);
    else if (strcmp(name, "height") == 0)
        entry->height = integer_within(reader, 1, INT_MAX);
    else if (strcmp(name, "shrink") == 0)
        entry->shrink = integer_within(reader, 1, 64);
    else if (strcmp(name, "outputs") == 0)
        outputs_read(reader, entry);
    else if (strcmp(name, "error") == 0)
        error_read(reader, entry);
    else if (strcmp(name, "name") == 0)
        entry->name = reader_path(reader);
    else if (strcmp(name, "input") == 0)
        seen->input = true, input_read(reader, entry);
    else if (strcmp(name, "key") == 0)
        seen->key = true, entry->key = number_read(reader);
    else
        reader_skip(reader);
}

static bool is_path(const char *path)
{
    return path && path[0] != '\0' && strlen(path) < PATH_MAX;
}

/* True when nothing is missing and the parts go together. */
static bool entry_is_complete(const struct entry *entry, const struct member *seen)
{
    for (int i = 0; i < entry->output_count; i++)
        if (!is_path(entry->outputs[i].path))
            return false;
    if (!seen->type || !seen->status || !seen->input || !seen->key)
        return false;
    if (!is_path(entry->src) || entry->src[0] != '/' || !is_path(entry->name))
        return false;
    if ((entry->code == NULL) != (entry->message == NULL) ||
        (entry->width > 0) != (entry->height > 0) || entry->fingerprint.reach > entry->size_bytes)
        return false;
    return entry->failed ? entry->output_count == 0 && entry->code
                         : entry->output_count > 0 && entry->width > 0 && entry->height > 0;
}

bool entry_read(char *line, size_t size, struct entry *ret)
{
    struct entry entry = {.shrink = 1};
    struct member seen = {0};
    struct reader reader;
    const char *name;
    reader_init(&reader, line, size);
    reader_enter(&reader, '{');
    while ((name = reader_member(&reader)))
        member_read(&reader, name, &entry, &seen);
    if (!entry.name && entry.output_count > 0)
        entry.name = entry.outputs[0].path;
    if (!reader_done(&reader) || !entry_is_complete(&entry, &seen))
        return false;
    *ret = entry;
    return true;
}
