#include "scene.h"

#include <math.h>
#include <stddef.h>

struct colour {
    float red, green, blue; /* 0..1 */
};

static struct colour mix(struct colour a, struct colour b, float share)
{
    share = fminf(fmaxf(share, 0), 1);
    return (struct colour){a.red + (b.red - a.red) * share, a.green + (b.green - a.green) * share,
                           a.blue + (b.blue - a.blue) * share};
}

static struct colour scale(struct colour colour, float factor)
{
    return (struct colour){colour.red * factor, colour.green * factor, colour.blue * factor};
}

/* ---- Noise ---------------------------------------------------------------------------------- */

/* A number in 0..1 that depends on a grid point only. */
static float lattice(int x, int y, unsigned seed)
{
    uint32_t hash = (uint32_t)x * 374761393u + (uint32_t)y * 668265263u + seed * 2246822519u;
    hash = (hash ^ hash >> 13) * 1274126177u;
    return (float)((hash ^ hash >> 16) & 0xffffff) / 16777215.0f;
}

/* floorf() is a call on plain x86-64, and this is the innermost loop. */
static int floor_int(float number)
{
    int whole = (int)number;
    return whole - (number < (float)whole);
}

/* Smooth noise in 0..1: values on a grid, blended in between. */
static float noise(float x, float y, unsigned seed)
{
    int left = floor_int(x), top = floor_int(y);
    float u = x - (float)left, v = y - (float)top;
    u = u * u * (3 - 2 * u);
    v = v * v * (3 - 2 * v);
    float above = lattice(left, top, seed) * (1 - u) + lattice(left + 1, top, seed) * u;
    float below = lattice(left, top + 1, seed) * (1 - u) + lattice(left + 1, top + 1, seed) * u;
    return above * (1 - v) + below * v;
}

/* Noise of several octaves: large shapes with ever finer detail on them, 0..1. */
static float rough(float x, float y, int octaves, unsigned seed)
{
    float sum = 0, weight = 0.5f;
    for (int i = 0; i < octaves; i++, weight /= 2, x *= 2, y *= 2)
        sum += weight * noise(x, y, seed + (unsigned)i);
    return sum;
}

/* ---- Scenes; x and y run from 0 to 1 over the picture's width, y downwards ------------------- */

static struct colour sky(float x, float y, float horizon, unsigned seed)
{
    struct colour zenith = {0.16f, 0.35f, 0.68f}, haze = {0.93f, 0.80f, 0.66f};
    struct colour cloud = {0.98f, 0.95f, 0.92f};
    struct colour air = mix(zenith, haze, powf(y / horizon, 1.6f));
    float cover = rough(x * 3.1f, y * 8.3f, 6, seed + 90);
    air = mix(air, cloud, (cover - 0.52f) * 4);
    float sun_x = 0.25f + 0.5f * lattice(1, 2, seed), sun_y = horizon * 0.62f;
    float distance = hypotf(x - sun_x, y - sun_y);
    return mix(air, (struct colour){1, 0.95f, 0.8f}, 0.028f / fmaxf(distance, 0.01f) - 0.12f);
}

static struct colour mountains(float x, float y, float bottom, unsigned seed)
{
    enum { RIDGES = 4 };
    /* From the front to the back: the first ridge that is met hides the others. */
    for (int ridge = RIDGES - 1; ridge >= 0; ridge--) {
        float depth = (float)ridge / (RIDGES - 1);
        float rise =
            rough(x * (2.2f + depth * 2), 7.7f * (float)ridge, 7, seed + 17u * (unsigned)ridge);
        float crest = bottom * (0.62f + 0.36f * depth) - bottom * (0.62f - 0.30f * depth) * rise;
        if (y < crest)
            continue;
        struct colour far = {0.52f, 0.60f, 0.72f}, near = {0.09f, 0.17f, 0.10f};
        float grain = rough(x * 60, y * 90, 4, seed + 5);
        float below = (y - crest) / bottom;
        if (ridge < 2 && below < 0.16f * grain * (1.2f - depth)) /* snow */
            return scale((struct colour){0.97f, 0.98f, 1.0f}, 0.82f + 0.2f * grain);
        struct colour mist = {0.86f, 0.84f, 0.82f};
        struct colour rock = scale(mix(far, near, depth), 0.7f + 0.6f * grain);
        return mix(rock, mist, below * 1.5f * (1 - depth));
    }
    return sky(x, y, bottom * 0.62f, seed);
}

static struct colour sea(float x, float y, float bottom, unsigned seed)
{
    float horizon = bottom * 0.48f;
    if (y < horizon)
        return sky(x, y, horizon, seed);
    float near = (y - horizon) / (bottom - horizon);
    float wave = rough(x * 14 / (near + 0.08f), 26 / (near + 0.12f), 5, seed + 3);
    struct colour deep = {0.05f, 0.21f, 0.31f}, light = {0.86f, 0.76f, 0.62f};
    float glitter = powf(wave, 3) * (1.5f - near) * expf(-8 * fabsf(x - 0.5f));
    struct colour colour = mix(mix(deep, light, wave * 0.45f), light, glitter * 3);
    float shore = bottom * (0.9f + 0.05f * noise(x * 3, 1, seed));
    if (y > shore)
        colour = scale((struct colour){0.83f, 0.74f, 0.57f},
                       0.8f + 0.35f * rough(x * 200, y * 200, 3, seed));
    return colour;
}

