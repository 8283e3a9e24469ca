/* The options that say what a thumbnail looks like: a parser of its own below the program's. */
#ifndef CLI_PICTURE_OPTIONS_H
#define CLI_PICTURE_OPTIONS_H

#include <argp.h>

#include "batch/plan.h"
#include "image/spec.h"

struct picture_options {
    struct image_spec spec; /* without a box when no --size was given, until the end */
    enum plan_format format;
    bool blur_given; /* by --blur */
};

/* A child of another parser, whose state->child_inputs must hold a struct picture_options that
 * picture_options_init() has filled. Its keys are above all letters and from 512 on. */
extern const struct argp picture_options_parser;

void picture_options_init(struct picture_options *ret);

#endif
