#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Counters of real kernels on the same trace, and what zsim validate says about a bad case.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    zsim=${ZSIM:-$PWD/zsim}
    fast=${SHIPPED:-$zsim} # for many runs, of which a few say as well what is covered
    cases=tests/truth/kernel
    work=$BATS_TEST_TMPDIR
}

# Rows that do not agree, one a line: CASE COUNTER KERNEL ZSIM.
disagreements() {
    jq -r 'to_entries[] | .key as $case | .value[] | select(.agrees == false)
           | "\($case) \(.counter) kernel \(.kernel.min)..\(.kernel.max) zsim \(.zsim)"' "$1"
}

# Share of rows that agree, in percent.
agreement() {
    jq '[.[][] | select(has("agrees")) | .agrees] | 100 * (map(select(.)) | length) / length | floor' "$1"
}

@test "kernel 6.18, pool not full: all counters agree but one in a hundred, and that within 1.5 %" {
    files=()
    for file in "$cases"/v6.18-*.json; do
        [[ $file == *-pool-* ]] || files+=("$file")
    done
    [ "${#files[@]}" -eq 12 ]
    "$zsim" validate --json "${files[@]}" >"$work/out.json"
    disagreements "$work/out.json"
    [ "$(agreement "$work/out.json")" -ge 99 ]
    jq -e '[.[][] | select(.agrees == false) | .error] | all(. < 0.015)' "$work/out.json"
}

@test "kernel 6.18, cases of features: 98 of 100 counters agree, with a disk alone nine of ten" {
    files=() disks=()
    for file in "$cases"/own-6.18-*.json; do
        if [[ $file == *no-zswap* ]]; then disks+=("$file"); else files+=("$file"); fi
    done
    [ "${#files[@]}" -eq 32 ]
    "$fast" validate --json "${files[@]}" >"$work/out.json"
    disagreements "$work/out.json"
    [ "$(agreement "$work/out.json")" -ge 98 ]
    "$fast" validate --json "${disks[@]}" >"$work/out.json"
    disagreements "$work/out.json"
    [ "$(agreement "$work/out.json")" -ge 90 ]
}

@test "kernel 6.18, cases drawn at random: 95 of 100 counters agree" {
    "$fast" validate --json "$cases"/drawn-6.18-{[0-9],b*,c[245689],c1[12]}.json >"$work/out.json"
    [ "$(jq length "$work/out.json")" -eq 33 ] # without those at the pool limit, below
    disagreements "$work/out.json"
    [ "$(agreement "$work/out.json")" -ge 95 ]
}

@test "kernels 6.1 and 6.12 with cgroup v2, nodes and MGLRU, in an emulator: 88 of 100 counters agree" {
    files=("$cases"/emulated-6.*.json)
    [ "${#files[@]}" -eq 20 ]
    "$fast" validate --json "${files[@]}" >"$work/out.json"
    disagreements "$work/out.json"
    [ "$(agreement "$work/out.json")" -ge 88 ]
    # MGLRU of 6.12 on one node and two, without a disk
    "$fast" validate --json "$cases"/emulated-6.12-e{1,3,5,6}.json >"$work/out.json"
    run disagreements "$work/out.json"
    [ "$output" = "" ]
    run "$fast" validate --set vm.reclaim=classic --fail-over 20 "$cases"/emulated-6.12-e1.json
    [ "$status" -eq 3 ]
}

@test "kernel 6.18, slots: every counter agrees where readahead goes by those of written and freed pages" {
    "$fast" validate --json "$cases"/drawn-6.18-b{1,6}.json >"$work/out.json"
    run disagreements "$work/out.json"
    [ "$output" = "" ]
}

@test "kernel 6.18, readahead by slots goes by what was read ahead before the run" {
    "$fast" validate --json "$cases"/drawn-6.18-9.json >"$work/out.json"
    run disagreements "$work/out.json"
    [ "$output" = "" ]
    run "$fast" validate --set vm.swapin_readahead_hits=4 --fail-over 20 "$cases"/drawn-6.18-9.json
    [ "$status" -eq 3 ]
}

