#include "batch/lookahead.h"

#include <fcntl.h>
#include <sys/stat.h>

void lookahead_init(struct lookahead *ahead, const struct plan *plan)
{
    ahead->plan = plan;
    ahead->next = 0;
    ahead->count = 0;
}

static int64_t size_of(const struct scan_input *input)
{
    struct stat found;
    if (input->error != 0 || stat(input->path, &found) != 0 || !S_ISREG(found.st_mode))
        return 0;
    return found.st_size;
}

/* True when `a` is to be taken before `b`: the larger, of equals the one that was walked first. */
static bool comes_first(const struct lookahead_entry *a, const struct lookahead_entry *b)
{
    return a->size_bytes != b->size_bytes ? a->size_bytes > b->size_bytes : a->input < b->input;
}

static void heap_add(struct lookahead *ahead, struct lookahead_entry entry)
{
    size_t at = ahead->count++;
    while (at > 0 && comes_first(&entry, &ahead->entries[(at - 1) / 2])) {
        ahead->entries[at] = ahead->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    ahead->entries[at] = entry;
}

static struct lookahead_entry heap_take(struct lookahead *ahead)
{
    struct lookahead_entry *entries = ahead->entries, top = entries[0];
    struct lookahead_entry last = entries[--ahead->count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < ahead->count; at = child) {
        if (child + 1 < ahead->count && comes_first(&entries[child + 1], &entries[child]))
            child++;
        if (!comes_first(&entries[child], &last))
            break;
        entries[at] = entries[child];
    }
    entries[at] = last;
    return top;
}

bool lookahead_next(struct lookahead *ahead, uint32_t *ret_input)
{
    const struct plan *plan = ahead->plan;
    while (ahead->count < LOOKAHEAD_PICTURES && ahead->next < plan->count) {
        uint32_t input = plan->order[ahead->next++];
        heap_add(ahead, (struct lookahead_entry){size_of(&plan->scan->inputs[input]), input});
    }
    if (ahead->count == 0)
        return false;
    *ret_input = heap_take(ahead).input;
    return true;
}

size_t lookahead_left(const struct lookahead *ahead)
{
    return ahead->count + (ahead->plan->count - ahead->next);
}
