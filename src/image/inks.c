/* Inks on paper, by a small table that was fitted to what libvips gives for CMYK without a profile:
 * CIE Lab, which is smooth where sRGB has reached its end, at 5 amounts of cyan and 4 of each other
 * ink, and straight lines between them. Of all colours on a grid of 17 amounts of each ink 99.97 %
 * come within 6 levels of libvips 8.14, none is more than 9 off, and the mean is 0.7. */
#include "image/inks.h"

#include <errno.h>
#include <stdlib.h>

#include "image/srgb.h"

enum { CYANS = 5, OTHERS = 4 };

static const uint8_t cyan_nodes[CYANS] = {0, 64, 128, 192, 255};
static const uint8_t magenta_nodes[OTHERS] = {0, 64, 144, 255}; /* and yellow's */
static const uint8_t black_nodes[OTHERS] = {0, 96, 176, 255};

/* [black][yellow][magenta][cyan]: L of 0..200, a and b. */
static const int16_t looks[OTHERS][OTHERS][OTHERS][CYANS][3] = {
    {
        {
            {{200, 0, 0}, {169, -11, -19}, {148, -21, -32}, {129, -27, -41}, {119, -21, -48}},
            {{166, 25, -4}, {144, 8, -17}, {128, -2, -29}, {110, -15, -39}, {96, -28, -48}},
            {{135, 49, -5}, {117, 30, -16}, {101, 17, -27}, {88, 5, -38}, {72, -8, -46}},
            {{103, 77, -3}, {85, 62, -17}, {69, 50, -28}, {54, 39, -39}, {42, 26, -49}},
        },
        {
            {{195, -5, 28}, {164, -16, 7}, {143, -26, -8}, {125, -38, -20}, {111, -37, -30}},
            {{163, 22, 18}, {140, 5, 1}, {123, -9, -10}, {107, -21, -22}, {93, -36, -33}},
            {{132, 48, 11}, {115, 28, -3}, {99, 15, -14}, {86, -1, -24}, {70, -13, -35}},
            {{103, 76, 7}, {83, 60, -6}, {70, 47, -19}, {54, 35, -29}, {39, 21, -41}},
        },
        {
            {{192, -5, 60}, {162, -20, 38}, {139, -30, 19}, {120, -45, 6}, {104, -64, -7}},
            {{161, 19, 43}, {139, 1, 29}, {121, -13, 12}, {102, -28, -1}, {90, -44, -9}},
            {{132, 46, 32}, {112, 26, 17}, {96, 12, 5}, {79, -5, -8}, {70, -24, -17}},
            {{101, 74, 24}, {84, 57, 8}, {67, 44, -5}, {52, 30, -15}, {36, 15, -29}},
        },
        {
            {{187, -5, 100}, {157, -21, 76}, {136, -33, 58}, {115, -52, 41}, {99, -66, 30}},
            {{158, 19, 81}, {134, 1, 61}, {117, -16, 49}, {100, -33, 34}, {84, -54, 20}},
            {{129, 46, 64}, {110, 24, 48}, {92, 9, 35}, {78, -11, 21}, {65, -33, 11}},
            {{101, 71, 48}, {80, 57, 32}, {66, 41, 18}, {50, 25, 4}, {36, 6, -8}},
        },
    },
    {
        {
            {{132, 1, 0}, {123, -6, -9}, {108, -13, -19}, {94, -20, -29}, {88, -12, -29}},
            {{120, 12, -3}, {109, 5, -11}, {97, -5, -17}, {84, -12, -26}, {73, -22, -34}},
            {{98, 28, -4}, {90, 20, -11}, {81, 12, -18}, {69, 1, -25}, {58, -6, -34}},
            {{73, 54, -8}, {65, 46, -14}, {54, 38, -21}, {43, 28, -31}, {33, 18, -37}},
        },
        {
            {{132, -1, 13}, {119, -9, 2}, {105, -14, -5}, {92, -26, -14}, {80, -37, -26}},
            {{118, 10, 8}, {107, 2, 2}, {96, -5, -7}, {83, -16, -14}, {72, -28, -22}},
            {{98, 27, 4}, {89, 17, -1}, {79, 10, -10}, {67, 0, -19}, {57, -11, -26}},
            {{74, 52, 0}, {64, 45, -8}, {52, 36, -15}, {42, 26, -23}, {32, 14, -31}},
        },
        {
            {{131, -4, 32}, {115, -11, 22}, {104, -21, 12}, {89, -29, 1}, {79, -43, -5}},
            {{115, 8, 26}, {104, 0, 17}, {93, -9, 10}, {80, -18, -2}, {67, -31, -12}},
            {{96, 26, 19}, {87, 16, 12}, {76, 6, 4}, {65, -4, -4}, {52, -17, -13}},
            {{72, 51, 11}, {63, 43, 4}, {51, 33, -4}, {40, 23, -14}, {30, 10, -22}},
        },
        {
            {{127, -4, 62}, {114, -13, 50}, {100, -22, 41}, {86, -35, 29}, {75, -49, 20}},
            {{113, 8, 53}, {101, -2, 45}, {90, -12, 35}, {76, -23, 24}, {66, -40, 14}},
            {{94, 24, 42}, {86, 15, 35}, {75, 5, 25}, {62, -9, 15}, {49, -21, 4}},
            {{71, 51, 28}, {61, 40, 20}, {51, 31, 10}, {39, 21, 2}, {31, 3, -8}},
        },
    },
    {
        {
            {{86, 1, 0}, {85, -4, -6}, {74, -7, -10}, {63, -14, -17}, {58, -19, -23}},
            {{81, 9, -2}, {75, 3, -6}, {66, -2, -12}, {57, -7, -17}, {49, -13, -23}},
            {{68, 18, -4}, {62, 14, -8}, {56, 7, -12}, {48, 2, -18}, {39, -5, -23}},
            {{50, 37, -7}, {43, 31, -11}, {39, 25, -17}, {30, 18, -20}, {25, 12, -25}},
        },
        {
            {{89, 0, 7}, {80, -5, 2}, {70, -10, -5}, {62, -15, -11}, {56, -22, -16}},
            {{80, 6, 5}, {75, 2, 0}, {65, -4, -5}, {57, -10, -11}, {49, -15, -17}},
            {{67, 18, 1}, {62, 13, -2}, {55, 6, -7}, {47, -1, -12}, {38, -6, -18}},
            {{50, 37, -4}, {44, 30, -7}, {38, 24, -13}, {31, 17, -17}, {23, 11, -23}},
        },
        {
            {{89, -2, 18}, {80, -6, 13}, {68, -11, 6}, {62, -20, 1}, {53, -25, -7}},
            {{78, 6, 15}, {71, 1, 10}, {64, -6, 4}, {55, -11, -2}, {47, -19, -8}},
            {{65, 17, 10}, {62, 12, 6}, {54, 6, 1}, {46, -2, -6}, {38, -9, -11}},
            {{50, 35, 5}, {41, 28, -2}, {37, 21, -6}, {33, 13, -10}, {23, 7, -16}},
        },
        {
            {{85, -3, 37}, {77, -8, 31}, {67, -14, 24}, {58, -20, 15}, {52, -30, 8}},
            {{76, 4, 32}, {70, -1, 27}, {63, -8, 21}, {52, -13, 12}, {45, -21, 4}},
            {{63, 18, 23}, {58, 11, 19}, {52, 3, 13}, {43, -5, 7}, {37, -13, 0}},
            {{48, 33, 13}, {43, 27, 8}, {35, 21, 2}, {30, 12, -4}, {24, 4, -8}},
        },
    },
    {
        {
            {{30, 3, -4}, {28, 1, -4}, {28, -1, -7}, {26, -2, -8}, {23, -3, -9}},
            {{29, 4, -3}, {26, 3, -5}, {27, 1, -6}, {23, 0, -7}, {22, -1, -10}},
            {{28, 7, -5}, {26, 5, -6}, {23, 4, -7}, {22, 2, -8}, {20, 1, -10}},
            {{22, 11, -7}, {20, 9, -8}, {19, 5, -7}, {20, 3, -8}, {17, 2, -9}},
        },
        {
            {{28, 2, -1}, {28, 1, -3}, {27, -1, -5}, {26, -2, -6}, {23, -4, -9}},
            {{28, 4, -3}, {26, 2, -4}, {26, 1, -5}, {24, 1, -6}, {21, 0, -8}},
            {{25, 7, -4}, {26, 4, -5}, {24, 3, -6}, {23, 2, -6}, {21, 1, -8}},
            {{19, 11, -6}, {19, 8, -8}, {20, 6, -8}, {20, 5, -8}, {21, 2, -7}},
        },
        {
            {{31, 1, 0}, {29, 0, -2}, {27, -1, -4}, {25, 0, -6}, {23, -3, -7}},
            {{28, 4, -1}, {26, 3, -3}, {25, 1, -4}, {24, 0, -5}, {22, -1, -8}},
            {{24, 7, -4}, {26, 4, -4}, {25, 3, -5}, {24, 3, -6}, {20, 2, -8}},
            {{20, 10, -7}, {18, 8, -7}, {19, 6, -8}, {23, 3, -7}, {26, 1, -6}},
        },
        {
            {{31, 2, 2}, {28, 0, 0}, {28, -1, -2}, {25, -2, -4}, {19, -1, -6}},
            {{27, 4, -1}, {27, 2, -1}, {26, 1, -3}, {24, 0, -5}, {21, 2, -7}},
            {{27, 7, -3}, {23, 4, -4}, {23, 2, -5}, {22, 2, -6}, {20, 4, -8}},
            {{25, 10, -5}, {21, 6, -7}, {21, 5, -8}, {21, 4, -8}, {27, 0, -6}},
        },
    },
};

