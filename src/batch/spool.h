/* Pieces of text, written in any order and read by number: in two unnamed files, so that they cost
 * no memory however many they are. */
#ifndef BATCH_SPOOL_H
#define BATCH_SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct spool {
    FILE *text;     /* the pieces, one after another; NULL: it is not open */
    int index_fd;   /* where each is */
    uint64_t begun; /* where the piece begins that is being written */
    int error;      /* the first, 0 none */
};

/* Takes two descriptors of empty files, to be written and read, or what opening them came to.
 * Returns 0, or -errno with both closed. */
int spool_open(struct spool *ret, int text_fd, int index_fd);

/* Takes a zeroed one, too. */
void spool_close(struct spool *spool);

/* The file that the next piece is to be written to; spool_end() gives it its number and a kind
 * above 0, which the reader gets back. */
FILE *spool_begin(struct spool *spool);
void spool_end(struct spool *spool, uint32_t number, uint32_t kind);

/* To be called between writing and reading. Returns 0, or -errno when something is missing. */
int spool_finish(struct spool *spool);

/* The kind of a piece; 0 when there is none of that number. */
uint32_t spool_kind(const struct spool *spool, uint32_t number);

/* Writes a piece to a file. */
void spool_copy(const struct spool *spool, uint32_t number, FILE *file);

#endif