@test "kernel 6.18, a reader of memory.stat may be in vain: every counter of the cases that show it" {
    "$zsim" validate --json "$cases"/own-6.18-shrinker-on.json "$cases"/own-6.18-few-flushes.json \
        "$cases"/own-6.18-hot-sets-move.json >"$work/out.json"
    run disagreements "$work/out.json"
    [ "$output" = "" ]
    run "$zsim" validate --set vm.memcg_stat_threshold=false --fail-over 3 \
        "$cases"/own-6.18-shrinker-on.json
    [ "$status" -eq 3 ]
}

@test "kernel 6.18, pool not full: 19 of 20 faults, swap-ins and pool pages within 0.5 %, all within 1 %" {
    "$zsim" validate --json "$cases"/v6.18-o0[1-7]*.json "$cases"/v6.18-o09*.json \
        "$cases"/v6.18-o1[034]*.json >"$work/out.json"
    jq -e '[.[][] | select(.counter | IN("zswpin", "zswpout", "pgmajfault", "stored_pages",
                                         "pool_total_size", "pgsteal_anon", "workingset_refault_anon"))
            | .error] | length >= 70 and all(. < 0.01)
              and (map(select(. > 0.005)) | length) * 20 <= length' "$work/out.json"
}

@test "kernel 6.18, pool limit hit: at least five of six counters in the range of the kernel" {
    "$fast" validate --json "$cases"/v6.18-*-pool-*.json >"$work/out.json"
    disagreements "$work/out.json"
    [ "$(agreement "$work/out.json")" -ge 84 ]
}

@test "kernel 6.18, pool limit hit, other cgroups counted: eleven of twelve counters, and without them not" {
    "$fast" validate --json "$cases"/drawn-6.18-c{3,7,10,13}.json >"$work/out.json"
    disagreements "$work/out.json"
    [ "$(agreement "$work/out.json")" -ge 91 ]
    jq '.machine.memory_cgroups = {online: 0, removed: 0}' "$cases"/drawn-6.18-c13.json >"$work/alone.json"
    "$fast" validate --json "$work/alone.json" >"$work/out.json"
    [ "$(agreement "$work/out.json")" -le 70 ]
}

@test "kernel 6.18, pool limit hit: seven of ten counters of each run follow from its own rate of worker runs" {
    "$fast" validate --own-rate --json "$cases"/v6.18-*-pool-*.json >"$work/out.json"
    [ "$(jq length "$work/out.json")" -eq 15 ]
    disagreements "$work/out.json"
    [ "$(agreement "$work/out.json")" -ge 70 ]
}

@test "kernel 6.1, three allocators and two compressors: every counter agrees" {
    "$zsim" validate --json "$cases"/pat-6.1-*.json >"$work/out.json"
    run disagreements "$work/out.json"
    echo "$output"
    [ -z "$output" ]
}

@test "kernel 6.12, MGLRU: at least four of five counters agree" {
    "$zsim" validate --json "$cases"/pat-6.12-*.json >"$work/out.json"
    [ "$(agreement "$work/out.json")" -ge 80 ]
}

@test "the table has a line a case and one over all; the same on one thread and on two" {
    "$zsim" validate -j 1 "$cases"/v6.18-o0[17]*.json >"$work/one"
    "$zsim" validate -j 2 "$cases"/v6.18-o0[17]*.json >"$work/two"
    cmp "$work/one" "$work/two"
    grep -q '^o01-seqloop-1.1x-r .* agree' "$work/one"
    grep -q '^o07-fillread-4x-seq .* agree' "$work/one"
    grep -q '^all .* agree' "$work/one"
}

@test "JSON: counter, kernel, zsim and error of each counter" {
    "$zsim" validate --json "$cases"/v6.18-o01*.json >"$work/out.json"
    jq -e '."o01-seqloop-1.1x-r"[] | select(.counter == "zswpin")
           | .kernel == {"min": 270330, "med": 270330, "max": 270330}
             and (.zsim | type) == "number" and (.error | type) == "number"' "$work/out.json"
}

