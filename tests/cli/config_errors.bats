#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# The command line's messages and exit codes, and that the reference page is current.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    zsim=${ZSIM:-$PWD/zsim}
    broken=tests/data/configs-broken
    work=$BATS_TEST_TMPDIR
    cat > "$work/good.json" <<'END'
{"tasks": [{"name": "a", "workload": {"type": "zipf", "footprint": "1M", "accesses": 100}}]}
END
}

@test "a broken config: place, source line, caret, count, exit 2, nothing on stdout" {
    run --separate-stderr "$zsim" "$broken/unknown-policy.json"
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [ "${stderr_lines[0]}" = "$broken/unknown-policy.json:4:12: error: zswap.lru: unknown value \"globl\"; did you mean \"global\"?" ]
    [ "${stderr_lines[1]}" = "    4 |     \"lru\": \"globl\"" ]
    [ "${stderr_lines[2]}" = "      |            ^" ]
    [ "${stderr_lines[3]}" = "zsim: 1 error in $broken/unknown-policy.json; nothing was run" ]
}

@test "every broken config is refused with exit 2 and a closing line" {
    for file in "$broken"/*.json; do
        run --separate-stderr "$zsim" --check-only "$file"
        [ "$status" -eq 2 ]
        [ -z "$output" ]
        [[ "${stderr_lines[-1]}" =~ ^zsim:\ [0-9]+\ errors?\ in\ .*\;\ nothing\ was\ run$ ]]
    done
}

@test "all configs are checked before any is run" {
    run --separate-stderr "$zsim" -o "$work/out" "$work/good.json" "$broken/range.json"
    [ "$status" -eq 2 ]
    [ ! -e "$work/out" ]
}

@test "two configs of one name are refused" {
    mkdir "$work/other"
    cp "$work/good.json" "$work/other/good.json"
    run --separate-stderr "$zsim" --check-only "$work/good.json" "$work/other/good.json"
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"would both write the result good.json"* ]]
}

@test "--check-only runs nothing" {
    run --separate-stderr "$zsim" --check-only --seeds 1..3 -o "$work/out" "$work/good.json"
    [ "$status" -eq 0 ]
    [ "$output" = "$work/good.json: 1 variant, 3 seeds" ]
    [ -z "$stderr" ]
    [ ! -e "$work/out" ]
}

@test "--set is checked like the config" {
    run --separate-stderr "$zsim" --check-only --set zswap.max_pool_percent=101 "$work/good.json"
    [ "$status" -eq 2 ]
    [ "${stderr_lines[0]}" = "--set zswap.max_pool_percent=101: error: zswap.max_pool_percent: expected a value in 0..100, found 101" ]
    run "$zsim" --check-only --set zswap.max_pool_percent=99 --set zswap.compressor=zstd "$work/good.json"
    [ "$status" -eq 0 ]
}

@test "missing file, directory, pipe" {
    run --separate-stderr "$zsim" "$work/none.json"
    [ "$status" -eq 2 ]
    [ "${stderr_lines[0]}" = "$work/none.json: error: cannot be opened: No such file or directory" ]
    run --separate-stderr "$zsim" "$work"
    [ "$status" -eq 2 ]
    [ "${stderr_lines[0]}" = "$work: error: expected a file, found a directory" ]
    mkfifo "$work/pipe.json"
    run --separate-stderr timeout 10 "$zsim" "$work/pipe.json"
    [ "$status" -eq 2 ]
    [ "${stderr_lines[0]}" = "$work/pipe.json: error: expected a file, found a pipe" ]
}

@test "mistyped commands and flags" {
    run --separate-stderr "$zsim" lsit
    [ "$status" -eq 2 ]
    [ "$stderr" = 'zsim: error: unknown command "lsit"; did you mean "list"?' ]
    run --separate-stderr "$zsim" --chek-only x.json
    [ "$status" -eq 2 ]
    [ "$stderr" = 'zsim: error: unknown flag --chek-only; did you mean --check-only?' ]
    run --separate-stderr "$zsim" run --check-only=1 x.json
    [ "$status" -eq 2 ]
    [ "$stderr" = 'zsim: error: flag --check-only: takes no value' ]
    run --separate-stderr "$zsim" -x
    [ "$status" -eq 2 ]
    [ "$stderr" = 'zsim: error: unknown flag -x' ]
    run --separate-stderr "$zsim" x.json --set
    [ "$status" -eq 2 ]
    [ "$stderr" = 'zsim: error: flag --set: missing value' ]
    run --separate-stderr "$zsim" -j 0 x.json
    [ "$status" -eq 2 ]
    [ "$stderr" = 'zsim: error: flag -j: expected a number of threads in 1..1024, found "0"' ]
    run --separate-stderr "$zsim"
    [ "$status" -eq 2 ]
}

@test "every command says the same of a mistyped flag" {
    for command in run validate compare expand gather "trace info" "trace capture" "trace mrc" \
        advise "content sample" calibrate list explain schema defaults; do
        # shellcheck disable=SC2086 # two words
        run --separate-stderr "$zsim" $command --hepl
        [ "$status" -eq 2 ]
        [[ ${stderr_lines[0]} == *"error: "*"unknown flag --hepl; did you mean --help?"* ]]
    done
}

@test "--help and --version go to stdout" {
    run --separate-stderr "$zsim" --help
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [[ "$output" == *"--check-invariants"* ]]
    run --separate-stderr "$zsim" --version
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" =~ ^zsim\ [0-9]+\.[0-9]+ ]]
    [[ "$output" == *"libzstd "* ]]
}

@test "a full disk is not success" {
    run --separate-stderr bash -c "\"$zsim\" schema > /dev/full"
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"standard output: No space left on device"* ]]
}

@test "list and explain know names, and suggest" {
    run "$zsim" list kernels
    [ "$status" -eq 0 ]
    [[ "$output" == *"v6.18"* ]]
    run "$zsim" explain zswap.max_pool_percent
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "zswap.max_pool_percent  whole number, 0 to 100; default: 20; an event may change it" ]
    run --separate-stderr "$zsim" explain max_pool_precent
    [ "$status" -eq 2 ]
    [ "$stderr" = 'zsim: error: explain: nothing is called "max_pool_precent"; did you mean "max_pool_percent"?' ]
}

@test "defaults are a config" {
    "$zsim" defaults > "$work/defaults.json"
    jq '.tasks = [{"name": "a", "workload": {"type": "zipf", "footprint": "1M", "accesses": 100}}]' \
        "$work/defaults.json" > "$work/complete.json"
    run "$zsim" --check-only "$work/complete.json"
    [ "$status" -eq 0 ]
}

@test "every kernel of the list has defaults" {
    for kernel in $("$zsim" list kernels | awk 'NF && $1 != "kernel" {print $1}'); do
        run "$zsim" defaults "$kernel"
        [ "$status" -eq 0 ]
    done
}

@test "list kernels: 15 presets, a column an axis, 160 columns at most" {
    "$zsim" list kernels > "$work/kernels"
    [ "$(awk '/^$/ {exit} $1 != "kernel"' "$work/kernels" | wc -l)" -eq 15 ]
    for axis in reclaim proactive_reclaim backing allocator lru writeback store_reclaim pool_ref shrinker admission; do
        grep -q "^kernel .*\b$axis\b" "$work/kernels"
    done
    run bash -c "awk '\$1 == \"batch-store1\"' '$work/kernels' | tr -s ' \n' ' '"
    [[ "$output" == *" batch:64 budget:1 percpu_ref second_chance always "* ]]
    [ "$(awk '{if (length($0) > 160) n++} END {print n + 0}' "$work/kernels")" -eq 0 ]
}

@test "the schema is JSON and refuses unknown keys" {
    "$zsim" schema > "$work/schema.json"
    run jq -r '.properties.zswap.additionalProperties, .properties.zswap.properties.max_pool_percent.maximum' "$work/schema.json"
    [ "$output" = "false
100" ]
}

@test "docs/config.md is what zsim schema --markdown writes" {
    "$zsim" schema --markdown > "$work/config.md"
    run diff docs/config.md "$work/config.md"
    [ "$status" -eq 0 ]
}
