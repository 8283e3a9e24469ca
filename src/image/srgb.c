#include "image/srgb.h"

#include <math.h>

double srgb_light(double sample)
{
    return sample <= 0.04045 ? sample / 12.92 : pow((sample + 0.055) / 1.055, 2.4);
}

void srgb_samples(uint8_t ret[SRGB_LIGHT_MAX + 1])
{
    int at = 0;

    for (int sample = 0; sample < 256; sample++) { /* up to half-way to the next */
        int end = sample == 255 ? SRGB_LIGHT_MAX
                                : (int)(srgb_light((sample + 0.5) / 255) * SRGB_LIGHT_MAX);
        while (at <= end)
            ret[at++] = (uint8_t)sample;
    }
}
