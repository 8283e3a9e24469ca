#include "batch/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 }; /* of brackets in a value that is skipped */

static void spoil(struct reader *reader)
{
    reader->bad = true;
    reader->at = reader->end;
}

static void pass_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
        reader->at++;
}

/* The next byte that is not blank, 0 at the end. */
static char peek(struct reader *reader)
{
    pass_blanks(reader);
    return reader->at < reader->end ? *reader->at : '\0';
}

/* Takes one byte, if it is the next. */
static bool take(struct reader *reader, char wanted)
{
    if (peek(reader) != wanted)
        return false;
    reader->at++;
    return true;
}

void reader_init(struct reader *reader, char *text, size_t size)
{
    *reader = (struct reader){.at = text, .end = text + size, .first = true};
}

bool reader_done(const struct reader *reader)
{
    return !reader->bad && reader->at == reader->end;
}

void reader_enter(struct reader *reader, char bracket)
{
    if (!take(reader, bracket))
        spoil(reader);
    reader->first = true;
}

/* Goes to what follows in a bracket. Returns false when that is its end. */
static bool go_on(struct reader *reader, char closing)
{
    if (take(reader, closing)) {
        reader->first = false; /* the bracket around has had this one */
        return false;
    }
    if (!reader->first && !take(reader, ','))
        spoil(reader);
    reader->first = false;
    return !reader->bad;
}

const char *reader_member(struct reader *reader)
{
    if (!go_on(reader, '}'))
        return NULL;
    const char *key = reader_text(reader);
    if (!take(reader, ':'))
        spoil(reader);
    return reader->bad ? NULL : key;
}

bool reader_element(struct reader *reader)
{
    return go_on(reader, ']');
}

/* ---- Strings -------------------------------------------------------------------------------- */

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* Four digits. Returns their number, or -1. */
static int hex_read(struct reader *reader)
{
    int number = 0;
    for (int i = 0; i < 4; i++) {
        int digit = reader->at < reader->end ? hex_digit(*reader->at++) : -1;
        if (digit < 0)
            return -1;
        number = number * 16 + digit;
    }
    return number;
}

/* Writes a character of up to 16 bits as UTF-8, which takes less room than its escape did. */
static char *character_put(char *to, int number)
{
    if (number >= 0x800) {
        *to++ = (char)(0xe0 | number >> 12);
        *to++ = (char)(0x80 | (number >> 6 & 63));
    } else if (number >= 0x80) {
        *to++ = (char)(0xc0 | number >> 6);
    }
    *to++ = (char)(number < 0x80 ? number : 0x80 | (number & 63));
    return to;
}

/* Undoes one escape, whose backslash is behind. Characters beyond 16 bits are never escaped by
 * json.c, so pairs of surrogates are refused. */
static char *escape_undo(struct reader *reader, char *to)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char letter = reader->at < reader->end ? *reader->at++ : '\0';
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (found) {
        *to++ = meanings[found - letters];
        return to;
    }
    int number = letter == 'u' ? hex_read(reader) : -1;
    if (number <= 0 || (number >= 0xd800 && number <= 0xdfff)) {
        spoil(reader);
        return to;
    }
    return character_put(to, number);
}

const char *reader_text(struct reader *reader)
{
    if (!take(reader, '"'))
        spoil(reader);
    char *text = reader->at, *to = text;
    while (reader->at < reader->end && *reader->at != '"') {
        char next = *reader->at++;
        if ((unsigned char)next < 0x20)
            spoil(reader);
        else if (next == '\\')
            to = escape_undo(reader, to);
        else
            *to++ = next;
    }
    if (reader->bad || reader->at == reader->end) {
        spoil(reader);
        return "";
    }
    reader->at++;
    *to = '\0';
    return text;
}

/* ---- Paths that are not UTF-8 --------------------------------------------------------------- */

static int base64_digit(char digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

/* Undoes base64 in place. Returns false where it is none, or has a NUL in it. */
static bool base64_undo(char *text)
{
    char *to = text;
    uint32_t group = 0;
    int bits = 0;
    size_t size = strcspn(text, "=");
    for (size_t i = 0; i < size; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return false;
        group = group << 6 | (uint32_t)digit;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        if (!(*to++ = (char)(group >> bits & 255)))
            return false;
    }
    *to = '\0';
    return true;
}

const char *reader_path(struct reader *reader)
{
    if (peek(reader) != '{')
        return reader_text(reader);
    const char *path = NULL, *key;
    reader_enter(reader, '{');
    while ((key = reader_member(reader))) {
        if (strcmp(key, "bytes") == 0)
            path = reader_text(reader);
        else
            reader_skip(reader);
    }
    if (reader->bad || !path || !base64_undo((char *)path)) {
        spoil(reader);
        return "";
    }
    return path;
}

/* ---- Numbers, and whatever else ------------------------------------------------------------- */

int64_t reader_integer(struct reader *reader)
{
    bool negative = take(reader, '-');
    char *begin = reader->at;
    uint64_t number = 0;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' &&
           number < INT64_MAX / 10)
        number = number * 10 + (uint64_t)(*reader->at++ - '0');
    if (reader->at == begin || (reader->at < reader->end && strchr("0123456789.eE", *reader->at)))
        spoil(reader);
    if (reader->bad)
        return 0;
    return negative ? -(int64_t)number : (int64_t)number;
}

/* A number, or a word: true, false, null. */
static void word_skip(struct reader *reader)
{
    char *begin = reader->at;
    while (reader->at < reader->end && ((*reader->at >= '0' && *reader->at <= '9') ||
                                        (*reader->at >= 'a' && *reader->at <= 'z') ||
                                        (*reader->at != '\0' && strchr("+-.E", *reader->at))))
        reader->at++;
    if (reader->at == begin)
        spoil(reader);
}

static void value_skip(struct reader *reader, int depth)
{
    char next = peek(reader);
    if (depth == 0) {
        spoil(reader);
    } else if (next == '"') {
        (void)reader_text(reader);
    } else if (next == '{') {
        reader_enter(reader, '{');
        while (reader_member(reader))
            value_skip(reader, depth - 1);
    } else if (next == '[') {
        reader_enter(reader, '[');
        while (reader_element(reader))
            value_skip(reader, depth - 1);
    } else {
        word_skip(reader);
    }
}

void reader_skip(struct reader *reader)
{
    value_skip(reader, DEPTH_MAX);
}
