/* Any bytes as names of files, which may be a stranger's: as URIs, in pages, against patterns, and
 * in the names that templates give. The input is texts that end with NUL; the first byte chooses
 * the box. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch/globs.h"
#include "batch/html.h"
#include "batch/template.h"
#include "batch/uri.h"
#include "image/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS = 5, TEXT_BYTES = 600, STARS_MAX = 3 };

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What is percent-encoded is the path again, and nothing in it has a meaning elsewhere. */
static void escaped_check(const char *escaped, const char *path)
{
    for (; *escaped; escaped++, path++) {
        int byte = (unsigned char)*escaped;
        require(byte > ' ' && byte < 0x7f && !strchr("\"<>\\^`{|}", byte));
        if (byte == '%') {
            require(hex(escaped[1]) >= 0 && hex(escaped[2]) >= 0);
            byte = hex(escaped[1]) * 16 + hex(escaped[2]);
            escaped += 2;
        }
        require(byte == (unsigned char)*path);
    }
    require(*path == '\0');
}

static void uri_check(const char *path, size_t room)
{
    char uri[URI_BYTES];

    require(room <= sizeof uri);
    int error = uri_of_path(path, uri, room);
    require(error == 0 || error == -ENAMETOOLONG);
    if (error == 0) {
        require(strlen(uri) < room && strncmp(uri, "file://", 7) == 0);
        escaped_check(uri + 7, path);
    }
}

/* True when a part of the path is `part`. */
static bool has_part(const char *path, const char *part)
{
    for (size_t length; *path; path += length + (path[length] == '/')) {
        length = strcspn(path, "/");
        if (length == strlen(part) && memcmp(path, part, length) == 0)
            return true;
    }
    return false;
}

static void folder_check(const char *path)
{
    char folder[PATH_MAX];
    int error = uri_folder_path(path, NULL, folder);

    require(error == 0 || error == -ENAMETOOLONG);
    if (error == 0)
        require(folder[0] == '/' && !strstr(folder, "//") && !has_part(folder, ".") &&
                !has_part(folder, ".."));
}

/* Puts what is written into `ret`, which free() frees. */
static char *written(void (*write)(FILE *file, const char *text), const char *text)
{
    char *page = NULL;
    size_t size;
    FILE *file = open_memstream(&page, &size);

    require(file);
    write(file, text);
    fclose(file);
    require(strlen(page) == size);
    return page;
}

static void page_check(const char *text)
{
    char *page = written(html_text, text), *url = written(html_url, text);

    require(!strpbrk(page, "<>\"'"));
    for (const char *c = page; *c; c++)
        require((unsigned char)*c >= ' ' && *c != 0x7f &&
                (*c != '&' || strcspn(c, ";") < strcspn(c + 1, "& ") + 1));
    escaped_check(url, text);
    free(page);
    free(url);
}

static void glob_check(const char *pattern, const char *path)
{
    struct globs globs = {0};
    int stars = 0;

    for (const char *c = pattern; *c; c++)
        stars += *c == '*' || *c == '(';
    if (stars <= STARS_MAX) { /* the user's own may take as long as they like */
        require(globs_add(&globs, pattern) == 0);
        (void)globs_match(&globs, path);
    }
    globs_done(&globs);
}

/* A name that a template gives stays below the output folder. */
static void template_try(char *const texts[TEXTS], struct image_box box, size_t room)
{
    char name[PATH_MAX];
    struct template_words words = {.dir = texts[1],
                                   .dir_rest = texts[2],
                                   .dir_length = (int)strlen(texts[1]),
                                   .dir_rest_length = (int)strlen(texts[2]),
                                   .stem = texts[3],
                                   .stem_length = (int)strlen(texts[3]),
                                   .suffix = texts[4],
                                   .ext = "jpg",
                                   .box = box};

    if (template_check(texts[0], box.height % 2))
        return;
    int error = template_expand(texts[0], &words, name, room);
    require(error == 0 || error == -ENAMETOOLONG || error == -EINVAL);
    if (error == 0)
        require(strlen(name) < room && name[0] && name[0] != '/' && name[strlen(name) - 1] != '/' &&
                !has_part(name, ".."));
}

static void values_try(const char *text)
{
    struct image_box box;
    uint8_t colour[3];

    if (image_box_parse(text, &box) == 0)
        require(box.width >= 0 && box.height >= 0 && (box.width || box.height));
    (void)image_colour_parse(text, colour);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char room[TEXTS][TEXT_BYTES], *texts[TEXTS];

    if (size < 3)
        return 0;
    struct image_box box = {data[0], 1 + data[1]};
    size_t short_room = 1 + data[2] * 4u, at = 3;
    for (int i = 0; i < TEXTS; i++) {
        size_t length = 0;
        while (at < size && data[at] && length < TEXT_BYTES - 1)
            room[i][length++] = (char)data[at++];
        room[i][length] = '\0';
        texts[i] = room[i];
        at += at < size;
    }
    for (int i = 0; i < TEXTS; i++) {
        uri_check(texts[i], URI_BYTES);
        uri_check(texts[i], short_room);
        folder_check(texts[i]);
        page_check(texts[i]);
        values_try(texts[i]);
    }
    glob_check(texts[0], texts[1]);
    template_try(texts, box, PATH_MAX);
    template_try(texts, box, short_room);
    return 0;
}
