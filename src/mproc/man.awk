# Makes manual pages of mproc.h: mproc.3 of its opening comment, a page of each section, and for
# every function a page that leads to its section's.
# usage: awk -v version=X.Y.Z -v dir=FOLDER -f man.awk mproc.h      the folder must be there
#
# It reads what clang-format leaves: a comment, and then, without a blank line, a declaration.
#     /* ---- Lock: one holder at a time ---- */  begins the page mp_lock.3
#     a comment before a declaration              describes it, and those that follow at once
#     a comment before a blank line               is a paragraph of its own
#     a comment behind a field or a constant      describes it, also in several lines
# In a comment a blank line begins a paragraph, and so does "Returns"; a word alone is a heading;
# a word that is indented, and two spaces, begin an entry of a list.

BEGIN {
    page_begin("mproc", "")
}

# ---- Reading: one unit of the header after the other ----

/^\/\* ---- / {
    settle()
    sub(/^\/\* -+ /, "")
    sub(/ -+ \*\/$/, "")
    page_begin(page_name($0), tolower(substr($0, 1, 1)) substr($0, 2))
    next
}

collecting { # a declaration of several lines
    unit = unit "\n" $0
    if (unit_ends())
        declare()
    next
}

in_comment || /^\/\*/ {
    if (!in_comment)
        settle()
    in_comment = !/\*\/$/
    sub(/ ?\*\/$/, "")
    sub(/^(\/\*| \*) ?/, "")
    if ($0 != "" || in_comment)
        pending = pending $0 "\n"
    next
}

/^(MP_API|typedef|enum|struct) / {
    unit = $0
    collecting = 1
    if (unit_ends())
        declare()
    next
}

{ # a blank line, or the preprocessor's
    settle()
    entry = 0
}

END {
    settle()
    if (collecting || in_comment) {
        print "man.awk: the last declaration of " FILENAME " does not end" >"/dev/stderr"
        exit 1
    }
    for (i = 1; i <= pages; i++)
        page_write(order[i])
}

# A declaration ends with its semicolon, or with the comment behind it.
function unit_ends()
{
    if (unit ~ /^(enum|struct) [^\n]*\{/ && unit !~ /\}/)
        return 0
    return unit ~ /;[ \t]*$/ || unit ~ /;[^;]*\*\/[ \t]*$/
}

# ---- Pages ----

# "Back-ends: who runs the jobs" is mp_backend.
function page_name(title)
{
    sub(/:.*/, "", title)
    title = tolower(title)
    gsub(/-/, "", title)
    gsub(/ /, "_", title)
    if (title !~ /ss$/)
        sub(/s$/, "", title)
    return "mp_" title
}

function page_begin(name, title)
{
    page = name
    order[++pages] = name
    titles[name] = title
    entry = 0
}

# A comment that no declaration follows is a paragraph; the first of all is that of the library.
function settle()
{
    if (pending == "")
        return
    if (page == "mproc" && titles[page] == "") {
        titles[page] = pending
        sub(/\.?\n.*/, "", titles[page])
        sub(/^mproc: /, "", titles[page])
        sub(/[^\n]*\n+/, "", pending)
    }
    text[page] = text[page] paragraphs(pending, ".PP")
    pending = ""
}

# ---- Declarations ----

