bats_require_minimum_version 1.5.0

# Running experiments: result file, table, exit codes.

setup() {
    ZSIM=${ZSIM:-$PWD/zsim}
    cd "$BATS_TEST_TMPDIR"
    cat >small.json <<'END'
{
  "question": "What does a larger pool change?",
  "machine": {"cpus": 2, "nodes": [{"memory": "64M"}]},
  "swap": {"devices": [{"name": "disk", "size": "1G"}]},
  "zswap": {"enabled": true, "compressor": "lz4"},
  "vm": {"page_cluster": 0},
  "cgroups": {"/a": {"memory.max": "4M"}},
  "tasks": [{"name": "t", "cgroup": "/a",
             "workload": {"type": "scattered_zipf", "footprint": "8M", "accesses": 20000}}],
  "seeds": "1..3",
  "variants": [{"name": "small", "set": {"zswap.max_pool_percent": 2}},
               {"name": "large", "set": {"zswap.max_pool_percent": 20}}]
}
END
}

long_run() {
    sed 's/"accesses": 20000/"accesses": 40000000000/; s/"4M"/"32M"/' small.json >long.json
}

@test "a run writes a complete result and prints a table" {
    run --separate-stderr "$ZSIM" small.json -j 2
    [ "$status" -eq 0 ]
    [[ $output == *"major faults"* ]]
    jq -e '.schema == "zsim.result/1" and .complete and .seeds == [1, 2, 3]' results/small.json
    jq -e '[.variants[].name] == ["small", "large"]' results/small.json
    jq -e '[.variants[].runs[].complete] == [true, true, true, true, true, true]' results/small.json
    # Every page is touched once before the accesses that were asked for.
    jq -e '[.variants[].runs[].totals.accesses] | unique == [20000 + 2048]' results/small.json
    jq -e '.variants[1].runs[2].totals | .zswpin + .pswpin > 0' results/small.json
    jq -e '.config.zswap.max_pool_percent == 2' results/small.json
    jq -e '.variants[1].changes == [{"path": ["zswap", "max_pool_percent"], "value": 20}]' results/small.json
    [ "$(ls results)" = small.json ]
}

@test "the table fits 100 columns and its numbers are those of the file" {
    run --separate-stderr "$ZSIM" small.json
    [ "$(awk '{ if (length($0) > most) most = length($0) } END { print most }' <<<"$output")" -le 100 ]
    mean=$(jq '.variants[0].summary.pgmajfault.mean * 10 | round / 10' results/small.json)
    grep -Eq "^major faults +$mean " <<<"$output"
}

@test "seeds that all give the same run are told" {
    "$ZSIM" small.json | grep -q '^means over 3 seeds'
    "$ZSIM" small.json --set 'tasks.t.workload={"type": "sequential", "footprint": "8M", "accesses": 20000}' |
        grep -q '^3 seeds, which all gave the same run;'
}

@test "copies of one run are no sample, until latencies are drawn" {
    jq '.tasks[0].workload = {"type": "sequential", "footprint": "8M", "accesses": 20000}' small.json >copies.json
    "$ZSIM" copies.json
    jq -e '[.differences[] | select(.n > 0)] | length > 10 and all(.interval == "exact" and .n == 3
        and .p == null and .ci95_low == null and .percent_ci95_low == null
        and .seeds_for_1_percent == null)' results/copies.json
    run -0 "$ZSIM" compare results/copies.json
    [[ $output == *"no statistics (all seeds gave the same run)"*"for a spread something must be drawn"* ]]
    "$ZSIM" copies.json --set swap.devices.disk.latency_distribution=exponential
    jq -e 'any(.differences[]; .p != null)' results/copies.json
    run -0 "$ZSIM" compare results/copies.json
    [[ $output == *"3 pairs of runs with the same seed"* ]]
}

@test "contents are drawn by their own seed, which a sweep varies" {
    jq '.tasks[0].workload = {"type": "sequential", "footprint": "8M", "accesses": 20000}
        | .tasks[0].content = {"type": "rule", "classes": "80:mixed:1000:3000,20:random"}
        | .sweep = {"tasks.0.content.seed": [1, 2]}' small.json >draws.json
    "$ZSIM" draws.json | grep -q '^3 seeds, which all gave the same run;'
    jq -e '[.variants[] | select(.name | startswith("small,")).summary.refused_stores.mean] | unique | length == 2' results/draws.json
}