/* Where an amount of ink stands between two nodes. */
struct place {
    uint8_t node;
    float share; /* of the way to the next node */
};

struct tables {
    struct place cyan[256], magenta[256], black[256];
    uint8_t samples[SRGB_LIGHT_MAX + 1];
};

static void places_fill(struct place *places, const uint8_t *nodes, int flip)
{
    int node = 0;

    for (int amount = 0; amount < 256; amount++) {
        if (amount > nodes[node + 1])
            node++;
        places[amount ^ flip] = (struct place){
            (uint8_t)node, (float)(amount - nodes[node]) / (float)(nodes[node + 1] - nodes[node])};
    }
}

static void mix(const float *from, const float *to, float share, float *ret)
{
    for (int i = 0; i < 3; i++)
        ret[i] = from[i] + (to[i] - from[i]) * share;
}

/* Between the 16 nodes around a colour: along cyan, magenta, yellow, black. */
static void look_up(const struct tables *tables, const uint8_t *inks, float *ret)
{
    struct place c = tables->cyan[inks[0]], m = tables->magenta[inks[1]];
    struct place y = tables->magenta[inks[2]], k = tables->black[inks[3]];
    float lab[16][3];

    for (int corner = 0; corner < 8; corner++) {
        const int16_t(*pair)[3] = &looks[k.node + (corner >> 2)][y.node + (corner >> 1 & 1)]
                                        [m.node + (corner & 1)][c.node];
        for (int i = 0; i < 3; i++)
            lab[corner][i] = (float)pair[0][i] + (float)(pair[1][i] - pair[0][i]) * c.share;
    }
    for (int i = 0; i < 4; i++)
        mix(lab[2 * i], lab[2 * i + 1], m.share, lab[i]);
    for (int i = 0; i < 2; i++)
        mix(lab[2 * i], lab[2 * i + 1], y.share, lab[i]);
    mix(lab[0], lab[1], k.share, ret);
    ret[0] /= 2;
}

