/* Streams, and how they are joined.
 *
 * A `stream` is one of the walks through a buffer. It steps blindly, a chunk of steps at a time,
 * and is set back to the chunk's beginning when something was odd within it. Oddities are for
 * walk_symbols(), which goes symbol by symbol, and alone decides what is no code. */
#include "image/jpeg_walk.h"

#include <stdlib.h>

enum {
    CHUNK_STEPS = 16,
    STEP_BITS_MAX = CODE_BITS_MAX + 15,
    CHUNK_BITS = CHUNK_STEPS * STEP_BITS_MAX,
    BLOCK_BITS_MIN = 2,     /* a code for the first term, and an end of block */
    STREAM_BYTES_MIN = 512, /* less is not worth a second stream */
    FOLLOW_BITS = 8 * 128,  /* to go on by until streams meet */

    /* A stream's last chunk may lead so far beyond where it is to go, and it steps on by another
     * when it has arrived. */
    FOUND_BEYOND = 2 * CHUNK_STEPS,

    /* Blocks that one stream can find in a buffer. */
    FOUND_MAX = 8 * WALK_BYTES_MAX / BLOCK_BITS_MIN + D_MAX_BLOCKS_IN_MCU + FOUND_BEYOND,
};

/* ---- the order ---- */

void order_add(struct order *order, const struct code *dc, const struct code *ac)
{
    order->places[order->period++] = (struct place){.dc = dc, .ac = ac};
}

void order_close(struct order *order)
{
    order->alike = true;
    for (int i = 0; i < order->period; i++) {
        struct place *place = &order->places[i];
        const struct place *next = &order->places[(i + 1) % order->period];
        place->places[0] = place;
        place->places[1] = next;
        place->tables[0] = place->ac->steps;
        place->tables[1] = next->dc->steps;
        order->alike = order->alike && place->dc == next->dc && place->ac == next->ac;
    }
}

/* ---- one symbol ---- */

struct taken {
    unsigned bits, terms; /* both 0: no code */
};

/* Takes one symbol of any length of a block that stands at `term`. */
static __attribute__((noinline)) struct taken take_symbol(const struct place *place, unsigned term,
                                                          const uint8_t *data, uint32_t bit)
{
    struct bits_position at = bits_position_at(data, bit);
    int before = at.count;
    int value = code_take(term ? place->ac : place->dc, &at);

    if (value < 0)
        return (struct taken){0, 0};
    unsigned bits = (unsigned)(before - at.count) + ((unsigned)value & 15);
    if (term == 0)
        return (struct taken){bits, 1};
    unsigned terms = (unsigned)code_terms((uint8_t)value);
    return (struct taken){bits, terms && term + terms < 64 ? terms : 64 - term};
}

/* ---- streams ---- */

struct stream {
    const struct place *place;
    const uint16_t *table; /* for the next step */
    uint32_t bit, limit;   /* where it stands, and is to go */
    unsigned term;
    bool lost;        /* something was odd; it stands before that */
    uint32_t *starts; /* of blocks found */
    uint32_t *next;   /* behind them */
};

/* Goes on by one step, or up to the end of a block. This is where most of a photograph's time goes.
 * How many steps a block takes cannot be foreseen, so nothing branches on it: what comes next is
 * looked up by whether the block has ended, and where it stands is stored with every step, at a
 * place that moves on when a block begins. */
static inline __attribute__((always_inline)) void stream_step(struct stream *stream,
                                                              const uint8_t *data)
{
    uint32_t window;

    memcpy(&window, data + (stream->bit >> 3), sizeof window);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    window = __builtin_bswap32(window);
#endif
    window <<= stream->bit & 7;
    *stream->next = stream->bit;
    stream->next += stream->term == 0;
    unsigned step = stream->table[window >> (32 - LOOKUP_BITS)];
    unsigned to = stream->term + (step >> STEP_TERMS);
    if (__builtin_expect((to & (STEP_END - 1)) > 64, 0)) {
        struct taken taken = take_symbol(stream->place, stream->term, data, stream->bit);
        stream->bit += taken.bits;
        to = stream->term + taken.terms;
        stream->lost |= taken.bits == 0;
    } else {
        stream->bit += step & STEP_BITS;
    }
    unsigned ended = (to + 2 * STEP_END - 64) / (2 * STEP_END);
    stream->table = stream->place->tables[ended];
    stream->place = stream->place->places[ended];
    stream->term = to & (ended - 1);
}