@test "--fail-over: exit 3 above it, 0 below" {
    run "$zsim" validate --fail-over 50 "$cases"/v6.18-o01*.json
    [ "$status" -eq 0 ]
    jq '.settled.vmstat.zswpin = {"min": 1, "med": 1, "max": 1}' \
        "$cases"/v6.18-o01*.json >"$work/other.json"
    run "$zsim" validate --fail-over 50 "$work/other.json"
    [ "$status" -eq 3 ]
}

# refused JQ-FILTER PATTERN: a changed case is refused with one line that matches.
refused() {
    jq "$1" "$cases/v6.18-o01-seqloop-1.1x-r.json" >"$work/bad.json"
    run --separate-stderr "$zsim" validate "$work/bad.json"
    echo "$stderr"
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ ${stderr_lines[0]} == *"$2"* ]]
}

@test "a case with something that zsim does not know is refused, not half-run" {
    refused '.config.events = [[5, "quake"]]' 'unknown event "quake"'
    refused '.config.events = [[5, "write", "/proc/sys/vm/laptop_mode", "1"]]' \
        'event writes "/proc/sys/vm/laptop_mode", a parameter that zsim does not know'
    refused '.config.env.numa_balancing = 1' 'env: unknown key "numa_balancing"'
    refused '.config.env.compresor = "lzo"' 'did you mean "compressor"?'
    refused '.config.hugepages = true' 'config: unknown key "hugepages"'
    refused '.config.env.compressor = "lzma"' 'lzma'
    refused '.machine.kernel = "5.4.0"' 'v5.4'
    refused '.config.trace_cmd = "gen_trace OUT 11 0:seq:0:18022:18022:100"' 'nrec'
    refused '.config.trace_cmd |= sub("OUT 11"; "OUT 12") | .config.trace_sha256 = "00"' \
        'trace_sha256'
    # Without a hash to compare with, none is computed of so many records.
    refused '.config.trace_cmd |= sub("270330"; "1000000000000") | del(.config.trace_sha256)' \
        'missing key "trace_sha256"'
    refused 'del(.config.env)' 'missing key "env"'
}

@test "what a case says of its machine: mistakes are told" {
    refused '.machine.memory_cgroups = 5' 'memory_cgroups: expected an object, found a number'
    refused '.machine.memory_cgroups = null' 'memory_cgroups: expected an object, found null'
    refused '.machine.memory_cgroups = {online: -1, removed: 0}' 'online: expected a whole number'
    refused '.machine.memory_cgroups = {online: 1}' 'missing key "removed"'
    refused '.machine.memory_cgroups = {online: 1, removed: 0, idle: 3}' 'unknown key "idle"'
    # None is made of so many.
    refused '.machine.memory_cgroups = {online: 1000000000000, removed: 0}' 'online: expected at most 65000 cgroups'
    refused '.machine.memory_cgroups = {online: 0, removed: 1000000000000}' 'removed: expected at most 65000 cgroups'
    refused '.machine.swap_disk = {disk_submit_write: 5}' 'disk_submit_write: expected a string, found a number'
    refused '.machine.swap_disk = {disk_submit_write: "-1us"}' 'disk_submit_write: expected a time'
    refused '.machine.swap_disk = {disk_submit_write: "9000000000s"}' 'disk_submit_write: expected a time'
}

@test "a file that is no case: one line, exit 2" {
    echo '{"name": 1' >"$work/broken.json"
    run --separate-stderr "$zsim" validate "$work/broken.json" "$work/missing.json"
    [ "$status" -eq 2 ]
    [ "${#stderr_lines[@]}" -eq 3 ]
    [[ ${stderr_lines[2]} == *"2 of 2 cases refused"* ]]
    run --separate-stderr timeout 60 "$zsim" validate --own-rate "$work/broken.json" "$work/missing.json"
    [ "$status" -eq 2 ]
    [ "${#stderr_lines[@]}" -eq 3 ]
}

