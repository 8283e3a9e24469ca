# Types lines into a zsh on a pseudo-terminal, and has each completed. Works in the folder of the test, which
# holds thumbpool.zsh. Exits 1 when a line becomes another one than it should.
zmodload zsh/zpty zsh/zselect || exit 1
cp thumbpool.zsh _thumbpool
: >lines
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($PWD \$fpath); autoload -Uz compinit; compinit -u -d $PWD/zcompdump"
zpty -w shell 'note() { print -r -- "$BUFFER" >>lines; BUFFER= }; zle -N note; bindkey "^X" note'
zpty -w shell 'setopt no_beep no_list_ambiguous; bindkey "^I" complete-word; print -r ready >>lines'
bad=0

# take NUMBER: waits for that line of what was noted
take() {
    for (( i = 0; i < 2000; i++ )); do
        (( $(wc -l <lines) < $1 )) || break
        zpty -r -t shell output 2>/dev/null
        zselect -t 1
    done
    sed -n "$1p" lines
}

# becomes TYPED WANTED
noted=1
take 1 >/dev/null
becomes() {
    zpty -w -n shell "$1"$'\t'$'\x18'
    (( ++noted ))
    found=$(take $noted)
    [[ $found == $2 ]] || { print -r -- "FAILED: zsh makes \"$found\" of \"$1\", not \"$2\""; bad=1 }
}
becomes 'thumbpool --fi' 'thumbpool --fi'
becomes 'thumbpool --gra' 'thumbpool --gravity='
becomes 'thumbpool --fit con' 'thumbpool --fit contain '
becomes 'thumbpool --fit=con' 'thumbpool --fit=contain '
becomes 'thumbpool -fweb' 'thumbpool -fwebp '
becomes 'thumbpool in --no-ro' 'thumbpool in --no-rotate '
becomes 'thumbpool -o a' 'thumbpool -o a\ folder/'
becomes 'thumbpool -n a\ fi' 'thumbpool -n a\ file.jpg '
becomes 'thumbpool ben' 'thumbpool bench '
becomes 'thumbpool bench --exp' 'thumbpool bench --export-'
becomes 'thumbpool bench --work io,ph' 'thumbpool bench --work io,photos,'
exit $bad
