bats_require_minimum_version 1.5.0

# The tutorial does what it says: every command of it is run as it stands.

setup_file() {
    local top=$PWD
    cd "$BATS_FILE_TMPDIR"
    mkdir docs
    cp "$top/docs/tutorial.json" docs/
    ln -s "$top/scripts" scripts
    ln -s "$(realpath "${ZSIM:-$top/zsim}")" zsim
    sed -n 's/^    \$ //p' "$top/docs/tutorial.md" >commands
    sed -n '/^## Your own program/,/^## /s/^    //p' "$top/README.md" >short
    cd "$top"
}

setup() {
    for program in valgrind gnuplot sqlite3 perl; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
    cd "$BATS_FILE_TMPDIR"
}

@test "every command of docs/tutorial.md works, in its order" {
    [ "$(wc -l <commands)" -ge 15 ]
    while read -r line; do
        echo "$line" >&2
        bash -c "$line" </dev/null 2>&1
    done <commands >log
    # What the text says of the outputs.
    grep -q '^2400000$' log
    grep -q '^zsim trace: sort ended with exit status 0$' log
    grep -Eq '^sampled: 1[0-9][0-9] pages' log
    [ -s curves/app.mrc/curve.svg ]
    [ -s results/tutorial/faults.svg ]
    [ -s results/tutorial/latency.svg ]
}

@test "the short form in the README is part of it" {
    [ "$(wc -l <short)" -ge 6 ]
    while read -r line; do
        grep -qxF -- "$line" commands
    done <short
}

@test "the story holds: a cliff left of 700 KiB, fewer faults on the newer kernel" {
    [ -e app.trace ] || skip "the commands were not run"
    ./zsim trace info --json app.trace | jq -e '.distinct_pages > 180 and .distinct_pages < 230'
    ./zsim docs/tutorial.json
    jq -e '[.variants[].runs[0].totals.pgmajfault] | .[0] > .[1] and .[1] > 0' results/tutorial.json
}