/* Takes back the chunk since `before` of a stream that had arrived then, or got lost in it. Returns
 * true when the stream is still under way. */
static inline __attribute__((always_inline)) bool stream_settle(struct stream *stream,
                                                                const struct stream *before)
{
    bool arrived = before->bit >= before->limit, lost = stream->lost;

    if (arrived || lost)
        *stream = *before;
    stream->lost = lost;
    return !arrived && !lost;
}

static void stream_run(struct stream *stream, const uint8_t *data)
{
    struct stream a = *stream, before = a;

    do {
        before = a;
        for (int i = 0; i < CHUNK_STEPS; i++)
            stream_step(&a, data);
    } while (stream_settle(&a, &before));
    *stream = a;
}

/* The same with three at once. Those that have arrived stand still until all have. */
static void streams_run(struct stream streams[3], const uint8_t *data)
{
    struct stream a = streams[0], b = streams[1], c = streams[2];
    bool under_way = true;

    while (under_way) {
        struct stream before_a = a, before_b = b, before_c = c;
        for (int i = 0; i < CHUNK_STEPS; i++) {
            stream_step(&a, data);
            stream_step(&b, data);
            stream_step(&c, data);
        }
        under_way = stream_settle(&a, &before_a);
        under_way |= stream_settle(&b, &before_b);
        under_way |= stream_settle(&c, &before_c);
    }
    streams[0] = a;
    streams[1] = b;
    streams[2] = c;
}

/* ---- joining them ---- */

static const uint16_t *next_table(const struct place *place, unsigned term)
{
    return term ? place->ac->steps : place->dc->steps;
}

static size_t stream_found(const struct stream *stream)
{
    return (size_t)(stream->next - stream->starts);
}

/* Makes `first` what it would be had it walked on to where `second` stands: its block `i` is the
 * other's block `j`, and from there on both find the same. `turn` is how many places of the order
 * the second is behind. */
static void stream_take_over(const struct order *order, struct stream *first, size_t i,
                             const struct stream *second, size_t j, size_t turn)
{
    size_t more = stream_found(second) - j;
    size_t place = (size_t)(second->place - order->places) + turn;

    memcpy(first->starts + i, second->starts + j, more * sizeof *first->starts);
    first->next = first->starts + i + more;
    first->bit = second->bit;
    first->term = second->term;
    first->lost = second->lost;
    first->place = &order->places[place % (size_t)order->period];
    first->table = next_table(first->place, first->term);
}

/* Walks on with `first`, whose first block has the place `phase`, until it meets the second and
 * takes over what that found, or has come by all of it, or up to `limit`. */
static void stream_follow(const struct order *order, struct stream *first, size_t phase,
                          const struct stream *second, const uint8_t *data, uint32_t limit)
{
    const uint32_t *ours = first->starts, *theirs = second->starts;
    size_t i = stream_found(first), j = 0, period = (size_t)order->period;

    if (stream_found(second) == 0)
        return;
    while (i > 0 && ours[i - 1] >= theirs[0])
        i--;
    for (;;) {
        while (i < stream_found(first) && j < stream_found(second)) {
            size_t turn = (phase + i + period - j % period) % period;
            if (ours[i] == theirs[j] && (turn == 0 || order->alike)) {
                stream_take_over(order, first, i, second, j, turn);
                return;
            }
            if (ours[i] <= theirs[j])
                i++;
            else
                j++;
        }
        if (j == stream_found(second) || first->lost || first->bit >= limit)
            return;
        first->limit = limit - first->bit > FOLLOW_BITS ? first->bit + FOLLOW_BITS : limit;
        stream_run(first, data);
    }
}

/* ---- the walk ---- */

bool walk_init(struct walk *walk)
{
    /* Once for what counts, and once for what the second and third streams find in their parts. */
    walk->starts = malloc((size_t)2 * FOUND_MAX * sizeof *walk->starts);
    return walk->starts != NULL;
}

void walk_done(struct walk *walk)
{
    free(walk->starts);
    walk->starts = NULL;
}

