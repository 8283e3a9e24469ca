/* A map: elements are taken from a source, go out in chunks as jobs of an executor, and their
 * results come back one by one.
 *
 *   source --next--> places --chunks--> executor --records--> places --> mp_map_next() or the sink
 *
 * Each element that is out has a place, which also holds its result until the caller has it. There
 * are never more places in use than the window. A chunk that comes back short, because its journal
 * was full or its worker died, is cut: the element that ran is blamed, the others go out again. */
#include "mproc/map.h"

#include "mproc/chunk.h"
#include "mproc/clock.h"
#include "mproc/executor.h"
#include "mproc/pace.h"
#include "mproc/place.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_PER_WORKER = 64,       /* elements out, where they are sent one by one */
    WINDOW_PER_WORKER_MAX = 4096, /* in large chunks */
    CHUNKS_PER_WORKER = 8,        /* that the window has room for */
    CHUNK_BYTES = 256 << 10,      /* of arguments in one chunk, roughly */
    BYTES_OUT = 16 << 20,         /* of arguments and results, where the window is left to us */
};

/* The argument of a chunk that waits for the executor to have room. */
struct waiting {
    struct waiting *next;
    size_t size;
    _Alignas(CHUNK_ALIGN) unsigned char arg[];
};

struct mp_map {
    struct executor_guest guest; /* of its executor; first, so that it leads to its map */
    struct mp_executor *executor;
    mp_task_fn *fn;
    mp_source_fn *next;
    void *source;
    map_sink_fn *sink; /* NULL: mp_map_next() asks for results */
    void *sink_user;
    bool unordered;
    int deadline_ms; /* of one element, 0 none */
    int retries;     /* of one element */
    /* What is out. */
    struct places places;
    struct place_list line; /* to be given to the caller: in order, or the ready ones */
    struct place *given;    /* the caller looks at it */
    uint32_t out;           /* places in use, without the given one */
    size_t bytes;           /* of their arguments and results */
    uint32_t window;        /* places that may be in use */
    bool window_adapts;
    int chunks_out;          /* jobs that are not settled */
    struct waiting *waiting; /* chunks to go out, oldest first; owned */
    struct pace pace;        /* how large chunks are */
    unsigned char *arg;      /* where one is put together; owned */
    size_t arg_capacity;
    /* The end. */
    uint64_t taken; /* elements from the source so far */
    bool ended;     /* no more come from it */
    int error;      /* what mp_map_next() returns after the last result */
    bool filling;   /* guards against being called again from within */
    bool freed;     /* by the caller, with chunks out */
};

/* ---- Places --------------------------------------------------------------------------------- */

/* A place for the next element. Returns NULL when there is no memory. */
static struct place *element_place(struct mp_map *map, size_t arg_size)
{
    struct place *place = places_take(&map->places);
    if (!place)
        return NULL;
    place->index = map->taken++;
    place->arg_size = arg_size;
    map->out++;
    map->bytes += arg_size;
    if (!map->unordered)
        place_list_append(&map->line, place);
    return place;
}

/* A place has become ready: its result is given away, or waits for that. */
static void on_ready(struct mp_map *map, struct place *place)
{
    map->bytes -= place->arg_size;
    if (map->sink) {
        struct mp_item item = place_item(place);
        map->out--;
        map->sink(map->sink_user, &item);
        places_give(&map->places, place);
        return;
    }
    map->bytes += place->size;
    if (map->unordered)
        place_list_append(&map->line, place);
}

static void element_fail(struct mp_map *map, const struct chunk_element *element,
                         const struct mp_fault *fault)
{
    struct place *place = map->places.all[element->place];
    place_fail(place, fault);
    on_ready(map, place);
}

static void element_fail_plainly(struct mp_map *map, const struct chunk_element *element, int code)
{
    struct place *place = map->places.all[element->place];
    place_fail_plainly(place, code);
    on_ready(map, place);
}

/* Gives an element what its record says. */
static void element_settle(struct mp_map *map, const struct chunk_element *element,
                           const struct chunk_record *record, const unsigned char *bytes,
                           const struct mp_future *future)
{
    struct place *place = map->places.all[element->place];
    size_t size = (size_t)record->size;
    if (record->code == 0) {
        place_succeed(place, bytes, size);
        on_ready(map, place);
        return;
    }
    char text[1024];
    size = size < sizeof text ? size : sizeof text - 1;
    memcpy(text, bytes, size);
    text[size] = '\0';
    element_fail(map, element,
                 &(struct mp_fault){.code = MP_ETASK,
                                    .status = record->status,
                                    .attempts = (int)element->attempt + 1,
                                    .worker = future->worker,
                                    .message = text,
                                    .log = ""});
}

/* ---- Chunks out ----------------------------------------------------------------------------- */

static void chunk_settled(struct mp_future *future, void *user);

