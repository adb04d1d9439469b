bats_require_minimum_version 1.5.0

# Sweeps on disk: zsim expand, run --manifest, gather, and scripts/sweep.

setup() {
    export ZSIM=${ZSIM:-$PWD/zsim}
    SWEEP=$PWD/scripts/sweep
    cd "$BATS_TEST_TMPDIR"
    mkdir configs
    cat >configs/small.json <<'END'
{
  "question": "What does a larger pool change?",
  "machine": {"cpus": 2, "nodes": [{"memory": "64M"}]},
  "swap": {"devices": [{"name": "disk", "size": "1G"}]},
  "cgroups": {"/a": {"memory.max": "4M"}},
  "tasks": [{"name": "t", "cgroup": "/a",
             "workload": {"type": "scattered_zipf", "footprint": "8M", "accesses": 20000}}],
  "seeds": "1..2",
  "variants": [{"name": "small", "set": {"zswap.max_pool_percent": 2}},
               {"name": "large", "set": {"zswap.max_pool_percent": 20}}]
}
END
}

expand() {
    "$ZSIM" expand configs/small.json -o sweep --set zswap.compressor=lz4,zstd "$@"
}

stamp() {
    find sweep/results -name '*.json' -printf '%f %i %T@\n' | sort
}

@test "expand writes a config for each variant, point and seed, and a table of them" {
    expand
    [ "$(wc -l <sweep/manifest.tsv)" -eq 9 ]
    [ "$(head -n 1 sweep/manifest.tsv)" = $'id\tvariant\tzswap.max_pool_percent\tzswap.compressor\tseed\tconfig\tresult' ]
    [ "$(sed -n 7p sweep/manifest.tsv | cut -f 1-6)" = $'6\tlarge, compressor=lz4\t20\tlz4\t2\tconfigs/0006.json' ]
    [ "$(cut -f 7 sweep/manifest.tsv | sort -u | wc -l)" -eq 9 ]
    "$ZSIM" --check-only sweep/configs/*.json
    jq -e '.seeds == [2] and .variants[0].set == {"zswap.max_pool_percent": 20, "zswap.compressor": "lz4"}' sweep/configs/0006.json
}

@test "a value may hold commas inside brackets and quotes" {
    "$ZSIM" expand configs/small.json -o sweep --seeds 7 \
        --set 'zswap.writeback={"policy": "batch", "budget": 8},{"policy": "batch", "budget": 64}'
    [ "$(wc -l <sweep/manifest.tsv)" -eq 5 ]
    [ "$(cut -f 4 sweep/manifest.tsv | sort -u | grep -c budget)" -eq 2 ]
    "$ZSIM" run --manifest sweep/manifest.tsv --id 2
}

@test "a sweep names its plug-ins, and is refused without them in one line" {
    for name in never other; do
        "${CC:-cc}" -shared -fPIC "-I${SWEEP%/scripts/sweep}" "-DNAME=\"$name\"" -o "$name.so" \
            "${SWEEP%/scripts/sweep}/tests/data/plugin/broken.c"
    done
    plugins=(--plugin ./never.so --plugin ./other.so)
    expand --seeds 1 --set zswap.admission=never,other "${plugins[@]}"
    [[ $(head -n 1 sweep/manifest.tsv) == *$'\tplugin\tplugin 2\tseed\tconfig\tresult' ]]
    [[ $(sed -n 2p sweep/manifest.tsv) == *$'\t./never.so@'????????????????$'\t./other.so@'* ]]
    run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv
    [ "$status" -eq 2 ]
    [ "${#stderr_lines[@]}" -eq 2 ]
    [ "${stderr_lines[0]}" = "sweep/manifest.tsv: error: expanded with --plugin ./never.so, which is not given" ]
    run --separate-stderr "$SWEEP" sweep --plugin never.so
    [ "$status" -eq 1 ]
    [ "${stderr_lines[0]}" = "$PWD/sweep/manifest.tsv: error: expanded with --plugin ./other.so, which is not given" ]
    # Under another name it is the same plug-in; with all results there none is needed.
    cp never.so moved.so
    "$SWEEP" sweep --plugin moved.so --plugin other.so
    "$ZSIM" run --manifest sweep/manifest.tsv
    "$ZSIM" gather sweep/manifest.tsv --metric zswpwb
    # Another build is another run.
    rm sweep/results/*
    printf '\0' >>never.so
    run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv --id 1 "${plugins[@]}"
    [ "$status" -eq 2 ]
    [[ $stderr == *"expand the sweep again"* ]]
}

@test "expanding again changes nothing, and another seed adds to it" {
    expand
    cp sweep/manifest.tsv before.tsv
    find sweep/configs -printf '%f %i %T@\n' | sort >before.txt
    expand
    cmp sweep/manifest.tsv before.tsv
    find sweep/configs -printf '%f %i %T@\n' | sort | diff before.txt -
    "$ZSIM" run --manifest sweep/manifest.tsv
    expand --seeds 1..3
    run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv
    [[ $stderr == *"4 of 12 results made, 8 were there, 0 failed"* ]]
}

@test "mistakes in a sweep are told and nothing is written" {
    run --separate-stderr "$ZSIM" expand configs/small.json -o sweep --set zswap.max_pool_percnt=10,20
    [ "$status" -eq 2 ]
    [[ $stderr == *'--set zswap.max_pool_percnt=10,20: error:'*'did you mean "max_pool_percent"?'* ]]
    run --separate-stderr "$ZSIM" expand configs/small.json -o sweep --set zswap.compressor=lz4,zst
    [ "$status" -eq 2 ]
    [[ $stderr == *'unknown value "zst"; did you mean "zstd"?'* ]]
    run --separate-stderr "$ZSIM" expand configs/small.json -o sweep --set zswap.compressor=lz4,
    [ "$status" -eq 2 ]
    [[ $stderr == *'a value is empty'* ]]
    run --separate-stderr "$ZSIM" expand configs/small.json -o sweep --set vm.swappiness=1,60,1
    [ "$status" -eq 2 ]
    [[ $stderr == *'vm.swappiness: 1 is there twice'* ]]
    run --separate-stderr "$ZSIM" expand configs/small.json -o sweep --seeds 3..1
    [ "$status" -eq 2 ]
    run --separate-stderr "$ZSIM" expand configs/small.json
    [ "$status" -eq 2 ]
    [[ $stderr == *'expected -o DIR'* ]]
    run --separate-stderr "$ZSIM" expand -o sweep
    [ "$status" -eq 2 ]
    [ ! -e sweep ]
}

@test "a line is made once, by its id" {
    expand
    run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv --id 3
    [ "$status" -eq 0 ]
    [[ $output == *"major faults"* ]]
    [ "$(ls sweep/results)" = "$(sed -n 4p sweep/manifest.tsv | sed 's/.*results.//')" ]
    stamp >before.txt
    run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv --id 2..4,3
    [ "$status" -eq 0 ]
    [[ $stderr == *"2 of 3 results made, 1 were there, 0 failed"* ]]
    [ -z "$(comm -23 before.txt <(stamp))" ]
}

@test "flags that a manifest cannot take, and ids that it does not have" {
    expand
    for arguments in "--id 0" "--id 9" "--id 1..9" "--id x" "--id 2..1" "--id" "--seeds 1..2" "-o x" \
        "--set vm.swappiness=1" configs/small.json; do
        # shellcheck disable=SC2086
        run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv $arguments
        [ "$status" -eq 2 ]
        [ "${#stderr_lines[@]}" -eq 1 ]
    done
    run --separate-stderr "$ZSIM" run --id 1
    [ "$status" -eq 2 ]
    [ -z "$(ls sweep/results)" ]
}

@test "a broken manifest gives one line that says where" {
    expand
    cp sweep/manifest.tsv good.tsv
    broken() { # SED-SCRIPT MESSAGE
        sed "$1" good.tsv >sweep/manifest.tsv
        run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv --id 1
        [ "$status" -eq 2 ]
        [ "${#stderr_lines[@]}" -eq 1 ]
        [[ $stderr == "sweep/manifest.tsv:"*"$2"* ]]
    }
    broken '1s/id/ID/' 'expected the columns id'
    broken '3s/^2/7/' '3:1: error: expected the id 2, found "7"'
    broken '4s/\t[^\t]*$//' '4:1: error: expected 7 cells, found 6'
    broken '2s/results/../' 'expected a result such as'
    broken '2s/json$/txt/' 'expected a result such as'
    broken '1!d' 'a manifest without runs'
    head -c -1 good.tsv >sweep/manifest.tsv
    run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv
    [[ $stderr == "sweep/manifest.tsv:9:1: error: "* ]]
    run --separate-stderr "$ZSIM" run --manifest sweep
    [ "$status" -eq 2 ]
}

@test "a run that is no longer the one of the manifest is refused" {
    expand
    sed -i 's/"4M"/"5M"/' sweep/configs/0001.json
    run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv --id 1
    [ "$status" -eq 2 ]
    [[ $stderr == *"0001.json: error: this run is not the one that"*"expand the sweep again"* ]]
    run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv
    [ "$status" -eq 1 ]
    [[ $stderr == *"7 of 8 results made, 0 were there, 1 failed"* ]]
}

@test "a sweep and its trace can be moved together; the trace's content counts, not its place" {
    mkdir -p study/in
    "$ZSIM" trace generate 1 0:zipf:0:2048:20000:50:0.9 -o study/in/t.kzt
    jq '.tasks[0].workload = {"type": "trace", "file": "../in/t.kzt"}' configs/small.json >study/base.json
    mkdir study/configs && mv study/base.json study/configs/
    "$ZSIM" expand study/configs/base.json -o study/out/sweep --seeds 1
    [ "$(jq -r .directory study/out/sweep/configs/0001.json)" = ../../../configs ]
    mv study moved
    "$ZSIM" run --manifest moved/out/sweep/manifest.tsv --id 1
    "$ZSIM" trace generate 2 0:zipf:0:2048:20000:50:0.9 -o moved/in/t.kzt
    run --separate-stderr "$ZSIM" run --manifest moved/out/sweep/manifest.tsv --id 2
    [ "$status" -eq 2 ]
    [[ $stderr == *"an input or zsim itself has changed"* ]]
}

@test "gathered results are those of one run over everything" {
    expand
    "$ZSIM" run --manifest sweep/manifest.tsv -j 2
    jq '.sweep = {"zswap.compressor": ["lz4", "zstd"]}' configs/small.json >configs/whole.json
    "$ZSIM" run configs/whole.json -o direct >direct.txt
    "$ZSIM" gather sweep/manifest.tsv -o whole.json >gathered.txt
    diff direct.txt gathered.txt
    # Series name only the columns in which a file has something.
    filter="del(.host, .variants[].runs[].series)"
    diff <(jq -S "$filter" direct/whole.json) <(jq -S "$filter" whole.json)
}

@test "the table has a line for each run and empty cells for what is not there" {
    expand
    "$ZSIM" run --manifest sweep/manifest.tsv --id 2,8
    run --separate-stderr "$ZSIM" gather sweep/manifest.tsv --metric zswpout --metric pgmajfault
    [ "$status" -eq 0 ]
    [[ $stderr == *"6 of 8 results are not there yet"* ]]
    [ "${#lines[@]}" -eq 9 ]
    [[ ${lines[0]} == *$'\tseed\tzswpout\tpgmajfault' ]]
    [ "$(cut -f 6 <<<"${lines[1]}")" = "" ]
    result=sweep/$(sed -n 3p sweep/manifest.tsv | cut -f 7)
    [ "$(cut -f 6 <<<"${lines[2]}")" = "$(jq '.variants[0].runs[0].totals.zswpout' "$result")" ]
    run --separate-stderr "$ZSIM" gather sweep/manifest.tsv -o part.json
    [ "$status" -eq 0 ]
    jq -e '.complete == false and (.variants | length) == 2' part.json
    run --separate-stderr "$ZSIM" gather sweep/manifest.tsv --metric zswpot
    [ "$status" -eq 2 ]
    [[ $stderr == *'did you mean "zswpout"?'* ]]
}

@test "a line that is there twice is no second run" {
    expand
    "$ZSIM" run --manifest sweep/manifest.tsv --id 1
    sed -n 2p sweep/manifest.tsv >line.txt
    sed -i -e '3r line.txt' -e 3d sweep/manifest.tsv
    sed -i '3s/^1/2/' sweep/manifest.tsv
    run --separate-stderr "$ZSIM" gather sweep/manifest.tsv -o twice.json
    [ "$status" -eq 2 ] && [ ! -e twice.json ]
    [[ $stderr == *'manifest.tsv:3:1: error: variant "small, compressor=lz4" with seed 1 is there twice'* ]]
}

@test "an empty or cut result is none: it is made again, and a broken one leaves no half table" {
    expand
    "$ZSIM" run --manifest sweep/manifest.tsv
    result() { echo "sweep/$(sed -n "$(($1 + 1))p" sweep/manifest.tsv | sed 's/.*\t//')"; }
    cp "$(result 2)" whole.json
    : >"$(result 1)"
    head -c 1000 whole.json >"$(result 2)"
    run --separate-stderr "$ZSIM" gather sweep/manifest.tsv --metric zswpout
    [ "$status" -eq 0 ]
    [[ $stderr == *"2 of 8 results are not there yet"* ]]
    run --separate-stderr "$ZSIM" run --manifest sweep/manifest.tsv
    [[ $stderr == *"2 of 8 results made, 6 were there"* ]]
    diff <(jq 'del(.host)' whole.json) <(jq 'del(.host)' "$(result 2)")
    : >"$(result 3)"
    run --separate-stderr "$SWEEP" sweep
    [[ $stderr == *"8 of 8 results are there (7 were before)"* ]]
    echo '{}' >"$(result 8)"
    run --separate-stderr "$ZSIM" gather sweep/manifest.tsv
    [ "$status" -eq 2 ] && [ -z "$output" ]
}

@test "an interrupted sweep keeps what is finished, leaves nothing else, and goes on" {
    sed -i 's/20000/30000000/' configs/small.json
    expand
    "$ZSIM" run --manifest sweep/manifest.tsv -j 1 2>log &
    while [ "$(find sweep/results -type f | wc -l)" -lt 2 ]; do sleep 0.01; done
    kill -TERM $!
    status=0
    wait $! || status=$?
    [ "$status" -eq 130 ]
    grep -q interrupted log
    stamp >before.txt
    [ "$(wc -l <before.txt)" -ge 2 ]
    [ "$(wc -l <before.txt)" -lt 8 ]
    [ "$(find sweep/results -type f | wc -l)" -eq "$(wc -l <before.txt)" ]
    "$ZSIM" run --manifest sweep/manifest.tsv
    [ "$(stamp | wc -l)" -eq 8 ]
    [ -z "$(comm -23 before.txt <(stamp))" ]
}

@test "scripts/sweep expands, runs and goes on" {
    run --separate-stderr "$SWEEP" configs/small.json -o sweep --set zswap.compressor=lz4,zstd
    [ "$status" -eq 0 ]
    [[ $stderr == *"8 of 8 results are there (0 were before)"* ]]
    rm "$(find sweep/results -name '*.json' | head -n 1)"
    run --separate-stderr "$SWEEP" sweep
    [[ $stderr == *"8 of 8 results are there (7 were before)"* ]]
    run --separate-stderr "$SWEEP" sweep --engine grid
    [ "$status" -eq 2 ]
    [[ $stderr == *'unknown engine "grid"; expected local, parallel or slurm'* ]]
    run --separate-stderr "$SWEEP" sweep --seeds 1..2
    [ "$status" -eq 2 ]
    run --separate-stderr "$SWEEP" sweep -j 0
    [ "$status" -eq 2 ]
    [[ $stderr == *'flag -j: expected a number from 1 on, found "0"'* ]]
}