@test "changes are against the first variant of the same workload" {
    jq '.sweep = {"tasks.t.workload": [{"type": "scattered_zipf", "footprint": "8M", "accesses": 20000},
                                       {"type": "uniform", "footprint": "7M", "accesses": 10000}]}' small.json >two.json
    run --separate-stderr "$ZSIM" two.json
    mapfile -t names < <(jq -r '.variants[].name' results/two.json)
    [[ $output == *"the workloads differ; changes are against the first variant of the same workload:"* ]]
    for first in 0 1; do
        tr -s ' \n' ' ' <<<"$output" | grep -Fq "\"${names[first]}\" is the base of \"${names[first + 2]}\""
    done
    # The change in the table is that of compare.
    change=$("$ZSIM" compare --format json --metric end_ns --against "${names[1]}" --variant "${names[3]}" results/two.json |
        jq '.comparisons[0].metrics[0].percent * 10 | round / 10')
    grep '^simulated time.* base ' <<<"$output"
    grep "^simulated time.* $change %" <<<"$output"
    run "$ZSIM" two.json --set 'sweep={"vm.swappiness": [60, 100]}'
    [[ $output == *"; changes are against small, "* ]]
    [[ $output != *"is the base of"* ]]
    # A line a variant.
    jq '.sweep["vm.swappiness"] = [60, 100]' two.json >eight.json
    run "$ZSIM" eight.json
    [[ $output == *" base "*"the workloads differ"* ]]
}

@test "compare pairs what a sweep made of two variants by the swept values" {
    jq '.variants += [{"name": "other", "set": {"vm.swappiness": 50}}]
        | .sweep = {"zswap.compressor": ["lz4", "zstd"]}' small.json >swept.json
    "$ZSIM" swept.json
    pairs() {
        "$ZSIM" compare --format json --metric end_ns "$@" | jq -c '[.comparisons[] | [.against, .variant]]'
    }
    cells='["small, compressor=lz4","large, compressor=lz4"],["small, compressor=zstd","large, compressor=zstd"]'
    [ "$(pairs results/swept.json --against small --variant large)" = "[$cells]" ]
    [ "$(pairs results/swept.json --variant small=large)" = "[$cells]" ]
    [ "$(pairs results/swept.json --against small | jq length)" -eq 4 ]
    cp results/swept.json again.json
    [ "$(pairs results/swept.json again.json --variant large | jq -c 'map(unique)')" \
        = '[["large, compressor=lz4"],["large, compressor=zstd"]]' ]
    [ "$(pairs results/swept.json --variant 'small, compressor=lz4=large, compressor=zstd')" \
        = '[["small, compressor=lz4","large, compressor=zstd"]]' ]
    run --separate-stderr "$ZSIM" compare results/swept.json --against smal
    [ "$status" -eq 2 ]
    [[ $stderr == *'has no variant "smal"'* ]]
    jq '.variants |= map(select(.name != "small, compressor=zstd"))' results/swept.json >part.json
    run --separate-stderr "$ZSIM" compare part.json --against small --variant large
    [ "$status" -eq 2 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ $stderr == *'no variant made of "small" has the swept values of "large, compressor=zstd"'* ]]
    jq '.variants |= map(select(.name | startswith("small")))' results/swept.json >small-only.json
    run --separate-stderr "$ZSIM" compare small-only.json --against small
    [ "$status" -eq 2 ]
    [[ $stderr == *'has no variant but those made of "small"'* ]]
}

@test "a variant with a killed task is named by the table, by compare and by gather" {
    jq '.swap.devices[0].size = "1G" | .variants[1].name = "too small"
        | .variants[1].set = {"swap.devices.disk.size": "1M"}' small.json >lost.json
    "$ZSIM" lost.json >lost.txt
    grep -q '%!$' lost.txt
    grep -q '^!: a task was killed in one of the two runs' lost.txt
    grep -q '^OUT OF MEMORY: in 3 of 6 runs a task was killed; .*: "too small"$' lost.txt
    run --separate-stderr "$ZSIM" compare results/lost.json --metric end_ns --fail-on 'end_ns>+1%'
    [ "$status" -eq 3 ]
    [[ $output != *better* ]]
    [[ $stderr == 'zsim: end_ns>+1% cannot be told of variant "too small": '* ]]
    jq -e '[.differences[] | select(.metric != "oom_kill").verdict] | unique == ["killed"]' results/lost.json
    "$ZSIM" expand lost.json -o lost
    "$ZSIM" run --manifest lost/manifest.tsv
    run --separate-stderr "$ZSIM" gather lost/manifest.tsv --metric end_ns
    [ "$stderr" = 'zsim: warning: lost/manifest.tsv: in 3 of 6 runs a task was killed; its accesses after that are missing: "too small" (3)' ]
}

