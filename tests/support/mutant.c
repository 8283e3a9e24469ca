/* Mutations: each is a function that changes the file of a `mutant` in place. */
#include "support/mutant.h"

#include <stdio.h> /* jpeglib.h wants FILE and size_t */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum { PIECE_MAX = 300 /* bytes */, MUTATIONS_MAX = 3 /* of one file */ };

struct mutant {
    const struct mutant_scans *scans; /* of the file as it was */
    uint64_t *random;
    struct test_file file; /* with room for MUTATIONS_MAX pieces more */
};

uint32_t mutant_draw(uint64_t *random, uint32_t below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*random >> 33) % below;
}

static bool is_restart(const uint8_t *bytes)
{
    return bytes[0] == 0xff && bytes[1] >= JPEG_RST0 && bytes[1] <= JPEG_RST0 + 7;
}

struct mutant_scans mutant_scans(const struct test_file *file)
{
    const uint8_t *bytes = file->bytes;
    struct mutant_scans scans = {.count = 0};
    size_t at = 2;
    while (bytes[at + 1] != JPEG_EOI) {
        bool scan = bytes[at + 1] == 0xda;
        at += 2 + (size_t)(bytes[at + 2] << 8 | bytes[at + 3]);
        if (!scan)
            continue;
        size_t start = at;
        while (bytes[at] != 0xff || bytes[at + 1] == 0 || is_restart(bytes + at))
            at++;
        if (scans.count == MUTANT_SCANS_MAX)
            abort();
        scans.spans[scans.count++] = (struct mutant_span){start, at};
    }
    return scans;
}

/* A place, mostly within a scan, each of which comes as often as the others. */
static size_t draw_place(struct mutant *mutant)
{
    const struct mutant_scans *scans = mutant->scans;
    const struct mutant_span *span = &scans->spans[mutant_draw(mutant->random, scans->count)];
    size_t size = mutant->file.size, at = mutant_draw(mutant->random, (uint32_t)size);
    if (mutant_draw(mutant->random, 8) > 0 && span->end > span->start)
        at = span->start + mutant_draw(mutant->random, (uint32_t)(span->end - span->start));
    return at < size ? at : size - 1;
}

/* A length that fits behind that place; short ones as often as long ones. */
static size_t draw_length(struct mutant *mutant, size_t at)
{
    size_t most = mutant_draw(mutant->random, 2) ? PIECE_MAX : 4, left = mutant->file.size - at;
    size_t length = 1 + mutant_draw(mutant->random, (uint32_t)most);
    return length < left ? length : left;
}

static void insert(struct mutant *mutant, size_t at, const uint8_t *bytes, size_t count)
{
    struct test_file *file = &mutant->file;
    memmove(file->bytes + at + count, file->bytes + at, file->size - at);
    memcpy(file->bytes + at, bytes, count);
    file->size += count;
}

static void drop(struct mutant *mutant, size_t at, size_t count)
{
    struct test_file *file = &mutant->file;
    memmove(file->bytes + at, file->bytes + at + count, file->size - at - count);
    file->size -= count;
}

static void flip_bits(struct mutant *mutant)
{
    uint32_t flips = mutant_draw(mutant->random, 2) ? 1 : 1 + mutant_draw(mutant->random, 8);
    while (flips--)
        mutant->file.bytes[draw_place(mutant)] ^= (uint8_t)(1 << mutant_draw(mutant->random, 8));
}

static void replace_bytes(struct mutant *mutant)
{
    size_t at = draw_place(mutant), length = draw_length(mutant, at);
    for (size_t i = 0; i < length; i++)
        mutant->file.bytes[at + i] = (uint8_t)mutant_draw(mutant->random, 256);
}

static void drop_piece(struct mutant *mutant)
{
    size_t at = draw_place(mutant);
    if (mutant->file.size > 2 * PIECE_MAX)
        drop(mutant, at, draw_length(mutant, at));
}

static void copy_piece(struct mutant *mutant)
{
    uint8_t piece[PIECE_MAX];
    size_t from = draw_place(mutant), length = draw_length(mutant, from);
    memcpy(piece, mutant->file.bytes + from, length);
    insert(mutant, draw_place(mutant), piece, length);
}

