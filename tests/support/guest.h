/* Files that only libvips writes, for tests that have started the module. */
#ifndef SUPPORT_GUEST_H
#define SUPPORT_GUEST_H

#include "support/images.h"

/* `pixels` as a file of the kind and with the options of `suffix`, as libvips spells them:
 * ".tif[compression=lzw,tile]". Without bytes when this libvips cannot write it. */
struct test_file test_guest_file(const struct pixels *pixels, const char *suffix);

/* Cyan, magenta, yellow and black of 0..255 as libvips shows them without a profile: sRGB, four
 * channels. Without data when this libvips was built without lcms, and only guesses. */
struct pixels test_guest_srgb_of_inks(const struct pixels *inks);

/* cmocka's set-up and tear-down of a group: the module, loaded and started, becomes the state. The
 * second lets it read what libvips does not trust. */
int test_guest_set_up(void **state);
int test_guest_set_up_untrusted(void **state);
int test_guest_tear_down(void **state);

#endif