/* The inverse of Lab's cube root. Source: CIE 15. */
static float cube(float t)
{
    return t > 6.0f / 29 ? t * t * t : (t - 4.0f / 29) * 108 / 841;
}

static uint8_t sample_of(const struct tables *tables, float light)
{
    int at = (int)(light * SRGB_LIGHT_MAX + 0.5f);

    return tables->samples[at < 0 ? 0 : at > SRGB_LIGHT_MAX ? SRGB_LIGHT_MAX : at];
}

/* Lab and XYZ of a D65 white, to sRGB. Source: IEC 61966-2-1. */
static void lab_to_srgb(const struct tables *tables, const float *lab, uint8_t *ret)
{
    float fy = (lab[0] + 16) / 116;
    float x = 0.95047f * cube(fy + lab[1] / 500), y = cube(fy);
    float z = 1.08883f * cube(fy - lab[2] / 200);

    ret[0] = sample_of(tables, 3.2404542f * x - 1.5371385f * y - 0.4985314f * z);
    ret[1] = sample_of(tables, -0.9692660f * x + 1.8760108f * y + 0.0415560f * z);
    ret[2] = sample_of(tables, 0.0556434f * x - 0.2040259f * y + 1.0572252f * z);
}

int inks_to_srgb(struct pixels *pixels, bool inverted)
{
    struct tables *tables = malloc(sizeof *tables);
    float lab[3];

    if (!tables)
        return -ENOMEM;
    places_fill(tables->cyan, cyan_nodes, inverted ? 255 : 0);
    places_fill(tables->magenta, magenta_nodes, inverted ? 255 : 0);
    places_fill(tables->black, black_nodes, inverted ? 255 : 0);
    srgb_samples(tables->samples);
    for (int y = 0; y < pixels->height; y++) {
        uint8_t *pixel = pixels->data + (size_t)y * pixels->stride;
        for (int x = 0; x < pixels->width; x++, pixel += 4) {
            look_up(tables, pixel, lab);
            lab_to_srgb(tables, lab, pixel);
        }
    }
    free(tables);
    return 0;
}
