/* sRGB's curve. */
#ifndef IMAGE_SRGB_H
#define IMAGE_SRGB_H

#include <stdint.h>

enum {
    SRGB_LIGHT_BITS = 14, /* of linear light: enough that the curve's steep dark end has no gaps */
    SRGB_LIGHT_MAX = (1 << SRGB_LIGHT_BITS) - 1,
};

/* The light, 0..1, of a sample, 0..1. Source: IEC 61966-2-1. */
double srgb_light(double sample);

/* Fills the nearest sample, 0..255, for each amount of light, 0..SRGB_LIGHT_MAX. */
void srgb_samples(uint8_t ret[SRGB_LIGHT_MAX + 1]);

#endif
