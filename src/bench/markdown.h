/* The comparison as Markdown: the tables, the words, the machine. */
#ifndef BENCH_MARKDOWN_H
#define BENCH_MARKDOWN_H

#include <stdio.h>

#include "bench/bench.h"

/* An export_fn. */
void markdown_write(const struct bench *bench, FILE *file);

#endif
