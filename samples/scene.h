/* Painted landscapes: something to look at in pictures that nobody had to take. */
#ifndef SAMPLES_SCENE_H
#define SAMPLES_SCENE_H

#include <stdint.h>

enum scene_kind { SCENE_MOUNTAINS, SCENE_SEA, SCENE_NIGHT, SCENE_DUNES, SCENE_MEADOW, SCENE_COUNT };

/* Paints a scene into width x height pixels of red, green, blue, rows top down. The same seed gives
 * the same picture. */
void scene_paint(enum scene_kind kind, unsigned seed, uint8_t *rgb, int width, int height);

/* Paints a balloon on nothing: red, green, blue, alpha, not premultiplied. */
void scene_paint_balloon(unsigned seed, uint8_t *rgba, int width, int height);

#endif
