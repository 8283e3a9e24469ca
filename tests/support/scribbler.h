/* A hostile worker: what it writes at random over the pages that it shares with its parent and into
 * the channels between them, and how it ends then. It knows the protocol, so that much of it looks
 * right. */
#ifndef SUPPORT_SCRIBBLER_H
#define SUPPORT_SCRIBBLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SCRIBBLER_PAGES = 8,           /* shared mappings, at most */
    SCRIBBLER_RESULT_MAX = 200000, /* bytes that a result has, about */
};

struct scribbler {
    uint64_t random; /* where the randomness stands */
    int result_fd;   /* the pipe up */
    int job_fd;      /* the socket down; -1 unknown */
    uint64_t seq;    /* of the assignment that runs: see scribbler_look() */
    unsigned pages;  /* of these; the first is the control page */
    struct page {
        unsigned char *begin;
        size_t size; /* bytes */
    } page[SCRIBBLER_PAGES];
};

uint32_t scribbler_random(uint64_t *state);
bool scribbler_one_in(uint64_t *state, uint32_t n);

/* Finds out from the page which assignment runs. To be called once the pages are known. */
void scribbler_look(struct scribbler *scribbler);

/* Scribbles for a while. */
void scribbler_scribble(struct scribbler *scribbler);

/* Then either of these: ends at once; is stopped, busy, asleep, silent or slow, which only a
 * deadline ends; or goes on as an honest worker would, or nearly so. With what it wrote into its
 * page it often waits to be ended in that case, too. */
void scribbler_leave(struct scribbler *scribbler);
void scribbler_stay(struct scribbler *scribbler) __attribute__((noreturn));
void scribbler_go_on(struct scribbler *scribbler);

/* Leaves a process behind, which scribbles on for a moment. */
void scribbler_leave_helper(struct scribbler *scribbler);

#endif
