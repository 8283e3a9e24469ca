# Makes Debian's form of a changelog that is kept in the form of keepachangelog.com.
# usage: awk -v source=NAME -v revision=N -v packager='NAME <ADDRESS>' -v today=YYYY-MM-DD -f changelog.awk CHANGELOG.md
# A version with no date is of `today`. Only items of lists are told, without marks of code.

function weekday(year, month, day,    shift) { # Sakamoto's
    split("0 3 2 5 0 3 5 1 4 6 2 4", shift, " ")
    year -= month < 3
    return (year + int(year / 4) - int(year / 100) + int(year / 400) + shift[month] + day) % 7
}

function date(text,    part) { # YYYY-MM-DD as mail has it
    split(text, part, "-")
    return substr("SunMonTueWedThuFriSat", 1 + 3 * weekday(part[1] + 0, part[2] + 0, part[3] + 0), 3) ", " part[3] " " \
        substr("JanFebMarAprMayJunJulAugSepOctNovDec", 3 * part[2] - 2, 3) " " part[1] " 00:00:00 +0000"
}

function flush_item(    count, i, word, line) { # in lines of 78
    count = split(item, word, /[ \t]+/)
    for (i = 1; i <= count; i++)
        if (i > 1 && length(line " " word[i]) > 78) {
            print line
            line = "    " word[i]
        } else
            line = i == 1 ? "  * " word[i] : line " " word[i]
    if (count)
        print line
    item = ""
}

function finish() {
    flush_item()
    if (when != "")
        printf "\n -- %s  %s\n", packager, date(when)
}

/^## \[[0-9]/ {
    finish()
    match($0, /\[[^]]*/)
    printf "%s%s (%s-%s) unstable; urgency=medium\n\n", when == "" ? "" : "\n", source, \
        substr($0, RSTART + 1, RLENGTH - 1), revision
    when = match($0, /[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/) ? substr($0, RSTART, RLENGTH) : today
    next
}

when == "" { next }
{ gsub(/[`*]/, "") }
/^- / { flush_item(); item = substr($0, 3); next }
/^  / && item != "" { item = item substr($0, 2); next }
/^#/ { flush_item() }

END { finish() }
