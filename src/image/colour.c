/* Colour management. Most profiles in photographs are sRGB under one name or another: converting
 * from those would change nothing, so they are known by what they hold. Nearly all others are
 * three curves and a matrix. For these lcms takes 4 ms to prepare, as long as a phone's picture
 * takes to decode; the arithmetic is short, so it is done here. All that remains is for lcms. */
#include "image/colour.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <lcms2.h>

#include "image/inks.h"
#include "image/srgb.h"

/* ---- profiles of three curves and a matrix ---- */

/* What such a profile holds. */
struct shaper {
    double linear[3][256]; /* the light, 0..1, that a sample of each channel stands for */
    double xyz[3][3];      /* what each channel's full light adds to X, Y and Z, at D50 */
};

/* X, Y and Z at D50 to linear sRGB, and back. Source: IEC 61966-2-1, adapted by Bradford. */
static const double xyz_to_srgb[3][3] = {
    {3.1338561, -1.6168667, -0.4906146},
    {-0.9787684, 1.9161415, 0.0334540},
    {0.0719453, -0.2289914, 1.4052427},
};
static const double srgb_to_xyz[3][3] = {
    {0.4360747, 0.3850649, 0.1430804},
    {0.2225045, 0.7168786, 0.0606169},
    {0.0139322, 0.0971045, 0.7141733},
};

/* Fills `shaper`; false for a profile that is not, or not only, three curves and a matrix. */
static bool shaper_read(cmsHPROFILE profile, struct shaper *shaper)
{
    static const cmsTagSignature tables[] = {cmsSigAToB0Tag, cmsSigAToB1Tag, cmsSigDToB0Tag,
                                             cmsSigDToB1Tag};
    static const cmsTagSignature colorants[] = {cmsSigRedColorantTag, cmsSigGreenColorantTag,
                                                cmsSigBlueColorantTag};
    static const cmsTagSignature curves[] = {cmsSigRedTRCTag, cmsSigGreenTRCTag, cmsSigBlueTRCTag};

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (cmsIsTag(profile, tables[i]))
            return false;
    if (cmsGetPCS(profile) != cmsSigXYZData)
        return false;
    for (int c = 0; c < 3; c++) {
        const cmsCIEXYZ *colorant = cmsReadTag(profile, colorants[c]);
        const cmsToneCurve *curve = cmsReadTag(profile, curves[c]);
        if (!colorant || !curve)
            return false;
        shaper->xyz[0][c] = colorant->X;
        shaper->xyz[1][c] = colorant->Y;
        shaper->xyz[2][c] = colorant->Z;
        for (int v = 0; v < 256; v++)
            shaper->linear[c][v] =
                fmin(1, fmax(0, (double)cmsEvalToneCurveFloat(curve, (float)v / 255)));
    }
    return true;
}

/* True when converting would change nothing that can be seen. */
static bool shaper_is_srgb(const struct shaper *shaper)
{
    const double near = 0.002;

    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 3; i++)
            if (!(fabs(shaper->xyz[i][c] - srgb_to_xyz[i][c]) < near))
                return false;
        for (int v = 0; v < 256; v++)
            if (!(fabs(shaper->linear[c][v] - srgb_light(v / 255.0)) < near))
                return false;
    }
    return true;
}

enum { SUM_BITS = 8 /* of fraction beyond SRGB_LIGHT_BITS while three channels' light is added */ };

/* The whole conversion as tables: what light each channel's sample adds to each of sRGB's, and the
 * sample that sRGB has for that much light. */
struct shaper_tables {
    int32_t light[3][3][256]; /* [sRGB's channel][the picture's channel][sample] */
    uint8_t samples[SRGB_LIGHT_MAX + 1];
};

static void tables_fill(struct shaper_tables *tables, const struct shaper *shaper)
{
    for (int to = 0; to < 3; to++)
        for (int from = 0; from < 3; from++) {
            double share = 0;
            for (int i = 0; i < 3; i++)
                share += xyz_to_srgb[to][i] * shaper->xyz[i][from];
            share = fmin(4, fmax(-4, share)); /* a lying matrix must not overflow the sums */
            for (int v = 0; v < 256; v++)
                tables->light[to][from][v] = (int32_t)lround(share * shaper->linear[from][v] *
                                                             SRGB_LIGHT_MAX * (1 << SUM_BITS));
        }
    srgb_samples(tables->samples);
}

