/* The comparison in words. Every sentence follows from the figures of this comparison and from
 * nothing else: where they are within noise of each other it says so, and where threads win they
 * win. */
#ifndef BENCH_WORDS_H
#define BENCH_WORDS_H

#include <stddef.h>

#include "batch/text.h"
#include "bench/bench.h"

enum { WORDS_MAX = 40, CLAIM_LINES = 9 };

struct words {
    int count;
    char all[WORDS_MAX][TEXT_MAX]; /* sentences */
};

/* Adds a sentence; one too many is left out. */
void words_say(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the figures say: of one work, the most important first; of the claims, where they were
 * measured; and all of it. */
void words_conclude_work(const struct bench *bench, const struct work *work, struct words *ret);
void words_conclude_claims(const struct bench *bench, struct words *ret);
void words_conclude(const struct bench *bench, struct words *ret);

/* How far they can be trusted: other work on the machine, outliers, failures, the page cache, what
 * was left out. */
void words_doubt(const struct bench *bench, struct words *ret);

/* What it was measured on, and with. */
void words_machine(const struct bench *bench, struct words *ret);

/* What one work was, as a heading: "12 painted pictures of 6 megapixels (31.2 MB)". */
void words_work(const struct bench *bench, const struct result *result, char *text, size_t size);

/* "sequential", "1 thread", "2 processes". */
void words_cell(const struct cell *cell, char *text, size_t size);

/* One of the tutorial's claims, measured. */
struct claim_line {
    const char *what;
    char threads[80];
    char processes[80];
};

/* Adds what the claims come to, where they were measured. */
void words_add_claims(const struct bench *bench, struct words *words);

/* Fills ret[0..CLAIM_LINES). */
void words_claims(const struct claims *claims, struct claim_line *ret);

#endif
