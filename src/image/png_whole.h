/* The ordinary PNG, read whole: inflated at once, unfiltered and spread row by row. */
#ifndef IMAGE_PNG_WHOLE_H
#define IMAGE_PNG_WHOLE_H

#include <stdbool.h>

#include <png.h>

#include "image/reduce.h"
#include "image/source.h"

/* Bytes that png_whole_read() would allocate for a picture that it takes, 0 for others. */
int64_t png_whole_need(png_structp png, png_infop info, const struct source *source);

/* Reads a picture that is not interlaced into the sink, to the very rows that libpng gives when it
 * is asked for grey of 8 bits, or four channels. A picture of 16 bits with a transparent colour is
 * not for this, nor one that png_inflate() does not take.
 *   png, info  behind png_read_info(), which stops at the pixels
 *   source     that libpng reads from
 *   sink       with four channels when the picture has colour or transparency, else with one
 * Returns false when nothing has gone to the sink and the source stands where it stood, so that
 * libpng can go on. */
bool png_whole_read(png_structp png, png_infop info, struct source *source, struct reduce *sink);

#endif