static struct colour night(float x, float y, float bottom, unsigned seed)
{
    struct colour dark = {0.015f, 0.02f, 0.06f}, glow = {0.16f, 0.10f, 0.22f};
    float band = expf(-powf((y - 0.1f - 0.5f * x) * 6, 2)) * rough(x * 5, y * 5, 6, seed);
    struct colour colour =
        mix(dark, mix(glow, (struct colour){0.55f, 0.45f, 0.5f}, band), band * 2);
    int cell_x = (int)(x * 420), cell_y = (int)(y * 420);
    float star = lattice(cell_x, cell_y, seed + 77);
    float off = hypotf(x * 420 - (float)cell_x - 0.5f, y * 420 - (float)cell_y - 0.5f);
    if (star > 0.985f)
        colour =
            mix(colour, (struct colour){1, 0.97f, 0.9f}, (star - 0.97f) * 33 * (0.5f - off) * 3);
    float crest = bottom * 0.86f - 0.16f * rough(x * 4, 3, 7, seed + 9);
    return y > crest ? scale((struct colour){0.02f, 0.025f, 0.03f}, 0.5f + noise(x * 90, y * 90, 1))
                     : colour;
}

static struct colour dunes(float x, float y, float bottom, unsigned seed)
{
    struct colour colour = sky(x, y, bottom * 0.4f, seed);
    for (int dune = 0; dune < 4; dune++) {
        float rise = 0.3f * noise(x * 2.3f + (float)dune * 5, 0, seed + (unsigned)dune);
        float crest = bottom * (0.40f + 0.17f * (float)dune) - rise * 0.45f;
        if (y < crest)
            continue;
        float slope = noise(x * 2.3f + (float)dune * 5 + 0.05f, 0, seed + (unsigned)dune) -
                      noise(x * 2.3f + (float)dune * 5, 0, seed + (unsigned)dune);
        float ripple = 0.5f + 0.5f * sinf((y - crest) * 900 + 9 * noise(x * 20, y * 20, seed));
        struct colour lit = {0.95f, 0.71f, 0.42f}, shade = {0.43f, 0.23f, 0.15f};
        colour = scale(mix(shade, lit, 0.5f + slope * 12), 0.92f + 0.12f * ripple);
    }
    return colour;
}

static struct colour meadow(float x, float y, float bottom, unsigned seed)
{
    float horizon = bottom * 0.45f + 0.03f * noise(x * 3, 0, seed);
    if (y < horizon)
        return sky(x, y, horizon, seed);
    float near = (y - horizon) / (bottom - horizon);
    float blade = rough(x * 90 / (0.15f + near), y * 40 / (0.15f + near), 5, seed + 2);
    struct colour colour = mix((struct colour){0.10f, 0.25f, 0.05f},
                               (struct colour){0.62f, 0.75f, 0.24f}, blade * 1.3f - 0.2f);
    float size = 16 / (0.1f + near);
    int cell_x = (int)(x * size), cell_y = (int)(y * size * 2);
    float off = hypotf(x * size - (float)cell_x - 0.5f, y * size * 2 - (float)cell_y - 0.5f);
    float which = lattice(cell_x, cell_y, seed + 31);
    if (which > 0.6f && off < 0.16f) /* poppies and daisies */
        colour = which > 0.8f ? (struct colour){0.85f, 0.12f, 0.08f}
                              : (struct colour){0.97f, 0.96f, 0.85f};
    return colour;
}

/* ---- Painting ------------------------------------------------------------------------------- */

static uint8_t level(float share)
{
    return (uint8_t)(fminf(fmaxf(share, 0), 1) * 255 + 0.5f);
}

void scene_paint(enum scene_kind kind, unsigned seed, uint8_t *rgb, int width, int height)
{
    static struct colour (*const scenes[SCENE_COUNT])(float, float, float, unsigned) = {
        mountains, sea, night, dunes, meadow};
    float bottom = (float)height / (float)width;
    for (int row = 0; row < height; row++) {
        for (int column = 0; column < width; column++) {
            float x = ((float)column + 0.5f) / (float)width;
            float y = ((float)row + 0.5f) / (float)width;
            struct colour colour = scenes[kind](x, y, bottom, seed);
            float film = (lattice(column, row, seed + 500) - 0.5f) * 0.02f;
            *rgb++ = level(colour.red + film);
            *rgb++ = level(colour.green + film);
            *rgb++ = level(colour.blue + film);
        }
    }
}

void scene_paint_balloon(unsigned seed, uint8_t *rgba, int width, int height)
{
    float radius = 0.36f, bottom = (float)height / (float)width;
    for (int row = 0; row < height; row++) {
        for (int column = 0; column < width; column++, rgba += 4) {
            float x = ((float)column + 0.5f) / (float)width - 0.5f;
            float y = ((float)row + 0.5f) / (float)width - bottom * 0.42f;
            float narrow = y > 0 ? 1 + y * 1.4f : 1;
            float distance = hypotf(x * narrow, y);
            float turn = x * narrow / sqrtf(fmaxf(radius * radius - y * y, 1e-4f));
            int stripe = (int)floorf(asinf(fminf(fmaxf(turn, -1), 1)) * 4) + 8;
            struct colour red = {0.85f, 0.15f, 0.12f}, cream = {0.98f, 0.92f, 0.75f};
            float light = 1.05f - 0.6f * hypotf(x + 0.12f, y + 0.12f) / radius +
                          0.04f * noise(x * 30, y * 30, seed);
            struct colour colour = scale(stripe % 2 ? red : cream, light);
            rgba[0] = level(colour.red);
            rgba[1] = level(colour.green);
            rgba[2] = level(colour.blue);
            rgba[3] = level((radius - distance) * (float)width / 3);
        }
    }
}