@test "the table has what the figures are about, and whole names over its columns" {
    jq '.variants[1].name = "a name that does not fit over its column, tail"
        | .figures = [{template: "bars", title: "x", metrics: ["pswpin", "shrink_memcg_calls"]}]' \
        small.json >asked.json
    run --separate-stderr "$ZSIM" asked.json
    [ "$status" -eq 0 ]
    mean=$(jq '.variants[0].summary.shrink_memcg_calls.mean * 10 | round / 10' results/asked.json)
    grep -Eq "^shrink_memcg_calls +$mean " <<<"$output"
    [ "$(grep -c pswpin <<<"$output")" -eq 0 ] # it has a row of its own: "disk reads"
    "$ZSIM" compare results/asked.json | grep -q '^shrink_memcg_calls '
    [ "$("$ZSIM" compare results/asked.json | grep -c '^pswpin ')" -eq 1 ]
    [[ ${lines[1]} == *" a name that does not" ]]
    [[ ${lines[2]} == *" fit over its column," ]]
    [[ ${lines[3]} == *"small"*"  tail" ]]
}

@test "counters agree with each other" {
    "$ZSIM" small.json
    jq -e '[.variants[].runs[] | .totals.zswpwb <= .totals.pswpout] | all' results/small.json
    jq -e '[.variants[].runs[] | .totals.pgmajfault <= .totals.pgfault] | all' results/small.json
    jq -e '[.variants[].runs[].histograms.fault_latency_ns[] | .n == ([.buckets[][1]] | add // 0)] | all' results/small.json
    jq -e '[.variants[].runs[] | .totals.zswpin == .cgroups["/"].zswpin] | all' results/small.json
}

@test "-o names the directory, made when it is missing" {
    "$ZSIM" small.json -o a/b/c
    [ -s a/b/c/small.json ]
}

@test "-o on a file is the user's mistake" {
    touch file
    run --separate-stderr "$ZSIM" small.json -o file
    [ "$status" -eq 2 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [ -z "$output" ]
    run "$ZSIM" small.json -o file/below
    [ "$status" -eq 2 ]
}

@test "an output directory that cannot be made: one line, exit code 1" {
    run --separate-stderr "$ZSIM" small.json -o /proc/none
    [ "$status" -eq 1 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ ${stderr_lines[0]} == "/proc/none: error: "* ]]
}

@test "an interrupted run keeps what it has and says so" {
    long_run
    for signal in INT TERM; do
        rm -rf results
        run timeout --preserve-status -s $signal 1 "$ZSIM" long.json -j 1
        [ "$status" -eq 130 ]
        jq -e '.complete | not' results/long.json
        jq -e '[.variants[].runs[].complete] | any | not' results/long.json
        [ "$(ls results)" = long.json ]
    done
}

@test "progress only when asked for, where stderr is no terminal" {
    run --separate-stderr "$ZSIM" small.json
    [[ $stderr != *ETA* ]]
    long_run
    run --separate-stderr timeout --preserve-status -s INT 2 "$ZSIM" long.json --progress always
    [[ $stderr == *ETA* ]]
    [[ $output != *ETA* ]]
}

# What a terminal gets from a command, one state of its last line a line.
on_a_terminal() { # SECONDS COMMAND...
    local seconds=$1
    shift
    script -qec "timeout --preserve-status -s INT $seconds $*" typescript >/dev/null || true
    tr '\r' '\n' <typescript | sed 's/\x1b\[K//'
}

@test "a long single run shows on a terminal how far it has come" {
    [[ -z ${ZSIM_SANITIZED:-} ]] || skip "too slow under sanitizers"
    long_run
    jq '.seeds = "1" | del(.variants)' long.json >single.json
    line='^ *[0-9]+% \| 0/1 runs \| sim [0-9]+\.[0-9] s \| [0-9]+\.[0-9] M accesses/s \| ETA [0-9:-]+$'
    on_a_terminal 3 "$ZSIM" single.json >lines
    [ "$(grep -cE "$line" lines)" -ge 2 ]
    # Simulated time only grows.
    grep -E "$line" lines | sed 's/.*sim //; s/ s .*//' >times
    sort -n -C times
    [ "$(sort -nu times | wc -l)" -ge 2 ]
    on_a_terminal 2 "$ZSIM" single.json --progress never >lines
    ! grep -q 'accesses/s' lines
    "$ZSIM" expand single.json -o sweep
    on_a_terminal 2 "$ZSIM" run --manifest sweep/manifest.tsv --id 1 >lines
    grep -qE "$line" lines
    ! ls sweep/results/*.json
}

@test "compare reads what run writes" {
    "$ZSIM" small.json
    run "$ZSIM" compare results/small.json --metric pswpin --fail-on 'pswpin>+1000%'
    [ "$status" -eq 0 ]
    [[ $output == *"3 pairs of runs"* ]]
    run "$ZSIM" compare results/small.json results/small.json --all
    [ "$status" -eq 0 ]
    [[ $output != *better* && $output != *worse* ]]
    run "$ZSIM" compare results/small.json --fail-on 'zswpin>-99%'
    [ "$status" -eq 3 ]
}
