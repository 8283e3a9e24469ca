/* The memory that pictures may take, all workers together. Whoever hands out a job grants it some;
 * what a picture needs its worker finds out from the header, and asks for more before it takes any.
 *
 * Every worker has an ordinary grant, set aside for good, so that ordinary pictures never wait.
 * What is left is for large ones, which have it from when they are handed out until they are
 * settled. One that needs nearly all of it flies alone. */
#ifndef BATCH_BUDGET_H
#define BATCH_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
    int64_t total;    /* bytes; 0: no limit, and grants are 0 */
    int64_t ordinary; /* what a picture is granted unless it asks for more */
    int64_t large;    /* set aside for what large ones take beyond that */
    int64_t taken;    /* of it; more than all: by one that flies alone */
};

/* So many bytes for so many workers. */
void budget_init(struct budget *budget, int64_t total, int workers);

/* What a picture is granted that needs so much, at most `total`; 0 need: nobody knows yet. */
int64_t budget_grant(const struct budget *budget, int64_t need);

/* True when a picture may be handed out with that grant while `flying` others are under way. */
bool budget_allows(const struct budget *budget, int64_t grant, int flying);

/* True when it would have to fly alone. */
bool budget_is_for_one(const struct budget *budget, int64_t grant);

/* Notes that a picture has its grant, and that it has it no longer. */
void budget_take(struct budget *budget, int64_t grant);
void budget_give_back(struct budget *budget, int64_t grant);

#endif