/* Fails all elements of an argument that cannot go out. */
static void chunk_fail(struct mp_map *map, const void *arg, size_t size, int code)
{
    struct chunk_cursor cursor;
    struct chunk_element element;
    const unsigned char *bytes;
    chunk_open(arg, size, &cursor);
    while (chunk_next_element(&cursor, &element, &bytes))
        element_fail_plainly(map, &element, code);
}

/* Takes no more from the source. An error is the first one. */
static void map_end(struct mp_map *map, int error)
{
    if (!map->ended && map->error == 0)
        map->error = error;
    map->ended = true;
}

/* Submits a chunk. Should the executor not take it, its elements fail, and no more are taken from
 * the source. */
static void chunk_submit(struct mp_map *map, const void *arg, size_t size, bool is_rest)
{
    struct mp_submit_options options = {.nowait = true,
                                        .deadline_ms = map->deadline_ms ? map->deadline_ms : -1,
                                        .retries = -1,
                                        .user = map};
    struct mp_future *future;
    int error = executor_submit(map->executor, chunk_task, arg, size, &options, is_rest, &future);
    if (error == 0) {
        map->chunks_out++;
        (void)mp_future_then(future, chunk_settled, map); /* the first needs no memory */
        mp_future_free(future);
        return;
    }
    chunk_fail(map, arg, size, error == -ESHUTDOWN ? -ECANCELED : error);
    map_end(map, error);
}

/* Makes what the cursor has left, with `first` before it, a chunk that waits. */
static void chunk_put_back(struct mp_map *map, const struct chunk_element *first,
                           const unsigned char *first_bytes, struct chunk_cursor rest)
{
    struct chunk_header header = {.fn = map->fn, .count = first != NULL};
    struct chunk_element element;
    const unsigned char *bytes;
    for (struct chunk_cursor cursor = rest; chunk_next_element(&cursor, &element, &bytes);)
        header.count++;
    size_t size = chunk_part_size(0) + (first ? chunk_part_size((size_t)first->size) : 0) +
                  (size_t)(rest.end - rest.at);
    struct waiting *waiting = aligned_alloc(
        CHUNK_ALIGN, (sizeof *waiting + size + CHUNK_ALIGN - 1) / CHUNK_ALIGN * CHUNK_ALIGN);
    if (!waiting) {
        if (first)
            element_fail_plainly(map, first, -ENOMEM);
        while (chunk_next_element(&rest, &element, &bytes))
            element_fail_plainly(map, &element, -ENOMEM);
        return;
    }
    *waiting = (struct waiting){.size = size};
    unsigned char *to = chunk_put_header(waiting->arg, &header);
    if (first)
        to = chunk_put_element(to, first, first_bytes);
    memcpy(to, rest.at, (size_t)(rest.end - rest.at));
    struct waiting **end = &map->waiting;
    while (*end)
        end = &(*end)->next;
    *end = waiting;
}

/* ---- Taking from the source ----------------------------------------------------------------- */

/* Elements that may be taken from the source now. */
static uint32_t room_in_window(const struct mp_map *map)
{
    uint32_t few = 2 * (uint32_t)map->executor->options.workers;
    if (map->ended || map->out >= map->window)
        return 0;
    if (map->window_adapts && map->bytes > BYTES_OUT && map->out >= few)
        return 0;
    return map->window - map->out;
}

/* Gives the chunk that is put together room for so many bytes. Returns false when there is none. */
static bool chunk_reserve(struct mp_map *map, size_t needed)
{
    if (needed <= map->arg_capacity)
        return true;
    unsigned char *arg = realloc(map->arg, needed * 2);
    if (!arg)
        return false;
    map->arg = arg;
    map->arg_capacity = needed * 2;
    return true;
}

/* Adds one element to the chunk that is put together, or, where it is too large for that, makes it
 * a chunk of its own. Returns false when there is no memory. */
static bool chunk_add(struct mp_map *map, const void *bytes, size_t size, size_t *used)
{
    struct place *place = element_place(map, size);
    if (!place)
        return false;
    struct chunk_element element = {.size = size, .place = place->number};
    if (size > MP_ARG_MAX || chunk_part_size(0) + chunk_part_size(size) > MP_ARG_MAX) {
        element_fail_plainly(map, &element, -EMSGSIZE);
        return true;
    }
    size_t needed = *used + chunk_part_size(size);
    if (needed > MP_ARG_MAX) {
        chunk_put_back(map, &element, bytes, (struct chunk_cursor){.at = bytes, .end = bytes});
        return true;
    }
    if (!chunk_reserve(map, needed)) {
        element_fail_plainly(map, &element, -ENOMEM);
        return false;
    }
    chunk_put_element(map->arg + *used, &element, bytes);
    *used = needed;
    return true;
}