void walk_reset(struct walk *walk, uint32_t bit)
{
    walk->place = walk->order.places;
    walk->term = 0;
    walk->bit = bit;
    walk->found = 0;
}

void walk_drop(struct walk *walk, size_t blocks, uint32_t bytes)
{
    walk->found -= blocks;
    for (size_t i = 0; i < walk->found; i++)
        walk->starts[i] = walk->starts[blocks + i] - 8 * bytes;
    walk->bit -= 8 * bytes;
}

size_t walk_whole(const struct walk *walk)
{
    return walk->found - (walk->term != 0);
}

/* A stream from where the walk stands. */
static struct stream walk_stream(const struct walk *walk, uint32_t limit)
{
    uint32_t *starts = walk->starts + walk->found;

    return (struct stream){.place = walk->place,
                           .table = next_table(walk->place, walk->term),
                           .bit = walk->bit,
                           .limit = limit,
                           .term = walk->term,
                           .starts = starts,
                           .next = starts};
}

/* A stream from a byte that may be anywhere in a block. */
static struct stream blind_stream(const struct walk *walk, uint32_t bit, uint32_t limit,
                                  uint32_t *starts)
{
    const struct place *place = walk->order.places;

    return (struct stream){.place = place,
                           .table = next_table(place, 0),
                           .bit = bit & ~7U,
                           .limit = limit,
                           .starts = starts,
                           .next = starts};
}

/* Walks up to `limit` by three streams, or by one if it is near, but not by what is no code. */
static void walk_streams(struct walk *walk, const uint8_t *data, uint32_t limit)
{
    uint32_t third = (limit - walk->bit) / 3;
    size_t phase = (size_t)(walk->place - walk->order.places) + (walk->term != 0);
    uint32_t *starts = walk->starts + FOUND_MAX; /* of the others, which begin at whole bytes */
    size_t room = (third + 8) / BLOCK_BITS_MIN + FOUND_BEYOND;
    struct stream streams[3] = {walk_stream(walk, limit)};

    if (third >= 8 * STREAM_BYTES_MIN) {
        streams[1] = blind_stream(walk, walk->bit + third, walk->bit + 2 * third, starts);
        streams[2] = blind_stream(walk, walk->bit + 2 * third, limit, starts + room);
        streams[0].limit = streams[1].bit;
        streams_run(streams, data);
        for (int i = 1; i < 3; i++)
            stream_follow(&walk->order, &streams[0], phase, &streams[i], data, limit);
        streams[0].limit = limit;
    }
    if (!streams[0].lost)
        stream_run(&streams[0], data);
    walk->found += stream_found(&streams[0]);
    walk->place = streams[0].place;
    walk->term = streams[0].term;
    walk->bit = streams[0].bit;
}

/* Walks up to `limit`, or until `wanted` blocks are done, and never beyond `end`. */
static enum walk_result walk_symbols(struct walk *walk, const uint8_t *data, uint32_t limit,
                                     uint32_t end, size_t wanted)
{
    while (walk->bit < limit && (walk->term || walk->found < wanted)) {
        struct taken taken = take_symbol(walk->place, walk->term, data, walk->bit);
        if (walk->bit + (taken.bits ? taken.bits : CODE_BITS_MAX) > end)
            return WALK_SHORT;
        if (taken.bits == 0)
            return WALK_BAD_CODE;
        if (walk->term == 0)
            walk->starts[walk->found++] = walk->bit;
        walk->bit += taken.bits;
        walk->term += taken.terms;
        if (walk->term < 64)
            continue;
        walk->term = 0;
        walk->place = walk->place->places[1];
    }
    return WALK_OK;
}

enum walk_result walk_find(struct walk *walk, const uint8_t *data, uint32_t size, bool last,
                           size_t wanted)
{
    uint32_t end = 8 * size;
    uint32_t limit = end > CHUNK_BITS ? end - CHUNK_BITS : 0;

    if (walk->bit < limit)
        walk_streams(walk, data, limit);
    if (walk->found > wanted) { /* stray bytes, walked over as if they were blocks */
        walk->bit = walk->starts[wanted];
        walk->found = wanted;
        walk->term = 0;
        walk->place = walk->order.places;
    }
    return walk_symbols(walk, data, last ? end + 1 : limit, end, wanted);
}