function declare()
{
    collecting = 0
    if (unit ~ /^MP_API/)
        declare_function()
    else if (unit ~ /^typedef/)
        declare_type()
    else if (unit !~ /\{/)
        declare_opaque()
    else if (unit ~ /^enum/)
        declare_enum()
    else
        declare_struct()
}

function declare_function(    name)
{
    sub(/\n? *__attribute__\(\(.*\)\);/, ";", unit)
    gsub(/\n       /, "\n", unit)
    sub(/^MP_API /, "", unit)
    name = unit
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    home[name] = page
    functions[page] = functions[page] " " name
    synopsis[page] = synopsis[page] declaration(unit, name)
    describe("\\fB" name "\\fP()")
}

function declare_type(    name)
{
    name = unit
    sub(/^[^(]*[ *]/, "", unit)
    sub(/\(.*/, "", unit)
    synopsis[page] = synopsis[page] declaration(name, unit)
    describe("\\fB" unit "\\fP")
}

# `struct mp_lock;`: what is said of it comes first on the page.
function declare_opaque(    comment)
{
    comment = unit
    if (sub(/^[^;]*; *\/\* */, "", comment))
        pending = pending capital(comment_end(comment)) ".\n"
    sub(/;.*/, ";", unit)
    synopsis[page] = synopsis[page] declaration(unit, "")
    settle()
    entry = 0
}

# An entry of the description. Declarations that follow each other at once share it; their names are
# put where @1@ stands when all are known.
function describe(name)
{
    if (pending != "") {
        entry_names[++entries] = name
        entry = entries
        text[page] = text[page] ".TP\n@" entry "@\n" paragraphs(pending, ".IP")
        pending = ""
    } else if (entry) {
        entry_names[entry] = entry_names[entry] ", " name
    }
}

function declare_enum(    name, body)
{
    name = unit
    sub(/ *\{.*/, "", name)
    body = unit
    sub(/^[^{]*\{/, "", body)
    if (body ~ /\};[ \n]*\/\*/) # the comment of an enum of one line
        sub(/ *\};[ \n]*/, " ", body)
    else
        sub(/[ \n]*\};.*/, "", body)
    if (name != "enum")
        constants[page] = constants[page] ".SS " name "\n"
    constants[page] = constants[page] paragraphs(pending, ".PP")
    pending = ""
    constants[page] = constants[page] members(body, ",")
    entry = 0
}

function declare_struct(    name, body)
{
    name = unit
    sub(/ *\{.*/, "", name)
    body = unit
    sub(/^[^{]*\{/, "", body)
    sub(/\n\};.*/, "", body)
    structures[page] = structures[page] ".SS " name "\n" paragraphs(pending, ".PP") \
        members(body, ";")
    pending = ""
    entry = 0
}

# The members of a struct or an enum as a list: each ends with `stop`, its comment stands behind it
# or, on lines of its own, before it.
function members(body, stop,    out, before, member, comment)
{
    while (body ~ /[^ \n]/) {
        sub(/^[ \n]+/, "", body)
        if (body ~ /^\/\*/) {
            before = comment_first(body)
            body = comment_rest(body)
            continue
        }
        match(body, stop == "," ? "[ \n]*(,|/[*]|$)" : ";")
        member = substr(body, 1, RSTART - 1)
        body = substr(body, RSTART)
        sub(/^[ \n]*[,;]?/, "", body)
        comment = before
        before = ""
        if (body ~ /^ *\/\*/) {
            sub(/^ */, "", body)
            comment = comment_first(body)
            body = comment_rest(body)
        }
        gsub(/[ \n]+/, " ", member)
        if (stop == ",")
            home[substr(member, 1, index(member " ", " ") - 1)] = page
        out = out ".TP\n" bold(member) "\n" paragraphs(comment, ".IP")
    }
    return out
}

function comment_first(source)
{
    sub(/^\/\* */, "", source)
    return comment_end(substr(source, 1, index(source, "*/") + 1)) "\n"
}

function comment_rest(source)
{
    return substr(source, index(source, "*/") + 2)
}

function comment_end(comment)
{
    sub(/ *\*\/.*/, "", comment)
    gsub(/\n *(\* )?/, " ", comment)
    return comment
}

# ---- Text ----

function capital(words)
{
    return toupper(substr(words, 1, 1)) substr(words, 2)
}

function escape(words)
{
    gsub(/\\/, "\\e", words)
    gsub(/…/, "...", words)
    return words
}

function bold(words)
{
    words = escape(words)
    gsub(/-/, "\\-", words)
    return "\\fB" words "\\fP"
}

# A declaration of the synopsis, the name in bold.
function declaration(source, name)
{
    source = escape(source)
    if (name != "")
        sub(name, "\\fB" name "\\fP", source)
    return source "\n.sp .5v\n"
}

# A comment's lines as paragraphs of groff, each begun by `macro` but the first one of an entry.
function paragraphs(comment, macro,    lines, count, i, line, out, begun)
{
    count = split(comment, lines, "\n")
    begun = macro == ".PP" ? ".PP\n" : ""
    for (i = 1; i <= count; i++) {
        line = lines[i]
        if (line ~ /^ *$/) {
            begun = macro "\n"
        } else if (line ~ /^[A-Z][a-z]+$/) {
            out = out ".SS " line "\n"
            begun = ""
        } else if (line ~ /^  ? ?[A-Z][a-z]+  +[^ ]/) {
            sub(/^ +/, "", line)
            out = out ".TP\n\\fB" substr(line, 1, index(line, " ") - 1) "\\fP\n"
            sub(/^[^ ]+ +/, "", line)
            out = out marked(line) "\n"
            begun = ""
        } else {
            sub(/^ +/, "", line)
            if (line ~ /^Returns / && out != "")
                begun = macro "\n"
            out = out begun marked(line) "\n"
            begun = ""
        }
    }
    # Also where it begins in the middle of a line.
    gsub(/\. Returns /, ".\n" macro "\nReturns ", out)
    gsub(/\.\nReturns /, ".\n" macro "\nReturns ", out)
    return out
}

# Names of the library and errors in bold, names of arguments and fields in italics.
function marked(line,    out, word, before)
{
    line = escape(line)
    while (match(line, /`[^`]*`|[A-Za-z0-9_]+|-[A-Z0-9]+/)) {
        word = substr(line, RSTART, RLENGTH)
        before = RSTART > 1 ? substr(line, RSTART - 1, 1) : " "
        out = out substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH)
        if (word ~ /^`/)
            word = "\\fI" substr(word, 2, length(word) - 2) "\\fP"
        else if (word ~ /^-/)
            word = (before ~ /[A-Za-z0-9)]/ ? "-" : "\\-") substr(word, 2)
        else if (word ~ /^(mp_[a-z_]+|MP_[A-Z_]+)$/) {
            seen[page] = seen[page] " " word
            word = "\\fB" word "\\fP"
        } else if (word ~ /^[a-z]+_[a-z_]*$/)
            word = "\\fI" word "\\fP"
        out = out word
    }
    out = out line
    return out ~ /^[.']/ ? "\\&" out : out
}

# ---- Writing ----

function page_write(name,    file, list, count, i, names)
{
    file = dir "/" name ".3"
    page = name
    count = split(functions[name], list, " ")
    names = name
    for (i = 1; i <= count; i++) {
        names = names ", " list[i]
        if (list[i] != name) {
            print ".so man3/" name ".3" >(dir "/" list[i] ".3")
            close(dir "/" list[i] ".3")
        }
    }
    printf ".\\\" Made from mproc.h.\n.TH %s 3 \"\" \"mproc %s\" \"mproc\"\n", name, version >file
    print ".ad l\n.nh\n.ss 12 0" >file
    printf ".SH NAME\n%s \\- %s\n", names, titles[name] >file
    printf ".SH SYNOPSIS\n.nf\n\\fB#include <mproc.h>\\fP\n.sp\n%s.fi\n", synopsis[name] >file
    if (name == "mproc")
        printf ".sp\ncc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs mproc)\n" >file
    section("DESCRIPTION", with_names(text[name]), file)
    section("STRUCTURES", structures[name], file)
    section("CONSTANTS", constants[name], file)
    if (name == "mproc")
        section("PAGES", overview(), file)
    section("SEE ALSO", see_also(name), file)
    close(file)
}

function section(title, body, file)
{
    sub(/^\.PP\n/, "", body)
    if (body != "")
        printf ".SH %s\n%s", title, body >file
}

function with_names(body,    number)
{
    while (match(body, "\n@[0-9]+@\n")) {
        number = substr(body, RSTART + 2, RLENGTH - 4)
        body = substr(body, 1, RSTART) entry_names[number] substr(body, RSTART + RLENGTH - 1)
    }
    return body
}

function overview(    i, out)
{
    for (i = 2; i <= pages; i++)
        out = out ".TP\n\\fB" order[i] "\\fP(3)\n" titles[order[i]] "\n"
    return out
}

# The page of the library, and those whose functions this one speaks of.
function see_also(name,    out, words, count, i, other, told)
{
    if (name == "mproc")
        return "\\fBfork\\fP(2), \\fBpidfd_open\\fP(2), \\fBpthreads\\fP(7)\n"
    out = "\\fBmproc\\fP(3)"
    count = split(seen[name], words, " ")
    for (i = 1; i <= count; i++) {
        other = home[words[i]]
        if (other == "" || other == "mproc" || other == name || other in told)
            continue
        told[other] = 1
        out = out ",\n\\fB" other "\\fP(3)"
    }
    return out "\n"
}
