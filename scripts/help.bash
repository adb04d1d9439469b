# shellcheck shell=bash
# Sourced by scripts of one action, behind `set`: with -h or --help, print the first comment.
if [[ ${1-} == -h || ${1-} == --help ]]; then
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit
fi
