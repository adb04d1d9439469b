# The bench program, its checks, and the cache that it measures.

setup() {
    zsim=$PWD/zsim
    work=$BATS_TEST_TMPDIR
    bench=${BENCH:-build/bench/bench}
}

@test "bench measures ratios and writes JSON" {
    [ -x "$bench" ] || skip "$bench is not built"
    run "$bench" --rounds 2 --scratch "$work/scratch" --only 'sqlite-index*' -o "$work/bench.json"
    [ "$status" -eq 0 ]
    [ "$(jq -r .schema "$work/bench.json")" = zsim.bench/1 ]
    [ "$(jq '.rates[] | select(.name == "sqlite-index size") | .met' "$work/bench.json")" = true ]
    [ "$(jq '.measures[0].rounds' "$work/bench.json")" -eq 2 ]
}

@test "bench takes a trace of the user's" {
    [ -x "$bench" ] || skip "$bench is not built"
    "$zsim" trace generate -o "$work/t.kzt" 1 0:seq:0:4096:4096:100 0:zipf:0:4096:50000:20:0.8
    run "$bench" --rounds 1 --scratch "$work/scratch" --trace "$work/t.kzt" -o "$work/bench.json"
    [ "$status" -eq 0 ]
    [ "$(jq '.ratios | length' "$work/bench.json")" -eq 2 ]
}

@test "bench names what it does not know" {
    [ -x "$bench" ] || skip "$bench is not built"
    run "$bench" --scratch "$work/scratch" --only nothing
    [ "$status" -eq 2 ]
    [[ $output == *"there is no such measure"* ]]
}

# RATIO of the record, of the best round now
results_with() { # NAME LEAST MEDIAN MOST BETTER
    jq -n --argjson l "$2" --argjson m "$3" --argjson h "$4" --arg better "$5" '
        {schema: "zsim.bench/1", ratios: [{name: "r", what: "", least: $l, median: $m, most: $h, better: $better}]}' \
        >"$work/$1.json"
}

@test "bench-check fails on a loss above 15 % and not below" {
    results_with recorded 0.9 1.0 1.1 higher
    results_with good 0.7 0.8 0.86 higher
    results_with bad 0.7 0.8 0.84 higher
    run scripts/bench-check "$work/good.json" "$work/recorded.json"
    [ "$status" -eq 0 ]
    run scripts/bench-check "$work/bad.json" "$work/recorded.json"
    [ "$status" -eq 1 ]
    results_with recorded 0.9 1.0 1.1 lower
    results_with good 1.17 1.3 1.4 lower
    results_with bad 1.19 1.3 1.4 lower
    run scripts/bench-check "$work/good.json" "$work/recorded.json"
    [ "$status" -eq 0 ]
    run scripts/bench-check "$work/bad.json" "$work/recorded.json"
    [ "$status" -eq 1 ]
    [[ $output == *WORSE* ]]
    jq '.ratios[0].name = "s"' "$work/good.json" >"$work/other.json"
    run scripts/bench-check "$work/other.json" "$work/recorded.json"
    [ "$status" -eq 1 ]
    [[ $output == *gone* ]]
    run scripts/bench-check "$work/none.json" "$work/recorded.json"
    [ "$status" -eq 2 ]
}

@test "results are the same with, without and after a cache of compressed lengths" {
    cat >"$work/c.json" <<'END'
{"kernel": "v6.18", "vm": {"page_cluster": 0, "cgroup_version": "v1"}, "zswap": {"compressor": "lz4"},
 "cgroups": {"/job": {"memory.max": "4M"}},
 "tasks": [{"name": "a", "cgroup": "/job", "workload": {"type": "zipf", "footprint": "16M", "accesses": 9000},
            "content": {"type": "rule", "classes": "10:zero,10:same,80:mixed:256:3072"}},
           {"name": "b", "cgroup": "/job", "workload": {"type": "uniform", "footprint": "12M", "accesses": 9000},
            "content": {"type": "rule", "classes": "10:zero,10:same,80:mixed:256:3072"}}],
 "variants": [{"name": "lz4", "set": {}}, {"name": "deflate", "set": {"zswap.compressor": "deflate"}}],
 "seeds": "1..2"}
END
    ZSIM_CACHE='' "$zsim" "$work/c.json" -o "$work/without" -j 2
    for round in cold warm; do
        ZSIM_CACHE=$work/cache "$zsim" "$work/c.json" -o "$work/$round" -j 2
        cmp <(jq 'del(.host)' "$work/without/c.json") <(jq 'del(.host)' "$work/$round/c.json")
    done
    [ "$(find "$work/cache" -name '*.lengths' | wc -l)" -eq 2 ]
    chmod -w "$work/cache"
    env -u ZSIM_CACHE HOME="$work/nobody" "$zsim" "$work/c.json" -o "$work/homeless" -j 2
    cmp <(jq 'del(.host)' "$work/without/c.json") <(jq 'del(.host)' "$work/homeless/c.json")
    [ ! -e "$work/nobody" ]
}
