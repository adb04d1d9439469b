bats_require_minimum_version 1.5.0

# What no policy can beat.

setup_file() {
    export ZSIM=${ZSIM:-$PWD/zsim}
    cd "$BATS_FILE_TMPDIR"
    # A loop over 64 pages, 10 times: 9 rounds of refaults.
    "$ZSIM" trace generate -o loop.kzt 1 0:seq:0:64:640:50
    cat >two.json <<'END'
{
  "machine": {"nodes": [{"memory": "64M"}]}, "vm": {"page_cluster": 0, "memcg_stat_flush": "1ms"},
  "zswap": {"max_pool_percent": 3},
  "cgroups": {"/a": {"memory.max": "4M"}},
  "tasks": [{"name": "t", "cgroup": "/a",
             "workload": {"type": "scattered_zipf", "footprint": "16M", "accesses": 20000}}],
  "variants": [{"name": "zswap"}, {"name": "disk", "set": {"zswap.enabled": false}}]
}
END
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

@test "a loop in less memory: MIN keeps all but one of its frames" {
    run --separate-stderr "$ZSIM" trace bound --ram 128K --json loop.kzt
    [ "$status" -eq 0 ]
    # With n of N pages, MIN misses N - n in N - 1 accesses.
    jq -e '.first_touches == 64 and .capacity_pages == 32 and .lru.refaults == 576' <<<"$output"
    jq -e '(.refaults - 576 * 32 / 63 | fabs) <= 32 and .disk_reads == .refaults' <<<"$output"
    run --separate-stderr "$ZSIM" trace bound --ram 256K --json loop.kzt
    jq -e '.refaults == 0 and .disk_reads == 0 and .fault_ns > 0' <<<"$output"
}

@test "a pool takes disk reads away, a common limit gives some back" {
    "$ZSIM" trace bound --ram 128K --pool 32K --json loop.kzt >pool.json
    "$ZSIM" trace bound --ram 128K --pool 32K --total 128K --json loop.kzt >common.json
    "$ZSIM" trace bound --ram 128K --json loop.kzt >none.json
    jq -es '.[0].disk_reads < .[1].disk_reads and .[1].disk_reads < .[2].disk_reads' \
        pool.json common.json none.json
    jq -e '.content_assumed and .disk_reads < .refaults' pool.json
    run --separate-stderr "$ZSIM" trace bound --ram 128K --pool 32K loop.kzt
    [[ $output == *"disk reads"* && $output == *"assumed"* ]]
}

@test "a run tells how far it is from the bound when it is asked" {
    run --separate-stderr "$ZSIM" two.json --bound
    [ "$status" -eq 0 ]
    [[ $output == *"disk reads, least possible"* ]]
    jq -e '[.variants[].runs[0] | .bound.disk_reads <= .totals.pswpin] | all' results/two.json
    jq -e '[.variants[].summary["bound.fault_ns_ppm"].mean >= 1000000] | all' results/two.json
    jq -e '.variants[1].runs[0].bound.disk_reads > 1000' results/two.json
    "$ZSIM" compare results/two.json --metric bound.disk_reads_ppm --metric bound.fault_ns_ppm
    "$ZSIM" two.json -o plain >/dev/null
    jq -e '[.variants[].runs[] | has("bound")] | any | not' plain/two.json
}

@test "mistakes are told in one line" {
    run --separate-stderr "$ZSIM" trace bound loop.kzt
    [ "$status" -eq 2 ] && [[ $stderr == *"--ram is needed"* ]]
    run --separate-stderr "$ZSIM" trace bound --ram 100 loop.kzt
    [ "$status" -eq 2 ] && [[ $stderr == *"whole pages"* ]]
    run --separate-stderr "$ZSIM" trace bound --ram 1M
    [ "$status" -eq 2 ]
    run --separate-stderr "$ZSIM" trace bound --ram 1M --content nothing.json loop.kzt
    [ "$status" -eq 2 ] && [ "${#stderr_lines[@]}" -eq 1 ]
}