static uint8_t sample_for(const struct shaper_tables *tables, int to, const uint8_t *pixel)
{
    const int32_t(*light)[256] = tables->light[to];
    int32_t sum = light[0][pixel[0]] + light[1][pixel[1]] + light[2][pixel[2]];

    sum = (sum + (1 << (SUM_BITS - 1))) >> SUM_BITS;
    return tables->samples[sum < 0 ? 0 : sum > SRGB_LIGHT_MAX ? SRGB_LIGHT_MAX : sum];
}

static int shaper_apply(const struct shaper *shaper, struct pixels *pixels)
{
    struct shaper_tables *tables = malloc(sizeof *tables);

    if (!tables)
        return -ENOMEM;
    tables_fill(tables, shaper);
    for (int y = 0; y < pixels->height; y++) {
        uint8_t *pixel = pixels->data + (size_t)y * pixels->stride;
        for (int x = 0; x < pixels->width; x++, pixel += 4) {
            uint8_t red = sample_for(tables, 0, pixel), green = sample_for(tables, 1, pixel);
            pixel[2] = sample_for(tables, 2, pixel);
            pixel[1] = green;
            pixel[0] = red;
        }
    }
    free(tables);
    return 0;
}

/* ---- all other profiles, by lcms ---- */

struct conversion {
    cmsHPROFILE to; /* sRGB, or grey with its curve */
    cmsHTRANSFORM transform;
};

static void conversion_done(struct conversion *c)
{
    if (c->transform)
        cmsDeleteTransform(c->transform);
    if (c->to)
        cmsCloseProfile(c->to);
}

