/* Undoing filters. A pixel waits for the one to its left, so what counts is how many steps lie
 * between the two; its bytes are worked on side by side, as 16-bit lanes of one vector. Compilers
 * know good code for all of it but for loads, stores and minima, which are spelt out for x86. */
#include "image/png_filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef int16_t lanes __attribute__((vector_size(16)));

/* Loads and stores pixels of `size` bytes. Where a pixel may be read beyond its end, it is: one
 * load instead of two or three. */
#ifdef __SSE2__
static inline lanes load(const uint8_t *from, int size)
{
    uint32_t few = 0;

    if (size > 4)
        return (lanes)_mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)from),
                                        _mm_setzero_si128());
    memcpy(&few, from, size == 3 ? 4 : (size_t)size);
    return (lanes)_mm_unpacklo_epi8(_mm_cvtsi32_si128((int)few), _mm_setzero_si128());
}

static inline void store(uint8_t *to, lanes value, int size)
{
    __m128i bytes = _mm_packus_epi16((__m128i)value, (__m128i)value);

    memcpy(to, &bytes, (size_t)size);
}

/* Two pixels of 4 bytes side by side, from two places and to two. */
static inline lanes load_two(const uint8_t *from, const uint8_t *other)
{
    return (lanes)_mm_unpacklo_epi64((__m128i)load(from, 4), (__m128i)load(other, 4));
}

static inline void store_two(uint8_t *to, uint8_t *other, lanes value)
{
    __m128i bytes = _mm_packus_epi16((__m128i)value, (__m128i)value);
    __m128i second = _mm_srli_epi64(bytes, 32);

    memcpy(to, &bytes, 4);
    memcpy(other, &second, 4);
}

/* The first halves of both. */
static inline lanes join(lanes first, lanes second)
{
    return (lanes)_mm_unpacklo_epi64((__m128i)first, (__m128i)second);
}

static inline lanes lower_of(lanes a, lanes b)
{
    return (lanes)_mm_min_epi16((__m128i)a, (__m128i)b);
}

static inline lanes higher_of(lanes a, lanes b)
{
    return (lanes)_mm_max_epi16((__m128i)a, (__m128i)b);
}
#else
static inline lanes load(const uint8_t *from, int size)
{
    lanes value = {0};

    for (int i = 0; i < size; i++)
        value[i] = from[i];
    return value;
}

static inline void store(uint8_t *to, lanes value, int size)
{
    for (int i = 0; i < size; i++)
        to[i] = (uint8_t)value[i];
}

static inline lanes join(lanes first, lanes second)
{
    for (int i = 0; i < 4; i++)
        first[4 + i] = second[i];
    return first;
}

static inline lanes load_two(const uint8_t *from, const uint8_t *other)
{
    return join(load(from, 4), load(other, 4));
}

static inline void store_two(uint8_t *to, uint8_t *other, lanes value)
{
    store(to, value, 4);
    for (int i = 0; i < 4; i++)
        other[i] = (uint8_t)value[4 + i];
}

static inline lanes lower_of(lanes a, lanes b)
{
    return b ^ ((a ^ b) & (a < b));
}

static inline lanes higher_of(lanes a, lanes b)
{
    return a ^ ((a ^ b) & (a < b));
}
#endif

/* The bytes, as far as eight bits count, from those stored, and those to the left, above, and above
 * left. */
typedef lanes undo_pixel(lanes raw, lanes a, lanes b, lanes c);

static inline lanes undo_none(lanes raw, lanes a, lanes b, lanes c)
{
    (void)a, (void)b, (void)c;
    return raw;
}

static inline lanes undo_sub(lanes raw, lanes a, lanes b, lanes c)
{
    (void)b, (void)c;
    return raw + a;
}

static inline lanes undo_up(lanes raw, lanes a, lanes b, lanes c)
{
    (void)a, (void)c;
    return raw + b;
}

static inline lanes undo_average(lanes raw, lanes a, lanes b, lanes c)
{
    (void)c;
    return raw + ((a + b) >> 1);
}

/* With p = a + b - c, the standard takes of a, b and c the one that is next to p. That is the lower
 * of a and b when p lies as far below c as half of the way to it, so where 3c - a - b is not below
 * the higher; the higher one likewise; and c in between. Both at once is for a = b = c only. All
 * that is known without `a` stands apart, so that few steps lie between a and the result. */
static inline lanes undo_paeth(lanes raw, lanes a, lanes b, lanes c)
{
    lanes above = c + c + c - b + 1, below = c + c + c - b - 1, base = raw + c;
    lanes lower = lower_of(a, b), higher = higher_of(a, b);
    lanes to_lower = (lower - c) & (above - a > higher);
    lanes to_higher = (higher - c) & (below - a < lower);

    return base + (to_lower + to_higher);
}

/* Undoes a filter of pixels of `step` bytes, `size` in the line. All but the first three arguments
 * are constants, so that each call becomes a loop of its own. Left to itself gcc decides otherwise
 * where a hardened memcpy makes the code look longer, and takes three times as long. */
