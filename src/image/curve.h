/* The curves that weights are taken from when a picture is resized: how much of a sample counts, by
 * its distance from the middle, in pixels of the result. */
#ifndef IMAGE_CURVE_H
#define IMAGE_CURVE_H

#include <math.h>

/* Each by where it ends. */
enum curve { CURVE_BICUBIC = 2, CURVE_LANCZOS3 = 3 };

/* The cubic with a = -0.5. Source: R. Keys, Cubic Convolution Interpolation for Digital Image
 * Processing, 1981. */
static inline double curve_bicubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < CURVE_BICUBIC)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static inline double curve_sinc(double x)
{
    const double pi = 3.14159265358979323846;

    return x == 0 ? 1 : sin(pi * x) / (pi * x);
}

/* A sinc under the middle of a wider one. Source: C. Duchon, Lanczos Filtering in One and Two
 * Dimensions, 1979. */
static inline double curve_lanczos3(double x)
{
    return fabs(x) < CURVE_LANCZOS3 ? curve_sinc(x) * curve_sinc(x / CURVE_LANCZOS3) : 0;
}

#endif
