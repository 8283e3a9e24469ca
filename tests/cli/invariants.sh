# What holds after any fault, for tests that make the program fail. They have a folder `in` with $pictures
# JPEGs, a calm run's output in `calm`, and run into $work/thumbs, with --report report.ndjson. `older` says
# whether there was a tree of another run's, a copy of the folder older, before.

# no_process PROGRAM: nothing of the run is left, which ends by itself when its parent has
no_process() {
    for try in 1 2 3 4 5 6 7 8 9 10; do
        pgrep -f "^$1 .*$work/thumbs" >left || return 0
        sleep 0.1
    done
    fail "processes are left: $(tr '\n' ' ' <left)(try $try)"
}

# whole_files: each is the new one or the older one
whole_files() {
    [ -d thumbs ] || return 0
    find thumbs -type f -name '*.jpg' | while IFS= read -r file; do
        name=${file#thumbs/}
        cmp -s "$file" "calm/$name" || { [ "$older" = yes ] && cmp -s "$file" "older/$name"; } || echo "$name"
    done >broken
    is 'half-written files' "$(wc -l <broken)" 0
}

# ledger: what the exit code $code and the report say is true. Without a report the program says why.
ledger() {
    case $code in
    0) diff -r -x .thumbpool.ndjson -x '.thumbpool-*' calm thumbs >diff || fail "exit code 0, and the tree is another" ;;
    1) [ "$(field failed)" -gt 0 ] || fail 'exit code 1, and nothing has failed' ;;
    3) [ -s err ] || fail 'exit code 3 without a word' ;;
    *) fail "exit code $code" ;;
    esac
    [ "$(tail -n 1 report.ndjson 2>/dev/null | cut -c 1-17)" = '{"type":"summary"' ] || {
        [ "$code" = 3 ] || fail "exit code $code without a report"
        return
    }
    told=$(grep -c '"type":"result"' report.ndjson)
    counted=$(($(field made) + $(field current) + $(field failed) + $(field skipped)))
    grep -q "report could not be written" err || is "the number of results" "$told" $counted
    # A folder that could not be read is one more input, which has failed, for all of those in it that are not known.
    sum=$((counted + $(field not_started)))
    [ $sum -eq "$pictures" ] || grep -q '"src":"in[0-9/]*","status":"failed"' report.ndjson ||
        fail "the count of all is $sum, not $pictures"
}

# goes_on: a calm run after it makes the same tree, and the inputs are what they were
goes_on() {
    expect 0 "$THUMBPOOL" in -o thumbs -s 40 --quiet
    same calm thumbs
    clean thumbs
    is 'the checksum of the inputs' "$(find in -type f -exec cksum {} + | cksum)" "$inputs"
}
