#include "batch/places.h"

#include "batch/entry.h"
#include "batch/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static int places_add(struct places *places, struct place place)
{
    if (places->count == places->capacity) {
        size_t capacity = places->capacity ? places->capacity * 2 : 1024;
        struct place *all = reallocarray(places->all, capacity, sizeof *all);
        if (!all)
            return -ENOMEM;
        places->all = all;
        places->capacity = capacity;
    }
    places->all[places->count++] = place;
    return 0;
}

static int by_name(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static int by_offset(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static void places_thin(struct places *places)
{
    size_t kept = 0;
    if (places->count > 0)
        qsort(places->all, places->count, sizeof *places->all, by_name);
    for (size_t i = 0; i < places->count; i++)
        if (i + 1 == places->count || places->all[i + 1].hash != places->all[i].hash)
            places->all[kept++] = places->all[i];
    places->count = kept;
    if (kept > 0)
        qsort(places->all, kept, sizeof *places->all, by_offset);
}

int places_find(int fd, struct places *ret)
{
    struct lines lines;
    struct entry entry;
    enum lines_found found;
    struct place place;
    char *text;
    size_t size;
    int error = lines_init(&lines, fd);
    while (error == 0 && (found = lines_next(&lines, &text, &size, &place.offset)) != LINES_END) {
        if (found != LINES_WHOLE || !entry_read(text, size, &entry))
            continue;
        place.hash = XXH3_64bits(entry.name, strlen(entry.name));
        error = places_add(ret, place);
    }
    lines_done(&lines);
    places_thin(ret);
    return error;
}

int places_each(int fd, const struct places *places, places_fn *fn, void *user)
{
    struct lines lines;
    size_t next = 0, size;
    char *text;
    int64_t offset;
    int error = lines_init(&lines, fd);
    while (error >= 0 && next < places->count &&
           lines_next(&lines, &text, &size, &offset) != LINES_END) {
        if (offset != places->all[next].offset)
            continue;
        next++;
        error = fn(user, text, size);
    }
    lines_done(&lines);
    return error < 0 ? error : 0;
}

void places_done(struct places *places)
{
    free(places->all);
    *places = (struct places){0};
}