/* Takes a chunk from the source and sends it out. Returns false when nothing came. */
static bool chunk_take(struct mp_map *map)
{
    uint32_t most = room_in_window(map), count = 0;
    size_t used = chunk_part_size(0);
    struct chunk_header header = {.fn = map->fn};
    if (most > (uint32_t)map->pace.chunk)
        most = (uint32_t)map->pace.chunk;
    while (count < most && used < CHUNK_BYTES && !map->ended) {
        const void *bytes = NULL;
        size_t size = 0, before = used;
        int found = map->next(map->source, &bytes, &size);
        if (found == 1 && !chunk_add(map, bytes, size, &used))
            found = -ENOMEM;
        map->ended = found != 1;
        if (found < 0)
            map->error = found;
        count += found == 1;
        header.count += used > before; /* not one that is too large for this chunk */
    }
    if (used > chunk_part_size(0)) {
        chunk_put_header(map->arg, &header);
        chunk_submit(map, map->arg, used, false);
    }
    return count > 0;
}

/* Sends out a chunk that waits. Returns false when none does. */
static bool waiting_submit(struct mp_map *map)
{
    struct waiting *waiting = map->waiting;
    if (!waiting)
        return false;
    map->waiting = waiting->next;
    chunk_submit(map, waiting->arg, waiting->size, true);
    free(waiting);
    return true;
}

/* Sends out a chunk from the source. Returns false when there is none, or may be none. */
static bool source_submit(struct mp_map *map)
{
    if (map->executor->broken || map->executor->closed) {
        map_end(map, map->executor->broken ? MP_EBROKEN : -ESHUTDOWN);
        return false;
    }
    return room_in_window(map) > 0 && chunk_take(map);
}

/* Sends out what can go out. */
static void map_fill(struct mp_map *map)
{
    if (map->filling || map->freed)
        return;
    map->filling = true;
    while (!executor_is_full(map->executor) && (waiting_submit(map) || source_submit(map)))
        ;
    map->filling = false;
}

/* ---- Coming back ---------------------------------------------------------------------------- */

/* Learns from elements that came back, and opens the window for chunks of the size learnt. */
static void on_return(struct mp_map *map, uint64_t count)
{
    int workers = map->executor->options.workers;
    pace_learn(&map->pace, count, workers);
    int64_t window = (int64_t)map->pace.chunk * CHUNKS_PER_WORKER * workers;
    int64_t most = (int64_t)WINDOW_PER_WORKER_MAX * workers;
    if (map->window_adapts && window > map->window)
        map->window = (uint32_t)(window < most ? window : most);
}

/* True for faults that one element brought about, so that the others of its chunk can go on. */
static bool is_elements_own(int code)
{
    return code == MP_ECRASH || code == MP_EDEADLINE || code == MP_EKILLED;
}

/* Decides about the elements of a chunk for which no record came: `first`, and what follows. */
static void chunk_cut(struct mp_map *map, const struct mp_future *future,
                      struct chunk_element *first, const unsigned char *first_bytes, bool any,
                      struct chunk_cursor rest)
{
    struct mp_fault fault = future->fault;
    if (future->state == MP_DONE && any) {
        chunk_put_back(map, first, first_bytes, rest);
        return;
    }
    if (future->state == MP_DONE) /* only a worker that breaks the rules does that */
        fault = (struct mp_fault){.code = MP_ECRASH,
                                  .worker = future->worker,
                                  .message = "the worker sent no result",
                                  .log = ""};
    else if (future->state == MP_CANCELLED)
        fault = (struct mp_fault){
            .code = -ECANCELED, .worker = -1, .message = mp_strerror(-ECANCELED), .log = ""};
    fault.attempts = (int)first->attempt + (future->state != MP_CANCELLED);
    if (fault.code == MP_ECRASH && (int)first->attempt < map->retries) {
        first->attempt++;
        map->executor->stats.retried++;
        chunk_put_back(map, first, first_bytes, rest);
        return;
    }
    element_fail(map, first, &fault);
    if (is_elements_own(fault.code)) {
        if (rest.at < rest.end)
            chunk_put_back(map, NULL, NULL, rest);
        return;
    }
    while (chunk_next_element(&rest, first, &first_bytes))
        element_fail(map, first, &fault);
}

/* Gives the elements of a settled chunk their results. */
static void chunk_read(struct mp_map *map, const struct mp_future *future)
{
    struct chunk_cursor elements, records = {0};
    struct chunk_element element;
    struct chunk_record record;
    const unsigned char *bytes, *result;
    uint64_t count = 0;
    chunk_open(future->job.arg, future->job.arg_size, &elements);
    if (future->data)
        records = (struct chunk_cursor){.at = future->data,
                                        .end = (const unsigned char *)future->data + future->size};
    while (chunk_next_element(&elements, &element, &bytes)) {
        if (!chunk_next_record(&records, &record, &result)) {
            chunk_cut(map, future, &element, bytes, count > 0, elements);
            break;
        }
        element_settle(map, &element, &record, result, future);
        count++;
    }
    on_return(map, count);
}

