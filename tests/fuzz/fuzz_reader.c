/* Any bytes as JSON, read as whatever stands there; and any text written as JSON and read back. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch/json.h"
#include "batch/reader.h"
#include "batch/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MAX = 30 };

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

/* What was read lies in the text, or is constant, and ends. */
static void text_check(const struct reader *reader, const char *text)
{
    require(text != NULL && (text[0] == '\0' || text + strlen(text) < reader->end));
}

/* One value, of the kind that its first byte promises. `way` makes some of them be skipped or taken
 * for something else. */
static void value_read(struct reader *reader, unsigned way, int depth)
{
    const char *key;
    char first = reader->at < reader->end ? *reader->at : '\0';

    if (depth == DEPTH_MAX || way % 7 == 6) {
        reader_skip(reader);
    } else if (first == '{' && way % 5 != 4) {
        reader_enter(reader, '{');
        while ((key = reader_member(reader))) {
            text_check(reader, key);
            value_read(reader, way / 3 + (unsigned char)key[0], depth + 1);
        }
    } else if (first == '[') {
        reader_enter(reader, '[');
        while (reader_element(reader))
            value_read(reader, way / 2 + 1, depth + 1);
    } else if (first == '"') {
        text_check(reader, way % 3 ? reader_text(reader) : reader_path(reader));
    } else if (first == '{') {
        text_check(reader, reader_path(reader));
    } else {
        (void)reader_integer(reader);
    }
}

static void any_read(const uint8_t *data, size_t size, unsigned way)
{
    struct reader reader;
    char *text = malloc(size + !size); /* of its own, so that the sanitizer sees its end */

    require(text);
    memcpy(text, data, size);
    reader_init(&reader, text, size);
    value_read(&reader, way, 0);
    require(!reader.bad || (!reader_done(&reader) && reader_integer(&reader) == 0));
    require(!reader.bad || (reader_text(&reader)[0] == '\0' && !reader_member(&reader)));
    free(text);
}

static bool is_utf8(const char *text)
{
    for (size_t length; *text; text += length)
        if ((length = utf8_length((const unsigned char *)text)) == 0)
            return false;
    return true;
}

static void round_trip(const char *text, int64_t number)
{
    struct json json;
    struct reader reader;
    char *line = NULL;
    size_t size;
    FILE *file = open_memstream(&line, &size);

    require(file);
    json_begin(&json, file);
    json_path(&json, "path", text);
    json_text(&json, "text", text);
    json_integer(&json, "number", number);
    json_end(&json);
    fclose(file);
    reader_init(&reader, line, size - 1);
    reader_enter(&reader, '{');
    require(strcmp(reader_member(&reader), "path") == 0);
    require(strcmp(reader_path(&reader), text) == 0);
    require(strcmp(reader_member(&reader), "text") == 0);
    require(strcmp(reader_text(&reader), text) == 0 || !is_utf8(text));
    require(strcmp(reader_member(&reader), "number") == 0);
    require(reader_integer(&reader) == number);
    require(!reader_member(&reader) && reader_done(&reader));
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[1000];
    int64_t number = 0;
    size_t length = size < sizeof text ? size : sizeof text - 1;

    if (size == 0)
        return 0;
    any_read(data + 1, size - 1, data[0]);
    memcpy(text, data, length);
    text[length] = '\0';
    memcpy(&number, data, size < sizeof number ? size : sizeof number);
    number /= 16; /* what is written is never as large as the largest that can be read */
    round_trip(text, number);
    return 0;
}
