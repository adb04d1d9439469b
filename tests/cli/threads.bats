bats_require_minimum_version 1.5.0

# Many runs at once on several threads, all of one trace.

setup() {
    ZSIM=${ZSIM:-$PWD/zsim}
    [[ $ZSIM == /* ]] || ZSIM=$PWD/$ZSIM
    cd "$BATS_TEST_TMPDIR"
    "$ZSIM" trace generate -o shared.kzt 1 0:zipf:0:1500:5000:50:0.9
    cat >shared.json <<'END'
{
  "question": "Does a run notice another?",
  "machine": {"cpus": 2, "nodes": [{"memory": "16M"}]},
  "zswap": {"max_pool_percent": 8},
  "cgroups": {"/a": {"memory.max": "3M"}},
  "tasks": [{"name": "t", "cgroup": "/a", "workload": {"type": "trace", "file": "shared.kzt"}}],
  "seeds": "1..2",
  "variants": [
    {"name": "old", "set": {"kernel": "v6.1"}}, {"name": "new", "set": {"kernel": "v7.3"}},
    {"name": "mglru", "set": {"vm.reclaim": "mglru"}}]
}
END
}

without_host() {
    sed '/^\t"host":/,$d' "$1"
}

@test "four threads write what one writes" {
    "$ZSIM" -j 1 -o one shared.json >one.table
    "$ZSIM" -j 4 -o four shared.json >four.table
    cmp <(without_host one/shared.json) <(without_host four/shared.json)
    cmp one.table four.table
}

@test "the runs of a manifest share a trace between four threads" {
    "$ZSIM" expand shared.json -o sweep --set zswap.max_pool_percent=4,8
    run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv -j 4
    [ "$status" -eq 0 ]
    [[ $stderr == *"12 of 12 results made"* ]]
}

@test "four threads that are interrupted end, and their result says so" {
    env --default-signal=INT "$ZSIM" -j 4 --seeds 1..100000 -o long shared.json >table 2>messages &
    local child=$! code=0
    sleep 1
    kill -INT "$child"
    wait "$child" || code=$?
    [ "$code" -ne 0 ]
    [ ! -e long/shared.json ] || jq -e '.complete == false' long/shared.json
}