static void move_piece(struct mutant *mutant)
{
    uint8_t piece[PIECE_MAX];
    size_t from = draw_place(mutant), length = draw_length(mutant, from);
    if (mutant->file.size <= 2 * PIECE_MAX)
        return;
    memcpy(piece, mutant->file.bytes + from, length);
    drop(mutant, from, length);
    insert(mutant, draw_place(mutant), piece, length);
}

static void swap_pieces(struct mutant *mutant)
{
    uint8_t *bytes = mutant->file.bytes;
    size_t a = draw_place(mutant), b = draw_place(mutant);
    size_t length = draw_length(mutant, a > b ? a : b);
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = bytes[a + i];
        bytes[a + i] = bytes[b + i];
        bytes[b + i] = byte;
    }
}

/* A marker of any kind, fill bytes, or a 0xff of the data, in between or over what is there. */
static void put_marker(struct mutant *mutant)
{
    static const uint8_t codes[] = {0x00, 0xff, 0xd8, JPEG_EOI, 0xda, 0xc4, 0xdb,
                                    0xdd, 0xfe, 0xe1, 0xc0,     0xc2, 0x01, 0xdc};
    uint32_t code = mutant_draw(mutant->random, 2 * sizeof codes);
    uint8_t marker[] = {0xff, code < sizeof codes ? codes[code] : JPEG_RST0 + code % 8};
    size_t at = draw_place(mutant);
    if (mutant_draw(mutant->random, 2) || at + sizeof marker > mutant->file.size)
        insert(mutant, at, marker, sizeof marker);
    else
        memcpy(mutant->file.bytes + at, marker, sizeof marker);
}

/* The next restart marker from that place on, or 0. */
static size_t find_restart(const struct mutant *mutant, size_t at)
{
    for (; at + 1 < mutant->file.size; at++)
        if (is_restart(mutant->file.bytes + at))
            return at;
    return 0;
}

static void change_restart(struct mutant *mutant)
{
    uint8_t *bytes = mutant->file.bytes;
    size_t at = find_restart(mutant, draw_place(mutant));
    size_t next = at ? find_restart(mutant, at + 2) : 0;
    uint32_t kind = mutant_draw(mutant->random, 4);
    if (at == 0) {
        put_marker(mutant);
    } else if (kind == 0) {
        drop(mutant, at, 2);
    } else if (kind == 1) {
        insert(mutant, at, (uint8_t[]){0xff, bytes[at + 1]}, 2);
    } else if (kind == 2 && next) {
        uint8_t code = bytes[at + 1];
        bytes[at + 1] = bytes[next + 1];
        bytes[next + 1] = code;
    } else {
        bytes[at + 1] = (uint8_t)(JPEG_RST0 + mutant_draw(mutant->random, 8));
    }
}

static void mutate(struct mutant *mutant)
{
    static void (*const kinds[])(struct mutant *) = {flip_bits,  replace_bytes, drop_piece,
                                                     copy_piece, move_piece,    swap_pieces,
                                                     put_marker, change_restart};
    kinds[mutant_draw(mutant->random, sizeof kinds / sizeof *kinds)](mutant);
}

/* How much is left: anything, or all but a few bytes. */
static size_t draw_cut(struct mutant *mutant)
{
    if (mutant_draw(mutant->random, 8) == 0)
        return mutant->file.size - 1 - mutant_draw(mutant->random, 8);
    return draw_place(mutant);
}

struct test_file mutant_make(const struct test_file *file, const struct mutant_scans *scans,
                             uint64_t *random, bool *ret_cut)
{
    struct mutant mutant = {.scans = scans, .random = random};
    mutant.file.bytes = malloc(file->size + (size_t)MUTATIONS_MAX * PIECE_MAX);
    mutant.file.size = file->size;
    if (!mutant.file.bytes)
        abort();
    memcpy(mutant.file.bytes, file->bytes, file->size);
    *ret_cut = mutant_draw(random, 8) == 0;
    if (*ret_cut)
        mutant.file.size = draw_cut(&mutant);
    uint32_t count = *ret_cut ? 0 : mutant_draw(random, 4) ? 1 : MUTATIONS_MAX;
    while (count--)
        mutate(&mutant);
    return mutant.file;
}
