#include "cli/option_list.h"

#include <assert.h>

static void gather(const struct argp *parser, struct option_list *list)
{
    for (const struct argp_option *option = parser->options; option->name || option->doc; option++)
        if (option->name) {
            assert(list->count < OPTION_LIST_MAX);
            list->all[list->count++] = option;
        }
    for (const struct argp_child *child = parser->children; child && child->argp; child++)
        gather(child->argp, list);
}

void option_list_gather(const struct argp *parser, struct option_list *ret)
{
    ret->count = 0;
    gather(parser, ret);
}

bool option_has_letter(const struct argp_option *option)
{
    return option->key > ' ' && option->key < 0x7f;
}
