# Shared by the tests of the engines: a sweep of 24 runs of about a second, a
# worker that dies in the middle, and what must be true at the end.

make_config() {
    cat >base.json <<'END'
{
  "question": "Is every run made once?",
  "machine": {"cpus": 1, "nodes": [{"memory": "64M"}]}, "vm": {"page_cluster": 0, "memcg_stat_flush": "10ms"},
  "swap": {"devices": [{"name": "disk", "size": "1G"}]},
  "cgroups": {"/a": {"memory.max": "8M"}},
  "tasks": [{"name": "t", "cgroup": "/a",
             "workload": {"type": "scattered_zipf", "footprint": "16M", "accesses": 6000000}}]
}
END
}

sweep_24() { # OPTION...
    "$SWEEP" base.json -o sweep --set zswap.compressor=lz4,zstd --set vm.swappiness=60,100 \
        --seeds 1..6 "$@"
}

results_there() {
    find sweep/results -name '*.json' 2>/dev/null | wc -l
}

# Once N results are there: note them with their times, then kill one worker.
kill_worker_after() { # N
    local pid
    while (($(results_there) < $1)); do sleep 0.1; done
    find sweep/results -name '*.json' -printf '%f %i %T@\n' | sort >before.txt
    # A worker may end, and another not have begun, at any moment.
    for _ in {1..500}; do
        pid=$(pgrep -f "[z]sim run --manifest $PWD/sweep/manifest.tsv" | while read -r candidate; do
            [[ $(readlink "/proc/$candidate/exe") != "$ZSIM" ]] || echo "$candidate"
        done | head -n 1)
        [[ -z $pid ]] || ! kill -KILL "$pid" 2>/dev/null || break
        pid=""
        sleep 0.02
    done
    [[ -n $pid ]]
    echo "$pid" >killed.txt
}

# All 24 complete, none that was there before the kill made again, nothing left over.
check_sweep() {
    [[ $(results_there) -eq 24 ]]
    [[ $(find sweep/results -type f | wc -l) -le 25 ]] # at most the killed one's temporary file
    jq -e -s 'length == 24 and all(.complete)' sweep/results/*.json
    find sweep/results -name '*.json' -printf '%f %i %T@\n' | sort >after.txt
    [[ $(wc -l <before.txt) -ge 1 ]]
    [[ -z $(comm -23 before.txt after.txt) ]]
    "$ZSIM" gather sweep/manifest.tsv | awk -F '\t' 'NR > 1 && $NF == "" { exit 1 }'
}