/* Grey whose steps look like sRGB's, so that it matches a coloured picture beside it. */
static cmsHPROFILE srgb_grey(cmsContext context)
{
    cmsHPROFILE profile = NULL;
    const cmsFloat64Number parameters[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    cmsToneCurve *curve = cmsBuildParametricToneCurve(context, 4, parameters);

    if (curve)
        profile = cmsCreateGrayProfileTHR(context, cmsD50_xyY(), curve);
    cmsFreeToneCurve(curve);
    return profile;
}

static cmsColorSpaceSignature space_of(enum codec_colour colour)
{
    if (colour == CODEC_GREY)
        return cmsSigGrayData;
    return colour == CODEC_RGB ? cmsSigRgbData : cmsSigCmykData;
}

static cmsUInt32Number format_of(enum codec_colour colour)
{
    switch (colour) {
    case CODEC_GREY: return TYPE_GRAY_8;
    case CODEC_CMYK: return TYPE_CMYK_8;
    case CODEC_CMYK_INVERTED: return TYPE_CMYK_8_REV;
    default: return TYPE_RGBA_8;
    }
}

static void conversion_init(struct conversion *c, cmsContext context, cmsHPROFILE from,
                            enum codec_colour colour)
{
    c->to = colour == CODEC_GREY ? srgb_grey(context) : cmsCreate_sRGBProfileTHR(context);
    if (c->to)
        c->transform =
            cmsCreateTransformTHR(context, from, format_of(colour), c->to,
                                  colour == CODEC_GREY ? TYPE_GRAY_8 : TYPE_RGBA_8,
                                  INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_BLACKPOINTCOMPENSATION);
}

/* Returns 1 when it converted, 0 when lcms cannot use the profile. */
static int convert_by_lcms(struct pixels *pixels, cmsContext context, cmsHPROFILE from,
                           enum codec_colour colour)
{
    struct conversion conversion = {0};

    conversion_init(&conversion, context, from, colour);
    int converted = conversion.transform != NULL;
    for (int y = 0; converted && y < pixels->height; y++) {
        uint8_t *row = pixels->data + (size_t)y * pixels->stride;
        cmsDoTransform(conversion.transform, row, row, (cmsUInt32Number)pixels->width);
    }
    conversion_done(&conversion);
    return converted;
}

/* ---- which way ---- */

/* Returns 1 when the pixels are sRGB now, 0 when the profile is no use, or -ENOMEM. */
static int convert(struct pixels *pixels, cmsContext context, cmsHPROFILE from,
                   enum codec_colour colour, bool by_lcms)
{
    struct shaper shaper;

    if (cmsGetColorSpace(from) != space_of(colour))
        return 0;
    if (by_lcms || colour != CODEC_RGB || !shaper_read(from, &shaper))
        return convert_by_lcms(pixels, context, from, colour);
    if (shaper_is_srgb(&shaper))
        return 1;
    return shaper_apply(&shaper, pixels) ? -ENOMEM : 1;
}

/* A profile, and a context of its own that shares nothing with other threads. */
struct opened {
    cmsContext context;
    cmsHPROFILE profile; /* NULL for bytes that are none */
};

static struct opened profile_open(const uint8_t *icc, size_t icc_size)
{
    struct opened opened = {.context = cmsCreateContext(NULL, NULL)};

    if (opened.context && icc_size <= UINT32_MAX)
        opened.profile = cmsOpenProfileFromMemTHR(opened.context, icc, (cmsUInt32Number)icc_size);
    return opened;
}

static void opened_done(struct opened *opened)
{
    if (opened->profile)
        cmsCloseProfile(opened->profile);
    if (opened->context)
        cmsDeleteContext(opened->context);
}

static int convert_by_profile(struct pixels *pixels, enum codec_colour colour, const uint8_t *icc,
                              size_t icc_size, bool by_lcms)
{
    struct opened from = profile_open(icc, icc_size);
    int rc = from.profile ? convert(pixels, from.context, from.profile, colour, by_lcms) : 0;

    opened_done(&from);
    return rc;
}

bool colour_profile_fits(enum codec_colour colour, const uint8_t *icc, size_t icc_size)
{
    struct opened opened = profile_open(icc, icc_size);
    bool fits = opened.profile && cmsGetColorSpace(opened.profile) == space_of(colour);

    opened_done(&opened);
    return fits;
}

static int to_srgb(struct pixels *pixels, enum codec_colour colour, const uint8_t *icc,
                   size_t icc_size, bool by_lcms)
{
    int rc = icc ? convert_by_profile(pixels, colour, icc, icc_size, by_lcms) : 0;

    if (rc == 0 && (colour == CODEC_CMYK || colour == CODEC_CMYK_INVERTED))
        rc = inks_to_srgb(pixels, colour == CODEC_CMYK_INVERTED);
    return rc < 0 ? rc : 0;
}

/* ---- PNG's own words for colours ---- */

static const double srgb_corners[8] = {0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};

/* Within what writers of PNG round to, and pictures that say 0.45455 mean sRGB. */
static bool gamma_is_srgb(double gamma, const double corners[8])
{
    for (int i = 0; i < 8; i++)
        if (corners[i] != 0 && !(fabs(corners[i] - srgb_corners[i]) < 0.005))
            return false;
    return fabs(gamma * 2.2 - 1) < 0.05;
}

static cmsHPROFILE gamma_profile(cmsContext context, enum codec_colour colour, double gamma,
                                 const double *c)
{
    cmsToneCurve *curve = cmsBuildGamma(context, 1 / gamma);
    cmsToneCurve *curves[3] = {curve, curve, curve};
    const cmsCIExyY white = {c[0], c[1], 1};
    const cmsCIExyYTRIPLE triple = {{c[2], c[3], 1}, {c[4], c[5], 1}, {c[6], c[7], 1}};
    cmsHPROFILE profile = NULL;

    if (curve && colour == CODEC_GREY)
        profile = cmsCreateGrayProfileTHR(context, cmsD50_xyY(), curve);
    else if (curve)
        profile = cmsCreateRGBProfileTHR(context, &white, &triple, curves);
    cmsFreeToneCurve(curve);
    return profile;
}

int colour_from_gamma(struct pixels *pixels, enum codec_colour colour, double gamma,
                      const double corners[8])
{
    struct opened from = {0};
    int rc = 0;

    if (!(gamma > 0.05 && gamma < 20) || gamma_is_srgb(gamma, corners))
        return 0;
    from.context = cmsCreateContext(NULL, NULL);
    if (from.context)
        from.profile =
            gamma_profile(from.context, colour, gamma, corners[0] > 0 ? corners : srgb_corners);
    if (from.profile)
        rc = convert(pixels, from.context, from.profile, colour, false);
    opened_done(&from);
    return rc < 0 ? rc : 0;
}

int colour_to_srgb(struct pixels *pixels, enum codec_colour colour, const uint8_t *icc,
                   size_t icc_size)
{
    return to_srgb(pixels, colour, icc, icc_size, false);
}

int colour_to_srgb_by_lcms(struct pixels *pixels, enum codec_colour colour, const uint8_t *icc,
                           size_t icc_size)
{
    return to_srgb(pixels, colour, icc, icc_size, true);
}
