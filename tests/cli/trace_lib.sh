# most_at_once TRACE...: pictures under way at the same time, at most, all traces laid over each other
most_at_once() {
    sed -n 's/.*"cat":"picture","ts":\([0-9.]*\),"dur":\([0-9.]*\).*/\1 \2/p' "$@" |
        awk '{ printf "%.3f 1\n%.3f -1\n", $1, $1 + $2 }' | LC_ALL=C sort -k1,1n -k2,2n |
        awk '{ now += $2; if (now > most) most = now } END { print most + 0 }'
}
