#include "cli/completions.h"

#include "cli/option_list.h"
#include "image/spec.h"

#include <stdio.h>
#include <string.h>

const char *const completions_shells[] = {"bash", "zsh", "fish", NULL};

/* What follows an option; what its argument is called in the table says so. */
enum value_kind {
    VALUE_NONE,   /* nothing */
    VALUE_WORDS,  /* "auto|always|never": one of these */
    VALUE_LIST,   /* "photos,cpu,io": any of these */
    VALUE_FOLDER, /* "DIR" */
    VALUE_FILE,   /* "FILE" */
    VALUE_OTHER   /* nothing that could be completed */
};

static enum value_kind kind_of(const struct argp_option *option)
{
    const char *value = option->arg;
    if (!value)
        return VALUE_NONE;
    if (strncmp(value, "DIR", 3) == 0)
        return VALUE_FOLDER;
    if (strncmp(value, "FILE", 4) == 0)
        return VALUE_FILE;
    if (strchr(value, '|'))
        return VALUE_WORDS;
    return strchr(value, ',') && !strchr(value, '[') ? VALUE_LIST : VALUE_OTHER;
}

/* Prints the words that an option takes, with blanks between them. */
static void print_words(const struct argp_option *option)
{
    if (strcmp(option->name, "gravity") == 0) { /* too many for the table */
        for (int i = 0; image_gravity_names[i]; i++)
            printf("%s%s", i > 0 ? " " : "", image_gravity_names[i]);
        return;
    }
    for (const char *c = option->arg; *c; c++)
        putchar(*c == '|' || *c == ',' ? ' ' : *c);
}

/* Prints what an option does in few words, with a backslash before each character of `escaped`. */
static void print_brief(const struct argp_option *option, const char *escaped)
{
    static const char *const ends[] = {"; ", ": ", ". ", " (", ", which "};
    size_t length = strlen(option->doc);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const char *end = strstr(option->doc, ends[i]);
        length = end && (size_t)(end - option->doc) < length ? (size_t)(end - option->doc) : length;
    }
    for (size_t i = 0; i < length; i++) {
        if (option->doc[i] == '\'')
            fputs("'\\'", stdout); /* ends the quoted text, and begins another one */
        else if (strchr(escaped, option->doc[i]))
            putchar('\\');
        putchar(option->doc[i]);
    }
}

typedef void print_option(const struct argp_option *option);

static void print_each(const struct argp *parser, print_option *print)
{
    struct option_list list;
    option_list_gather(parser, &list);
    for (int i = 0; i < list.count; i++)
        if (!(list.all[i]->flags & OPTION_HIDDEN))
            print(list.all[i]);
}

/* ---- bash ----------------------------------------------------------------------------------- */

static void bash_name(const struct argp_option *option)
{
    if (option_has_letter(option))
        printf(" -%c", option->key);
    printf(" --%s", option->name);
}

static void bash_value(const struct argp_option *option)
{
    static const char *const calls[] = {[VALUE_FOLDER] = "_thumbpool_files -d",
                                        [VALUE_FILE] = "_thumbpool_files -f",
                                        [VALUE_OTHER] = ":"};
    enum value_kind kind = kind_of(option);
    if (kind == VALUE_NONE)
        return;
    fputs("    ", stdout);
    if (option_has_letter(option))
        printf("-%c | ", option->key);
    printf("--%s) ", option->name);
    if (kind == VALUE_WORDS || kind == VALUE_LIST) {
        printf("_thumbpool_%s '", kind == VALUE_LIST ? "list" : "words");
        print_words(option);
        puts("' ;;");
    } else {
        printf("%s ;;\n", calls[kind]);
    }
}

static void bash_command(const char *function, const struct argp *parser)
{
    printf("\n%s() {\n    case $before in\n", function);
    print_each(parser, bash_value);
    fputs("    *) _thumbpool_others '", stdout);
    print_each(parser, bash_name);
    puts("' ;;\n    esac\n}");
}

static void bash_print(const struct argp *thumbnails, const struct argp *bench)
{
    puts("# Completions of thumbpool for bash, made by thumbpool --completions bash.\n"
         "\n"
         "_thumbpool_words() {\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\")\n"
         "}\n"
         "\n"
         "_thumbpool_list() {\n"
         "    local done=\n"
         "    [[ $word != *,* ]] || done=${word%,*},\n"
         "    mapfile -t COMPREPLY < <(compgen -P \"$done\" -W \"$1\" -- \"${word##*,}\")\n"
         "}\n"
         "\n"
         "_thumbpool_files() {\n"
         "    compopt -o filenames 2>/dev/null\n"
         "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$word\")\n"
         "}\n"
         "\n"
         "_thumbpool_others() {\n"
         "    if [[ $word == -* && \" ${COMP_WORDS[*]:0:COMP_CWORD} \" != *' -- '* ]]; then\n"
         "        _thumbpool_words \"$1\"\n"
         "    else\n"
         "        _thumbpool_files -f\n"
         "        [[ $COMP_CWORD != 1 || -z $word || bench != \"$word\"* ]] ||\n"
         "            COMPREPLY+=(bench)\n"
         "    fi\n"
         "}");
    bash_command("_thumbpool_thumbnails", thumbnails);
    bash_command("_thumbpool_bench", bench);
    puts("\n"
         "_thumbpool() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "    COMPREPLY=()\n"
         "    [[ $word != '=' ]] || word=\n"
         "    [[ $before != '=' ]] || before=${COMP_WORDS[COMP_CWORD - 2]}\n"
         "    if [[ $COMP_CWORD != 1 && ${COMP_WORDS[1]} == bench ]]; then\n"
         "        _thumbpool_bench\n"
         "    else\n"
         "        _thumbpool_thumbnails\n"
         "    fi\n"
         "}\n"
         "\n"
         "complete -F _thumbpool thumbpool");
}

