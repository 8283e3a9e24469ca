# For peers.sh and stages.sh, which source it.
# shellcheck shell=bash disable=SC2034 # what it sets is theirs

# gather FOLDER TIMES: links its pictures under numbers into $IN, each so many times, or copies them where
# links may not be, and writes their names to $LIST, each ended by NUL. Sets files, jpegs and megabytes.
gather() {
    local file copy extension numbered
    rm -rf "$IN"
    mkdir "$IN"
    files=0 jpegs=0
    while IFS= read -r -d '' file; do
        extension=jpg
        [[ ${file,,} == *.png ]] && extension=png
        for ((copy = 0; copy < $2; copy++)); do
            files=$((files + 1))
            [ $extension = png ] || jpegs=$((jpegs + 1))
            printf -v numbered '%s/%06d.%s' "$IN" $files $extension
            ln "$file" "$numbered" 2>/dev/null || cp "$file" "$numbered" || exit 1
        done
    done < <(find -L "$1" -type f \( -iname '*.jpg' -o -iname '*.jpeg' -o -iname '*.png' \) -print0 | sort -z)
    find "$IN" -type f -print0 | sort -z >"$LIST"
    megabytes=$(tr '\0' '\n' <"$LIST" | xargs -d '\n' stat -c %s | awk '{sum += $1} END {printf "%.1f", sum / 1e6}')
}

# Machine, date and how busy it is.
machine() {
    printf '%s, %s processors, %s; Linux %s; load before %s' "$(date -u +%F)" "$(nproc)" \
        "$(sed -n '/^model name/{s/.*: //p;q}' /proc/cpuinfo)" "$(uname -r)" "$(cut -d' ' -f1 /proc/loadavg)"
}
