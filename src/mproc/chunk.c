#include "mproc/chunk.h"

#include "mproc/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Layout --------------------------------------------------------------------------------- */

static size_t padded(size_t size)
{
    return (size + CHUNK_ALIGN - 1) & ~(size_t)(CHUNK_ALIGN - 1);
}

size_t chunk_part_size(size_t size)
{
    _Static_assert(sizeof(struct chunk_header) == CHUNK_ALIGN, "parts are aligned");
    _Static_assert(sizeof(struct chunk_element) == CHUNK_ALIGN, "parts are aligned");
    _Static_assert(sizeof(struct chunk_record) == CHUNK_ALIGN, "parts are aligned");
    return CHUNK_ALIGN + padded(size);
}

struct chunk_header chunk_open(const void *arg, size_t size, struct chunk_cursor *ret)
{
    struct chunk_header header;
    memcpy(&header, arg, sizeof header);
    *ret = (struct chunk_cursor){.at = (const unsigned char *)arg + sizeof header,
                                 .end = (const unsigned char *)arg + size};
    return header;
}

/* Takes the next part: CHUNK_ALIGN bytes that hold a size at `size_at`, then so many bytes. */
static bool part_next(struct chunk_cursor *cursor, void *ret, size_t size_at,
                      const unsigned char **ret_bytes)
{
    uint64_t size;
    size_t left = (size_t)(cursor->end - cursor->at);
    if (left < CHUNK_ALIGN)
        return false;
    memcpy(&size, cursor->at + size_at, sizeof size);
    if (size > left - CHUNK_ALIGN || padded(size) > left - CHUNK_ALIGN)
        return false;
    memcpy(ret, cursor->at, CHUNK_ALIGN);
    *ret_bytes = cursor->at + CHUNK_ALIGN;
    cursor->at += chunk_part_size(size);
    return true;
}

bool chunk_next_element(struct chunk_cursor *cursor, struct chunk_element *ret,
                        const unsigned char **ret_bytes)
{
    return part_next(cursor, ret, offsetof(struct chunk_element, size), ret_bytes);
}

bool chunk_next_record(struct chunk_cursor *cursor, struct chunk_record *ret,
                       const unsigned char **ret_bytes)
{
    return part_next(cursor, ret, offsetof(struct chunk_record, size), ret_bytes);
}

static unsigned char *part_put(unsigned char *to, const void *head, const void *bytes, size_t size)
{
    memcpy(to, head, CHUNK_ALIGN);
    if (size > 0)
        memcpy(to + CHUNK_ALIGN, bytes, size);
    memset(to + CHUNK_ALIGN + size, 0, padded(size) - size);
    return to + chunk_part_size(size);
}

unsigned char *chunk_put_header(unsigned char *to, const struct chunk_header *header)
{
    return part_put(to, header, NULL, 0);
}

unsigned char *chunk_put_element(unsigned char *to, const struct chunk_element *element,
                                 const void *bytes)
{
    return part_put(to, element, bytes, (size_t)element->size);
}

size_t chunk_result_max(size_t result_max)
{
    size_t record = result_max > TASK_MESSAGE_BYTES ? result_max : TASK_MESSAGE_BYTES;
    return CONTROL_JOURNAL_BYTES + chunk_part_size(record);
}

/* ---- Running -------------------------------------------------------------------------------- */

/* Where records go while the chunk runs. */
struct journal {
    struct mp_task *task;
    unsigned char *bytes;
    struct control_progress progress; /* how far it is good */
};

/* Returns 0, or -ENOMEM. */
static int journal_open(struct mp_task *task, struct journal *ret)
{
    *ret = (struct journal){.task = task, .progress = {.seq = (uint32_t)task->seq}};
    if (task->control)
        ret->bytes = task->control->journal;
    else if (task->journal || (task->journal = malloc(CONTROL_JOURNAL_BYTES)))
        ret->bytes = task->journal;
    return ret->bytes ? 0 : -ENOMEM;
}

/* Enters a record, from which moment on it counts. Returns false when it does not fit. */
static bool journal_enter(struct journal *journal, const struct chunk_record *record,
                          const void *bytes)
{
    struct control_progress next = journal->progress;
    size_t size = chunk_part_size((size_t)record->size);
    if (size > CONTROL_JOURNAL_BYTES - next.size)
        return false;
    part_put(journal->bytes + next.size, record, bytes, (size_t)record->size);
    next.size += (uint32_t)size;
    next.count++;
    if (journal->task->control &&
        !control_progress_move(journal->task->control, journal->progress, next))
        task_park();
    journal->progress = next;
    return true;
}

/* Makes the journal, and one more record where there is one, the result of the task. */
static int journal_return(struct journal *journal, const struct chunk_record *more,
                          const void *bytes)
{
    size_t size = journal->progress.size;
    size_t whole = size + (more ? chunk_part_size((size_t)more->size) : 0);
    unsigned char *room = task_room(journal->task, whole);
    if (!room)
        return mp_task_fail(journal->task, ENOMEM, "no memory for the results of a chunk");
    memcpy(room, journal->bytes, size);
    if (more)
        part_put(room + size, more, bytes, (size_t)more->size);
    return 0;
}

/* The view that an element's task gets, made once and kept. */
static struct mp_task *element_view(struct mp_task *task)
{
    if (!task->element && !(task->element = calloc(1, sizeof *task->element)))
        return NULL;
    task->element->ctx = task->ctx;
    task->element->worker = task->worker;
    task->element->result_max = task->result_max;
    return task->element;
}

/* What became of an element, and its bytes. */
static struct chunk_record element_record(const struct mp_task *element, const void **ret_bytes)
{
    bool failed = element->code != 0;
    *ret_bytes = failed ? element->message : element->result;
    return (struct chunk_record){.code = element->code,
                                 .status = element->status,
                                 .size = failed ? strlen(element->message) : element->result_size};
}

int chunk_task(struct mp_task *task, const void *arg, size_t size)
{
    struct journal journal;
    struct chunk_cursor cursor;
    struct chunk_element element;
    const unsigned char *bytes;
    struct mp_task *view = element_view(task);
    if (!view || journal_open(task, &journal) < 0)
        return mp_task_fail(task, ENOMEM, "no memory for a chunk");
    mp_task_fn *fn = chunk_open(arg, size, &cursor).fn;
    while (chunk_next_element(&cursor, &element, &bytes)) {
        const void *result;
        task_run(view, fn, bytes, (size_t)element.size);
        struct chunk_record record = element_record(view, &result);
        if (!journal_enter(&journal, &record, result))
            return journal_return(&journal, &record, result);
    }
    return journal_return(&journal, NULL, NULL);
}