static inline __attribute__((always_inline)) void undo(const uint8_t *raw, uint8_t *line, int width,
                                                       int step, undo_pixel *pixel)
{
    int size = step == 3 ? 4 : step;
    lanes bits = (lanes){0} + 255, a = {0}, c = {0};
    lanes opaque = step == 3 ? (lanes){0, 0, 0, 255} : (lanes){0};

    for (int x = 0; x < width; x++, raw += step, line += size) {
        lanes b = load(line, size);
        a = pixel(load(raw, step), a, b, c) & bits;
        c = b;
        store(line, a | opaque, size);
    }
}

/* Two rows at a time, the lower one two pixels behind the upper one, so that what is above a pixel
 * is known in time. The first four lanes are of the upper row. */
struct front {
    lanes a;       /* the pixels that were done last */
    lanes delayed; /* and those before them */
    lanes b;       /* what was above the last */
};

static inline lanes advance(struct front *front, lanes raw, lanes above, undo_pixel *pixel)
{
    lanes b = join(above, front->delayed);
    lanes done = pixel(raw, front->a, b, front->b) & ((lanes){0} + 255);

    *front = (struct front){.a = done, .delayed = front->a, .b = b};
    return done;
}

/* `line` and `next` as in png_filter_undo_two(); what is constant in undo() is so here. */
static inline void undo_two(const uint8_t *raw, const uint8_t *lower, uint8_t *line, uint8_t *next,
                            int width, int step, undo_pixel *pixel)
{
    enum { LAG = 2 };
    const lanes opaque = step == 3 ? (lanes){0, 0, 0, 255, 0, 0, 0, 255} : (lanes){0};
    const lanes upper = {-1, -1, -1, -1};
    struct front front = {0};
    uint8_t ignored[4];

    for (int x = 0; x < LAG; x++, raw += step, line += 4) {
        lanes done = advance(&front, load(raw, 4), load(line, 4), pixel);
        store_two(line, ignored, done | opaque);
    }
    front.a &= upper; /* nothing is left of the lower row's first pixel */
    front.b &= upper;
    for (int x = LAG; x < width; x++, raw += step, lower += step, line += 4, next += 4) {
        lanes done = advance(&front, load_two(raw, lower), load(line, 4), pixel);
        store_two(line, next, done | opaque);
    }
    for (int x = 0; x < LAG; x++, lower += step, next += 4) {
        lanes done = advance(&front, load_two(lower, lower), (lanes){0}, pixel);
        store_two(ignored, next, done | opaque);
    }
}

static inline __attribute__((always_inline)) void
undo_any(enum png_filter filter, const uint8_t *raw, uint8_t *line, int width, int step)
{
    switch (filter) {
    case PNG_FILTER_UNDO_SUB: undo(raw, line, width, step, undo_sub); break;
    case PNG_FILTER_UNDO_UP: undo(raw, line, width, step, undo_up); break;
    case PNG_FILTER_UNDO_AVERAGE: undo(raw, line, width, step, undo_average); break;
    case PNG_FILTER_UNDO_PAETH: undo(raw, line, width, step, undo_paeth); break;
    default: undo(raw, line, width, step, undo_none);
    }
}

/* The two filters that do not wait for the left, where bytes stay where they are. */
static void undo_plain(enum png_filter filter, const uint8_t *restrict raw, uint8_t *restrict line,
                       size_t size)
{
    if (filter == PNG_FILTER_UNDO_NONE)
        memcpy(line, raw, size);
    else
        for (size_t i = 0; i < size; i++)
            line[i] = (uint8_t)(line[i] + raw[i]);
}

void png_filter_undo(enum png_filter filter, const uint8_t *raw, int step, uint8_t *line, int width)
{
    bool plain = filter == PNG_FILTER_UNDO_NONE || filter == PNG_FILTER_UNDO_UP;

    if (plain && step != 3)
        undo_plain(filter, raw, line, (size_t)width * (size_t)step);
    else if (step == 1)
        undo_any(filter, raw, line, width, 1);
    else if (step == 2)
        undo_any(filter, raw, line, width, 2);
    else if (step == 3)
        undo_any(filter, raw, line, width, 3);
    else if (step == 4)
        undo_any(filter, raw, line, width, 4);
    else if (step == 6)
        undo_any(filter, raw, line, width, 6);
    else
        undo_any(filter, raw, line, width, 8);
}

bool png_filter_takes_two(enum png_filter filter, int step, int width)
{
    bool waits = filter == PNG_FILTER_UNDO_AVERAGE || filter == PNG_FILTER_UNDO_PAETH;

    return waits && (step == 3 || step == 4) && width >= 2;
}

void png_filter_undo_two(enum png_filter filter, const uint8_t *raw, const uint8_t *lower, int step,
                         uint8_t *line, uint8_t *next, int width)
{
    if (filter == PNG_FILTER_UNDO_AVERAGE && step == 3)
        undo_two(raw, lower, line, next, width, 3, undo_average);
    else if (filter == PNG_FILTER_UNDO_AVERAGE)
        undo_two(raw, lower, line, next, width, 4, undo_average);
    else if (step == 3)
        undo_two(raw, lower, line, next, width, 3, undo_paeth);
    else
        undo_two(raw, lower, line, next, width, 4, undo_paeth);
}
