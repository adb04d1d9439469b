# bash completion for zsim; the program itself says what could come next.
# shellcheck shell=bash
_zsim() {
    local line=${COMP_LINE:0:COMP_POINT} words word stem candidate
    # Whole words: bash cuts also at "=" and ":", zsim does not.
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    word=${words[-1]}
    # Bash replaces what follows the last place where it cuts.
    stem=${word%"${word##*[=:]}"}
    COMPREPLY=()
    while IFS= read -r candidate; do
        [[ $candidate == "$word"* ]] && COMPREPLY+=("${candidate#"$stem"}")
    done < <("${words[0]}" --complete "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
}
# Where the program says nothing, a file can stand.
complete -o default -F _zsim zsim