/* ---- zsh ------------------------------------------------------------------------------------ */

static void zsh_action(const struct argp_option *option)
{
    enum value_kind kind = kind_of(option);
    if (kind == VALUE_NONE)
        return;
    printf(":%s:", option->name);
    if (kind == VALUE_WORDS)
        putchar('(');
    if (kind == VALUE_LIST)
        printf("_values -s , %s ", option->name);
    if (kind == VALUE_WORDS || kind == VALUE_LIST)
        print_words(option);
    if (kind == VALUE_WORDS)
        putchar(')');
    if (kind == VALUE_FOLDER || kind == VALUE_FILE)
        fputs(kind == VALUE_FOLDER ? "_files -/" : "_files", stdout);
    if (kind == VALUE_OTHER)
        putchar(' ');
}

static void zsh_option(const struct argp_option *option)
{
    bool letter = option_has_letter(option), repeated = strstr(option->doc, "may be repeated");
    const char *plus = option->arg ? "+" : "", *equals = option->arg ? "=" : "";
    fputs("        ", stdout);
    if (repeated)
        fputs("'*'", stdout);
    else if (letter)
        printf("'(-%c --%s)'", option->key, option->name);
    if (letter)
        printf("{-%c%s,--%s%s}", option->key, plus, option->name, equals);
    else
        printf("--%s%s", option->name, equals);
    fputs("'[", stdout);
    print_brief(option, "[]:\\");
    putchar(']');
    zsh_action(option);
    puts("' \\");
}

static void zsh_print(const struct argp *thumbnails, const struct argp *bench)
{
    puts("#compdef thumbpool\n"
         "# Completions of thumbpool for zsh, made by thumbpool --completions zsh.\n"
         "\n"
         "_thumbpool_path() {\n"
         "    if (( CURRENT == 2 )); then\n"
         "        _alternative 'commands:command:(bench)' 'files:picture or folder:_files'\n"
         "    else\n"
         "        _files\n"
         "    fi\n"
         "}\n"
         "\n"
         "_thumbpool_thumbnails() {\n"
         "    _arguments -s -S \\");
    print_each(thumbnails, zsh_option);
    puts("        '*:picture or folder:_thumbpool_path'\n"
         "}\n"
         "\n"
         "_thumbpool_bench() {\n"
         "    _arguments -s -S \\");
    print_each(bench, zsh_option);
    puts("        '*:picture or folder:_files'\n"
         "}\n"
         "\n"
         "_thumbpool() {\n"
         "    if (( CURRENT > 2 )) && [[ $words[2] == bench ]]; then\n"
         "        shift words\n"
         "        (( CURRENT-- ))\n"
         "        _thumbpool_bench\n"
         "    else\n"
         "        _thumbpool_thumbnails\n"
         "    fi\n"
         "}\n"
         "\n"
         "_thumbpool \"$@\"");
}

/* ---- fish ----------------------------------------------------------------------------------- */

static void fish_option(const struct argp_option *option)
{
    static const char *const values[] = {[VALUE_NONE] = "",
                                         [VALUE_WORDS] = " -x -a '",
                                         [VALUE_LIST] = " -x -a '(__fish_append , ",
                                         [VALUE_FOLDER] = " -x -a '(__fish_complete_directories)'",
                                         [VALUE_FILE] = " -r -F",
                                         [VALUE_OTHER] = " -x"};
    enum value_kind kind = kind_of(option);
    if (option_has_letter(option))
        printf(" -s %c", option->key);
    printf(" -l %s%s", option->name, values[kind]);
    if (kind == VALUE_WORDS || kind == VALUE_LIST) {
        print_words(option);
        fputs(kind == VALUE_LIST ? ")'" : "'", stdout);
    }
    fputs(" -d '", stdout);
    print_brief(option, "\\");
    puts("'");
}

static void fish_thumbnails(const struct argp_option *option)
{
    fputs("complete -c thumbpool -n 'not __thumbpool_bench'", stdout);
    fish_option(option);
}

static void fish_bench(const struct argp_option *option)
{
    fputs("complete -c thumbpool -n __thumbpool_bench", stdout);
    fish_option(option);
}

static void fish_print(const struct argp *thumbnails, const struct argp *bench)
{
    puts("# Completions of thumbpool for fish, made by thumbpool --completions fish.\n"
         "\n"
         "function __thumbpool_bench\n"
         "    set -l words (commandline -opc)\n"
         "    test (count $words) -gt 1; and test $words[2] = bench\n"
         "end\n"
         "\n"
         "function __thumbpool_first\n"
         "    test (count (commandline -opc)) -eq 1\n"
         "end\n"
         "\n"
         "complete -c thumbpool -n __thumbpool_first -a bench -d 'Compare back-ends here'");
    print_each(thumbnails, fish_thumbnails);
    print_each(bench, fish_bench);
}

void completions_print(int shell, const struct argp *thumbnails, const struct argp *bench)
{
    static void (*const prints[])(const struct argp *,
                                  const struct argp *) = {bash_print, zsh_print, fish_print};
    prints[shell](thumbnails, bench);
}
