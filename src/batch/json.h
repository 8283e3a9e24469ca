/* JSON text, one object a line. File names may be any bytes: one that is not UTF-8 is written as
 * {"bytes":"base64"}, which no JSON library at hand does. */
#ifndef BATCH_JSON_H
#define BATCH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Writes one object; members are separated as they come. */
struct json {
    FILE *file; /* borrowed */
    bool first; /* the next member or element has no comma before it */
};

void json_begin(struct json *json, FILE *file); /* { */
void json_end(struct json *json);               /* } and a line feed */

/* Nested objects and lists; key is NULL for an element of a list. */
void json_open(struct json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);                 /* '}' or ']' */

/* Members. Text is escaped; bytes that are not UTF-8 are replaced in json_text() and kept in
 * json_path(). */
void json_text(struct json *json, const char *key, const char *text);
void json_path(struct json *json, const char *key, const char *path);
void json_integer(struct json *json, const char *key, int64_t number);
void json_number(struct json *json, const char *key, double number, int decimals);
void json_null(struct json *json, const char *key);
void json_boolean(struct json *json, const char *key, bool value);

#endif
