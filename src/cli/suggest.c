#include "cli/suggest.h"

#include "cli/option_list.h"
#include "cli/progress.h"

#include <stdlib.h>
#include <string.h>

enum {
    EXIT_USAGE = 2,
    LENGTH_MAX = 40, /* of what is compared; nothing here is as long */
};

/* What other tools call what we have; none of these is a name here. */
static const struct {
    const char *name;   /* theirs */
    const char *option; /* ours */
    const char *advice; /* where its name does not say it all, or NULL */
} others[] = {
    {"width", "size", NULL},
    {"height", "size", NULL},
    {"thumbnail", "size", NULL},
    {"resize", "size", NULL},
    {"geometry", "size", NULL},
    {"outdir", "output", NULL},
    {"output-dir", "output", NULL},
    {"path", "output", NULL},
    {"sigma", "blur", NULL},
    {"gaussian-blur", "blur", NULL},
    {"no-blur", "blur", "--blur 0 is none"},
    {"colour", "color", NULL},
    {"workers", "jobs", NULL},
    {"threads", "jobs", NULL},
    {"parallel", "jobs", NULL},
    {"enlarge", "upscale", NULL},
    {"silent", "quiet", NULL},
    {"crop", "fit", "--fit cover crops"},
    {"smartcrop", "fit", "--fit cover crops, and --gravity says what is kept"},
    {"recursive", "max-depth", "folders are walked in any case, and --max-depth 1 keeps to one"},
    {"auto-orient", "no-rotate", "pictures are turned upright in any case, or not by --no-rotate"},
    {"strip", "keep", "metadata are dropped in any case, unless --keep is given"},
    {"update", "force", "only what has changed is made in any case, and all with --force"},
    {"overwrite", "force", "what has changed is made anew in any case, and all with --force"},
};

/* ---- Near words ----------------------------------------------------------------------------- */

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* How many letters are to be put in, taken out, changed or swapped with the next one, to make the
 * one of the other. Both are LENGTH_MAX long at most.
 * Source: the restricted Damerau-Levenshtein distance (optimal string alignment). */
static int distance(const char *a, const char *b)
{
    int rows[LENGTH_MAX + 1][LENGTH_MAX + 1];
    int a_length = (int)strlen(a), b_length = (int)strlen(b);
    for (int j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (int i = 1; i <= a_length; i++) {
        rows[i][0] = i;
        for (int j = 1; j <= b_length; j++) {
            int change = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            rows[i][j] = least(change, 1 + least(rows[i - 1][j], rows[i][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    }
    return rows[a_length][b_length];
}

/* Remembers the word when it is nearer to the text than the best one so far. */
static void compare(const char *text, const char *word, const char **best, int *best_distance)
{
    if (strlen(text) > LENGTH_MAX || strlen(word) > LENGTH_MAX)
        return;
    int far = distance(text, word);
    if (far >= *best_distance || far > (int)strlen(text) / 3)
        return;
    *best = word;
    *best_distance = far;
}

const char *suggest_word(const char *text, const char *const *words)
{
    const char *best = NULL;
    int best_distance = LENGTH_MAX + 1;
    for (int i = 0; words[i]; i++)
        compare(text, words[i], &best, &best_distance);
    return best;
}

/* ---- Unknown options ------------------------------------------------------------------------ */

/* The long option that is called so, or, if there is none, one whose name begins so; NULL. */
static const struct argp_option *find_long(const struct option_list *list, const char *name,
                                           size_t length)
{
    const struct argp_option *begins = NULL;
    for (int i = 0; i < list->count; i++) {
        const char *candidate = list->all[i]->name;
        if (strncmp(candidate, name, length) != 0)
            continue;
        if (candidate[length] == '\0')
            return list->all[i];
        begins = list->all[i];
    }
    return begins;
}

static const struct argp_option *find_letter(const struct option_list *list, char letter)
{
    for (int i = 0; i < list->count; i++)
        if (option_has_letter(list->all[i]) && list->all[i]->key == letter)
            return list->all[i];
    return NULL;
}

static const char *find_near(const struct option_list *list, const char *name)
{
    const char *best = NULL;
    int best_distance = LENGTH_MAX + 1;
    for (int i = 0; i < list->count; i++)
        if (!(list->all[i]->flags & OPTION_HIDDEN))
            compare(name, list->all[i]->name, &best, &best_distance);
    return best;
}

/* Takes what another tool's name stands for into ret_near or ret_advice, if it is in the list. */
static void find_other(const struct option_list *list, const char *name, const char **ret_near,
                       const char **ret_advice)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *ours = others[i].option;
        if (strcmp(name, others[i].name) != 0 || !find_long(list, ours, strlen(ours)))
            continue;
        *ret_near = ours;
        *ret_advice = others[i].advice;
    }
}

/* Says that there is no such option, and ends the program. `word` is what was written, `name` the
 * name in it. */
static void refuse(const struct option_list *list, const char *program, const char *word,
                   const char *name)
{
    const char *near = find_near(list, name), *advice = NULL;
    find_other(list, name, &near, &advice);
    if (advice)
        progress_complain("unrecognized option '%s': %s", word, advice);
    else
        progress_complain("unrecognized option '%s'%s%s%s", word, near ? "; did you mean --" : "",
                          near ? near : "", near ? "?" : "");
    fprintf(stderr, "Try `%s --help' for more information.\n", program);
    exit(EXIT_USAGE);
}

/* A word that begins with two dashes. Returns true when the next word belongs to it. */
static bool check_long(const struct option_list *list, const char *program, const char *word)
{
    char name[LENGTH_MAX + 2];
    size_t length = strcspn(word + 2, "=");
    const struct argp_option *option = find_long(list, word + 2, length);
    if (option)
        return option->arg && !(option->flags & OPTION_ARG_OPTIONAL) && word[2 + length] == '\0';
    snprintf(name, sizeof name, "%.*s", (int)length, word + 2);
    char shown[LENGTH_MAX + 4];
    snprintf(shown, sizeof shown, "--%s", name);
    refuse(list, program, shown, name);
    return false;
}

/* A word that begins with one dash: letters, of which the first that takes an argument takes the
 * rest of them, or the next word. Returns true when it is the next word. */
static bool check_letters(const struct option_list *list, const char *program, const char *word)
{
    for (const char *letter = word + 1; *letter; letter++) {
        const struct argp_option *option = find_letter(list, *letter);
        char alone[] = {'-', *letter, '\0'};
        bool is_name = !option && letter == word + 1 && strlen(letter) > 2;
        if (!option)
            refuse(list, program, is_name ? word : alone, is_name ? letter : "");
        if (option->arg)
            return letter[1] == '\0';
    }
    return false;
}

void suggest_check(const struct argp *parser, int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *program = slash ? slash + 1 : argc > 0 ? argv[0] : "thumbpool";
    struct option_list list;
    option_list_gather(parser, &list);
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *word = argv[i];
        bool is_option = word[0] == '-' && word[1] != '\0';
        if (!is_option && getenv("POSIXLY_CORRECT"))
            break;
        if (is_option && (word[1] == '-' ? check_long(&list, program, word)
                                         : check_letters(&list, program, word)))
            i++;
    }
}