static void map_destroy(struct mp_map *map)
{
    executor_leave(map->executor, &map->guest);
    for (struct waiting *waiting; (waiting = map->waiting);) {
        map->waiting = waiting->next;
        free(waiting);
    }
    places_done(&map->places);
    free(map->arg);
    free(map);
}

static void chunk_settled(struct mp_future *future, void *user)
{
    struct mp_map *map = user;
    map->chunks_out--;
    if (!map->freed)
        chunk_read(map, future);
    if (map->freed && map->chunks_out == 0)
        map_destroy(map);
    else
        map_fill(map);
}

/* A map that nobody asks for results goes on by what comes back. It must be set going again if the
 * executor was full when it had nothing out. */
static void on_progress(struct executor_guest *guest)
{
    struct mp_map *map = (struct mp_map *)guest;
    if (map->sink && map->chunks_out == 0)
        map_fill(map);
}

/* ---- The public face ------------------------------------------------------------------------ */

int map_create(struct mp_executor *executor, mp_task_fn *fn, mp_source_fn *next, void *source,
               const struct mp_map_options *given, map_sink_fn *sink, void *user,
               struct mp_map **ret)
{
    struct mp_map_options options = given ? *given : (struct mp_map_options){0};
    int deadline_ms = executor_own_or(options.deadline_ms, executor->options.deadline_ms);
    int error = executor_check(executor);
    if (error < 0)
        return error;
    if (options.chunk < 0 || options.chunk > CHUNK_ELEMENTS_MAX || options.window < 0)
        return -EINVAL;
    if (deadline_ms > 0 && !executor->backend.kill)
        return MP_ENOKILL;
    struct mp_map *map = calloc(1, sizeof *map);
    if (!map)
        return -ENOMEM;
    int window = WINDOW_PER_WORKER * executor->options.workers;
    if (window < 2 * options.chunk * executor->options.workers)
        window = 2 * options.chunk * executor->options.workers;
    *map = (struct mp_map){.guest = {.on_progress = on_progress},
                           .executor = executor,
                           .fn = fn,
                           .next = next,
                           .source = source,
                           .sink = sink,
                           .sink_user = user,
                           .unordered = options.unordered || sink,
                           .deadline_ms = deadline_ms,
                           .retries = executor_own_or(options.retries, executor->options.retries),
                           .window = (uint32_t)(options.window ? options.window : window),
                           .window_adapts = options.window == 0};
    pace_init(&map->pace, options.chunk > 0 ? options.chunk : deadline_ms > 0 ? 1 : 0);
    executor_enter(executor, &map->guest);
    *ret = map;
    return 0;
}

int mp_executor_map(struct mp_executor *executor, mp_task_fn *fn, mp_source_fn *next, void *source,
                    const struct mp_map_options *options, struct mp_map **ret)
{
    return map_create(executor, fn, next, source, options, NULL, NULL, ret);
}

/* Hands the next result to the caller, if it is there. */
static bool item_give(struct mp_map *map, struct mp_item *ret)
{
    if (!map->line.first || !map->line.first->ready)
        return false;
    map->given = place_list_take(&map->line);
    map->out--;
    map->bytes -= map->given->size;
    *ret = place_item(map->given);
    return true;
}

/* True when it is time to send out more: a whole chunk fits, or nothing is under way. */
static bool is_thirsty(const struct mp_map *map)
{
    return map->waiting || map->chunks_out == 0 || room_in_window(map) >= (uint32_t)map->pace.chunk;
}

int mp_map_next(struct mp_map *map, int timeout_ms, struct mp_item *ret)
{
    int64_t deadline = clock_deadline(timeout_ms);
    int error = executor_check(map->executor);
    if (error < 0)
        return error;
    if (map->given)
        places_give(&map->places, map->given);
    map->given = NULL;
    for (bool last = false;;) {
        if (is_thirsty(map))
            map_fill(map);
        if (item_give(map, ret))
            return 1;
        if (map->out == 0 && map->ended)
            return map->error;
        if (last)
            return -ETIMEDOUT;
        int left = clock_left_ms(deadline);
        last = left == 0;
        error = mp_executor_pump(map->executor, left);
        if (error < 0 && error != MP_EBROKEN)
            return error;
    }
}

void mp_map_free(struct mp_map *map)
{
    if (!map || executor_check(map->executor) < 0)
        return;
    map->freed = true;
    map->chunks_out++; /* or the last callback would destroy it in between */
    executor_cancel_of(map->executor, chunk_task, map);
    if (--map->chunks_out == 0)
        map_destroy(map);
}