@test "runs of a case that do not say their rate are passed over" {
    # A little of o11: what counts here is which runs there are.
    jq '.per_run |= (del(.[0, 2].stored_when_full)) | del(.other_rounds[0].per_run[1:])' \
        "$cases/v6.18-o11-pool-rand-8x.json" >"$work/some.json"
    "$fast" validate --own-rate --json "$work/some.json" >"$work/out.json"
    [ "$(jq -c keys "$work/out.json")" = \
        '["o11-pool-rand-8x run 2","o11-pool-rand-8x run 4","o11-pool-rand-8x run 5","o11-pool-rand-8x run 6"]' ]
}

@test "flags: mistakes are told" {
    run --separate-stderr "$zsim" validate
    [ "$status" -eq 2 ]
    run --separate-stderr "$zsim" validate --fail-over much "$cases"/v6.18-o01*.json
    [ "$status" -eq 2 ]
    [[ ${stderr_lines[0]} == *"expected percent"* ]]
    run --separate-stderr "$zsim" validate --frobnicate
    [ "$status" -eq 2 ]
}

@test "events that move limits and switch parameters are replayed" {
    jq '.config.events = [[30000, "limit", 0, 8192], [60000, "limit", 0, 16384],
         [70000, "write", "/sys/module/zswap/parameters/compressor", "deflate"],
         [90000, "write", "/sys/module/zswap/parameters/enabled", "N"],
         [120000, "write", "/sys/module/zswap/parameters/enabled", "Y"],
         [121000, "write", "/proc/sys/vm/page-cluster", "3"],
         [150000, "snap", "late"]]' "$cases/v6.18-o01-seqloop-1.1x-r.json" >"$work/events.json"
    "$zsim" validate --json "$work/events.json" >"$work/out.json"
    # With zswap off every page goes to the disk once; from then on its slot is current.
    jq -e '."o01-seqloop-1.1x-r"[] | select(.counter == "pswpout") | .zsim == 18022' "$work/out.json"
}

# places FILTER COUNTER: zsim's counter in a changed copy of o01.
places() {
    jq "$1" "$cases/v6.18-o01-seqloop-1.1x-r.json" >"$work/moved.json"
    "$zsim" validate --json "$work/moved.json" |
        jq --arg counter "$2" '."o01-seqloop-1.1x-r"[] | select(.counter == $counter) | .zsim'
}

@test "a limit of 0 is none; one far below the usage is reached, statistics stale or not" {
    # 18022 pages, none stored any more once all have been read without a limit.
    [ "$(places '.config.events = [[100000, "limit", 0, 0]]' stored_pages)" -eq 0 ]
    [ "$(places '.config.events = [[100000, "limit", 0, -1]]' stored_pages)" -eq 0 ]
    # 2000 pages: two lots of tables and stocks aside, the rest is stored.
    stored=$(places '.config.events = [[100000, "limit", 0, 2000]] | .config.memstat_flushes = 0' \
        stored_pages)
    echo "$stored"
    [ "$stored" -ge 16022 ] && [ "$stored" -le 16122 ]
}

@test "cases of the emulator: no allocator to name from 6.18, no huge pages" {
    jq '.config.kernel = "6.18.1" | del(.config.zpool)' \
        "$cases/pat-6.12-loop2x-zsmalloc-lzo.json" >"$work/case.json"
    "$zsim" validate "$work/case.json"
    jq '.config.thp = "always"' "$cases/pat-6.12-loop2x-zsmalloc-lzo.json" >"$work/case.json"
    run --separate-stderr "$zsim" validate "$work/case.json"
    [ "$status" -eq 2 ]
    [[ ${stderr_lines[0]} == *'thp: expected "never"'* ]]
}

@test "a case whose process zsim kills is named: its counters end there" {
    run --separate-stderr "$zsim" validate --json "$cases/own-6.18-zipf1.2-2x-pc3.json" --set 'cgroups./cg0.memory.max="1M"'
    [ "$status" -eq 0 ]
    [ "$stderr" = "zsim: warning: zipf1.2-2x-pc3: a process was OOM-killed in 1 of 1 runs of zsim, where its counters end" ]
    jq -e '.["zipf1.2-2x-pc3"] | length > 10' <<<"$output"
}
