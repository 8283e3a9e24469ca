/* Any bytes as a JPEG at one eighth, a quarter and a half: our way and libjpeg's must come to the
 * same verdict, and to the same pixels. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/jpeg_dc.h"
#include "image/jpeg_progressive.h"
#include "mutate.h"
#include "support/eighth.h"

enum { PIXELS_MAX = 1 << 18, SCANS_MAX = 30 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    return mutate_picture(data, size, size_max, 0, seed);
}

/* What became of a file. */
struct verdict {
    bool tried, made;     /* it was for this way, and it was decoded */
    bool ended;           /* it has no end marker of its own */
    struct pixels pixels; /* when it was made */
};

static bool is_small(const struct jpeg_decompress_struct *cinfo)
{
    return (uint64_t)cinfo->image_width * cinfo->image_height <= PIXELS_MAX;
}

static bool read_progressive(struct eighth *eighth, bool coarse, struct reduce *sink)
{
    struct jpeg_progressive *picture = jpeg_progressive_read(&eighth->cinfo, coarse, SCANS_MAX);

    if (picture)
        jpeg_progressive_write(picture, sink);
    jpeg_progressive_free(picture);
    return picture != NULL;
}

/* `factor` is 1, or 2 where the means of chroma will do. */
static struct verdict read_by_us(const struct test_file *file, int shrink, int factor)
{
    struct eighth eighth;
    struct verdict verdict = {0};
    bool coarse = factor == 2;

    if (eighth_open_by(&eighth, file, shrink) && is_small(&eighth.cinfo)) {
        bool progressive = jpeg_progressive_applies(&eighth.cinfo, coarse);
        struct reduce sink = eighth_sink(&eighth, factor);
        verdict.tried = progressive || jpeg_dc_applies(&eighth.cinfo, coarse);
        if (progressive)
            verdict.made = read_progressive(&eighth, coarse, &sink);
        else if (verdict.tried)
            verdict.made = jpeg_dc_read(&eighth.cinfo, coarse, &sink) == JPEG_DC_OK;
        verdict.pixels = eighth_take(&sink);
    }
    verdict.ended = eighth.ended;
    eighth_close(&eighth);
    return verdict;
}

/* A baseline file that one of the two finds whole, so must the other. A progressive one may be left
 * to libjpeg, and may be damaged where it is jumped over. */
static void compare(const struct test_file *file, int shrink, const struct verdict *ours)
{
    struct eighth eighth;
    struct pixels theirs = {0};

    if (!eighth_open_by(&eighth, file, shrink))
        abort();
    bool progressive = eighth.cinfo.progressive_mode;
    bool made = eighth_decode(&eighth, 1, &theirs);
    bool whole = made && !eighth.damaged;
    if (!progressive && !ours->ended && !eighth.ended && whole != ours->made)
        abort();
    if (ours->made && made && (whole || progressive) && !ours->ended && eighth_is_tame(file) &&
        !test_pixels_equal(&ours->pixels, &theirs))
        abort();
    pixels_done(&theirs);
    eighth_close(&eighth);
}

static void try(const struct test_file *file, int shrink)
{
    struct verdict fine = read_by_us(file, shrink, 1);

    if (fine.tried)
        compare(file, shrink, &fine);
    pixels_done(&fine.pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_file file = {(uint8_t *)(uintptr_t)data, size};
    struct verdict coarse = read_by_us(&file, 8, 2);

    pixels_done(&coarse.pixels);
    try(&file, 8);
    try(&file, 4);
    try(&file, 2);
    return 0;
}
