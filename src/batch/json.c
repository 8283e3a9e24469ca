#include "batch/json.h"

#include "batch/utf8.h"

#include <string.h>

static void separate(struct json *json)
{
    if (!json->first)
        fputc(',', json->file);
    json->first = false;
}

static void key_write(struct json *json, const char *key)
{
    separate(json);
    if (!key)
        return;
    fputc('"', json->file);
    fputs(key, json->file);
    fputs("\":", json->file);
}

void json_begin(struct json *json, FILE *file)
{
    *json = (struct json){.file = file, .first = true};
    fputc('{', file);
}

void json_end(struct json *json)
{
    fputs("}\n", json->file);
}

void json_open(struct json *json, const char *key, char bracket)
{
    key_write(json, key);
    fputc(bracket, json->file);
    json->first = true;
}

void json_close(struct json *json, char bracket)
{
    fputc(bracket, json->file);
    json->first = false;
}

/* ---- Numbers -------------------------------------------------------------------------------- */

/* At least so many digits, noughts first. A line has some twenty numbers, and printf would take
 * longer for them than a run does for all the rest of a picture. */
static void digits_write(FILE *file, uint64_t number, int least)
{
    char text[20];
    size_t at = sizeof text;
    for (; number > 0 || least > 0; number /= 10, least--)
        text[--at] = (char)('0' + number % 10);
    fwrite(text + at, 1, sizeof text - at, file);
}

void json_integer(struct json *json, const char *key, int64_t number)
{
    key_write(json, key);
    if (number < 0)
        fputc('-', json->file);
    digits_write(json->file, number < 0 ? -(uint64_t)number : (uint64_t)number, 1);
}

void json_number(struct json *json, const char *key, double number, int decimals)
{
    key_write(json, key);
    if (decimals != 3 || !(number >= 0 && number < 1e12)) {
        fprintf(json->file, "%.*f", decimals, number);
        return;
    }
    uint64_t thousandths = (uint64_t)(number * 1000 + 0.5); /* a tie goes up */
    digits_write(json->file, thousandths / 1000, 1);
    fputc('.', json->file);
    digits_write(json->file, thousandths % 1000, 3);
}

void json_null(struct json *json, const char *key)
{
    key_write(json, key);
    fputs("null", json->file);
}

void json_boolean(struct json *json, const char *key, bool value)
{
    key_write(json, key);
    fputs(value ? "true" : "false", json->file);
}

/* ---- Text ----------------------------------------------------------------------------------- */

/* One that is not plain. */
static void character_write(FILE *file, const unsigned char *text, size_t length)
{
    if (length > 1)
        fwrite(text, 1, length, file);
    else if (*text == '"' || *text == '\\')
        fprintf(file, "\\%c", *text);
    else
        fprintf(file, "\\u%04x", *text);
}

/* Bytes at the beginning that are written as they are. */
static size_t plain_length(const unsigned char *text)
{
    size_t length = 0;
    while (text[length] >= 0x20 && text[length] < 0x7f && text[length] != '"' &&
           text[length] != '\\')
        length++;
    return length;
}

static void string_write(FILE *file, const char *string)
{
    const unsigned char *text = (const unsigned char *)string;
    fputc('"', file);
    for (;;) {
        size_t plain = plain_length(text);
        fwrite(text, 1, plain, file);
        text += plain;
        if (!*text)
            break;
        size_t length = utf8_length(text);
        if (length == 0)
            fputs("\\ufffd", file);
        else
            character_write(file, text, length);
        text += length ? length : 1;
    }
    fputc('"', file);
}

void json_text(struct json *json, const char *key, const char *text)
{
    key_write(json, key);
    string_write(json->file, text);
}

static bool is_utf8(const char *string)
{
    const unsigned char *text = (const unsigned char *)string;
    size_t length;
    while (*text && (length = utf8_length(text)) > 0)
        text += length;
    return *text == '\0';
}

static void base64_write(FILE *file, const char *string)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = (const unsigned char *)string;
    for (size_t left = strlen(string); left > 0;) {
        size_t size = left < 3 ? left : 3;
        uint32_t group = (uint32_t)bytes[0] << 16 | (size > 1 ? (uint32_t)bytes[1] << 8 : 0) |
                         (size > 2 ? bytes[2] : 0);
        for (size_t i = 0; i < 4; i++)
            fputc(i <= size ? digits[group >> (18 - 6 * i) & 63] : '=', file);
        bytes += size;
        left -= size;
    }
}

void json_path(struct json *json, const char *key, const char *path)
{
    key_write(json, key);
    if (is_utf8(path)) {
        string_write(json->file, path);
        return;
    }
    fputs("{\"bytes\":\"", json->file);
    base64_write(json->file, path);
    fputs("\"}", json->file);
}
