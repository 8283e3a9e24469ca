/* Mutations of JPEG and PNG files that leave the rest of them in order. Bytes that are changed at
 * random are mostly caught by the first length or checksum behind them; these change what a segment
 * or chunk holds, and make its length and checksum anew. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* For LLVMFuzzerCustomMutator(): the picture begins behind `head` bytes. One time in three, and
 * where it is no such file, all bytes are mutated as libFuzzer does it. */
size_t mutate_picture(uint8_t *data, size_t size, size_t size_max, size_t head, unsigned seed);

#endif
