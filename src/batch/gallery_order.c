#include "batch/gallery_order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct picture {
    const char *path;
    size_t folder;  /* bytes of it */
    uint32_t place; /* in the plan's order */
    uint32_t first; /* of the first one in its folder */
};

size_t order_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static int compare(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int folders_compare(const struct picture *a, const struct picture *b)
{
    if (a->folder != b->folder)
        return a->folder < b->folder ? -1 : 1;
    return memcmp(a->path, b->path, a->folder);
}

static int by_folder(const void *a, const void *b)
{
    const struct picture *one = a, *other = b;
    int folders = folders_compare(one, other);
    return folders != 0 ? folders : compare(one->place, other->place);
}

static int by_first(const void *a, const void *b)
{
    const struct picture *one = a, *other = b;
    int firsts = compare(one->first, other->first);
    return firsts != 0 ? firsts : compare(one->place, other->place);
}

/* Tells each where the first one of its folder stands, and brings them into order. */
static void pictures_sort(struct picture *pictures, size_t count)
{
    qsort(pictures, count, sizeof *pictures, by_folder);
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && folders_compare(&pictures[i - 1], &pictures[i]) == 0;
        pictures[i].first = same ? pictures[i - 1].first : pictures[i].place;
    }
    qsort(pictures, count, sizeof *pictures, by_first);
}

uint32_t *order_make(const struct plan *plan)
{
    size_t count = plan->count;
    struct picture *pictures = calloc(count ? count : 1, sizeof *pictures);
    uint32_t *order = calloc(count ? count : 1, sizeof *order);
    if (!pictures || !order) {
        free(pictures);
        free(order);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const char *path = plan->scan->inputs[plan->order[i]].path;
        pictures[i] =
            (struct picture){.path = path, .folder = order_folder(path), .place = (uint32_t)i};
    }
    pictures_sort(pictures, count);
    for (size_t i = 0; i < count; i++)
        order[i] = plan->order[pictures[i].place];
    free(pictures);
    return order;
}
