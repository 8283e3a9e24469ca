#include "batch/template.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum word { WORD_DIR, WORD_STEM, WORD_EXT, WORD_WIDTH, WORD_HEIGHT, WORD_SIZE, WORD_COUNT };

static const char *const word_names[WORD_COUNT] = {"dir", "stem", "ext", "w", "h", "size"};

/* The word that begins with the brace at `text`; its length goes into ret_length. Returns
 * WORD_COUNT for one that is not known or has no end. */
static enum word word_find(const char *text, size_t *ret_length)
{
    const char *end = strchr(text, '}');
    enum word word = 0;
    if (!end)
        return WORD_COUNT;
    size_t length = (size_t)(end - text) - 1;
    while (word < WORD_COUNT &&
           (strlen(word_names[word]) != length || memcmp(word_names[word], text + 1, length) != 0))
        word++;
    *ret_length = length + 2;
    return word;
}

/* True when one of the parts between slashes is "." or "..". */
static bool has_dots(const char *path)
{
    while (*path) {
        size_t length = strcspn(path, "/");
        if ((length == 1 && path[0] == '.') || (length == 2 && memcmp(path, "..", 2) == 0))
            return true;
        path += length + (path[length] == '/');
    }
    return false;
}

const char *template_check(const char *text, bool several)
{
    bool told_apart = false;
    size_t length;
    for (const char *at = text; (at = strpbrk(at, "{}")); at += length) {
        enum word word = *at == '{' ? word_find(at, &length) : WORD_COUNT;
        if (word == WORD_COUNT)
            return "its words are {dir}, {stem}, {ext}, {w}, {h} and {size}";
        told_apart |= word >= WORD_WIDTH;
    }
    size_t size = strlen(text);
    if (size == 0 || text[size - 1] == '/')
        return "it gives a folder and no file name";
    if (text[0] == '/' || has_dots(text))
        return "it would lead out of the output folder";
    if (several && !told_apart)
        return "with several sizes it needs {size}, {w} or {h}";
    return NULL;
}

/* Text that grows in a room of fixed size. */
struct writer {
    char *text;
    size_t length, size;
    bool full;
};

static __attribute__((format(printf, 2, 3))) void put(struct writer *writer, const char *format,
                                                      ...)
{
    va_list arguments;
    size_t room = writer->size - writer->length;
    va_start(arguments, format);
    int length = vsnprintf(writer->text + writer->length, room, format, arguments);
    va_end(arguments);
    writer->full |= length < 0 || (size_t)length >= room;
    if (!writer->full)
        writer->length += (size_t)length;
}

static void put_side(struct writer *writer, int side)
{
    if (side > 0)
        put(writer, "%d", side);
}

static void put_size(struct writer *writer, struct image_box box)
{
    put_side(writer, box.width);
    if (box.width == box.height)
        return;
    put(writer, "x");
    put_side(writer, box.height);
}

static void put_word(struct writer *writer, enum word word, const struct template_words *words)
{
    switch (word) {
    case WORD_DIR:
        put(writer, "%.*s%.*s", words->dir_length, words->dir, words->dir_rest_length,
            words->dir_rest);
        break;
    case WORD_STEM: put(writer, "%.*s%s", words->stem_length, words->stem, words->suffix); break;
    case WORD_EXT: put(writer, ".%s", words->ext); break;
    case WORD_WIDTH: put_side(writer, words->box.width); break;
    case WORD_HEIGHT: put_side(writer, words->box.height); break;
    default: put_size(writer, words->box); break;
    }
}

/* Text between words. A folder that is not there needs no slash. */
static void put_text(struct writer *writer, const char *text, size_t length)
{
    while (writer->length == 0 && length > 0 && *text == '/') {
        text++;
        length--;
    }
    put(writer, "%.*s", (int)length, text);
}

int template_expand(const char *text, const struct template_words *words, char *name, size_t size)
{
    struct writer writer = {.text = name, .size = size};
    name[0] = '\0';
    while (*text && !writer.full) {
        size_t length = strcspn(text, "{");
        put_text(&writer, text, length);
        text += length;
        if (*text == '{') {
            put_word(&writer, word_find(text, &length), words);
            text += length;
        }
    }
    if (writer.full)
        return -ENAMETOOLONG;
    bool is_file = writer.length > 0 && name[writer.length - 1] != '/';
    return is_file && !has_dots(name) ? 0 : -EINVAL;
}
