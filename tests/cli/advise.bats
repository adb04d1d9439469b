bats_require_minimum_version 1.5.0

# Settings for a trace.

setup_file() {
    export ZSIM=${ZSIM:-$PWD/zsim}
    cd "$BATS_FILE_TMPDIR"
    "$ZSIM" trace generate -o small.kzt 1 0:zipf:0:3000:12000:50:0.9
    "$ZSIM" advise small.kzt --limit 6M -o out >table 2>messages
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

@test "one setting is recommended, as lines that set it" {
    grep -q '^\* .*pool' table
    [ "$(grep -c '^\* ' table)" -eq 1 ]
    grep -q 'echo .* > /sys/module/zswap/parameters/compressor' table
    grep -q 'sysctl vm.page-cluster=' table
    ! grep -q 'beaten in all' table
    jq -e '[.points[] | select(.recommended)] | length == 1 and .[0].front and .[0].draws == 3' out/small.advice.json
    jq -e '([.points[] | select(.recommended)][0]) as $r
           | .lines[0] == "echo \($r.compressor) > /sys/module/zswap/parameters/compressor"
             and .lines[1] == "echo \($r.max_pool_percent) > /sys/module/zswap/parameters/max_pool_percent"' out/small.advice.json
}

@test "nothing beats a setting of the front, and every other is beaten or the same" {
    jq -e '[.points[] | select(.killed | not)] as $p
           | def costs: [.fault_ns, .cpu_ns, .device_writes, -.memory_saved_bytes];
             def pair($a; $b): if $a.draws == $b.draws then [$a, $b] else [$a.common_draw, $b.common_draw] end;
             def near($a; $b): 0.01 * ([$a, $b] | map(fabs) | max);
             def beats($a; $b): [range(4) as $i | $a[$i] <= $b[$i] + near($a[$i]; $b[$i])] | all;
             def better($a; $b): [range(4) as $i | $a[$i] < $b[$i] - near($a[$i]; $b[$i])] | any;
             [$p[] as $x | ([$p[] | select(.repeats | not) | pair(.; $x) | map(costs) | beats(.[0]; .[1]) and better(.[0]; .[1])] | any) as $beaten
              | if $x.front then ($beaten | not)
                else $beaten or $x.repeats end] | all' \
        out/small.advice.json
    jq -e '[.points[] | select(.recommended)][0] as $r
           | [.points[] | select(.front and .draws == 3) | .fault_ns] | min * 1.05 >= $r.fault_ns' out/small.advice.json
    jq -e '[.points[] | select(.least_fault_ns) | .least_fault_ns <= .fault_ns] | all and length > 0' out/small.advice.json
}

@test "what was assumed is told" {
    for words in "contents are assumed" "device is assumed" "no clock" "kernel is assumed"; do
        grep -q "$words" table
        jq -e --arg w "$words" '[.unsure[] | contains($w)] | any' out/small.advice.json
    done
    ! grep -q "limit is assumed" table
    run --separate-stderr "$ZSIM" advise small.kzt --json
    jq -e '.limit_assumed and .limit_bytes == (.footprint_bytes / 8192 | floor) * 4096' <<<"$output"
}

@test "the lines hold the pool down on a machine with more RAM too, and are what was simulated" {
    local line name bytes
    line=$(grep -x '    echo [0-9]*[KM] > /sys/fs/cgroup/JOB/memory.zswap.max' table)
    jq -e --arg line "${line#    }" 'any(.lines[]; . == $line)' out/small.advice.json
    read -r name bytes < <(jq -r '.points[] | select(.recommended) | "\(.name | @json | gsub(" "; "_")) \(.zswap_max_bytes)"' out/small.advice.json)
    jq --argjson name "${name//_/ }" '.variants |= map(select(.name == $name)) | .machine.total_ram_pages = 262144' \
        out/small.sweep.json >more.json
    jq -e --argjson bytes "$bytes" '.variants[0].set["cgroups./job.memory.zswap.max"] == $bytes' more.json
    "$ZSIM" more.json -o more
    jq -e '.variants[0].runs[0].totals | .oom_kill == 0 and .zswpout > 0' more/more.json
}

@test "the lines follow the rule that is printed, also where a setting has twins" {
    # Many runs: by the program that does not count what it covers, where there is one.
    local top=${BATS_TEST_DIRNAME%/tests/cli}/workloads/traces/sqlite-index
    "${SHIPPED:-$ZSIM}" advise "$top.kzt" --content "$top.content.json" --limit 28M --memory 1G --json >twins.json
    jq -e '[.points[] | select(.killed | not)]
           | (.[] | select(.recommended)) as $r
           | $r.device_writes == 0 and $r.fault_ns <= 1.05 * ([.[] | select(.draws == 3) | .fault_ns] | min)' twins.json
}

@test "no pressure: no advice, no figure" {
    run --separate-stderr "$ZSIM" advise small.kzt --limit 64M -o none
    [ "$status" -eq 0 ] && [ -z "$stderr" ]
    [[ $output == *"No pressure"* && $output != *echo* ]]
    [ -z "$(ls none)" ]
    "$ZSIM" advise small.kzt --limit 64M --json | jq -e '(.pressure | not) and .points == [] and .lines == []'
}

@test "settings that are all alike can be drawn" {
    jq '.points |= [.[] | .fault_ns = 5 | .cpu_ns = 5 | .device_writes = 0 | .memory_saved_bytes = 0]' \
        out/small.advice.json >alike.advice.json
    run --separate-stderr "${BATS_TEST_DIRNAME%/tests/cli}/scripts/plot" alike.advice.json
    [ "$status" -eq 0 ] && [ -z "$stderr" ]
}

@test "-o keeps the sweep, which runs, and draws the front" {
    [ "$(ls out)" = "$(printf 'small.advice\nsmall.advice.json\nsmall.sweep.json')" ]
    [ "$(ls out/small.advice)" = "$(printf 'pareto.png\npareto.svg')" ]
    ! grep -qi nan out/small.advice/pareto.svg
    run "$ZSIM" --check-only out/small.sweep.json
    [ "$status" -eq 0 ]
    [[ $output == *"122 variants"* ]]
}

@test "idle cgroups are simulated, and asked for where entries are written back" {
    local zsim=${SHIPPED:-$ZSIM} # twice all settings
    "$zsim" advise small.kzt --limit 6M --memory 2M -o alone >alone.table
    jq -e '[.points[] | select(.recommended)][0].device_writes > 0' alone/small.advice.json
    jq -e '.idle_cgroups == 0 and any(.unsure[]; contains("--idle-cgroups"))' alone/small.advice.json
    "$zsim" advise small.kzt --limit 6M --memory 2M --idle-cgroups 300 -o idle >idle.table
    jq -e '.idle_cgroups == 300 and all(.unsure[]; contains("--idle-cgroups") | not)' idle/small.advice.json
    jq -e '.cgroups["/idle[1..300]"] == {}' idle/small.sweep.json
    # The worker comes round later: a tenth less is written back.
    writes='[.points[] | select(.name | contains("shrinker") | not) | .common_draw.device_writes] | add'
    [ $(($(jq "$writes" alone/small.advice.json) * 10)) -gt $(($(jq "$writes" idle/small.advice.json) * 11)) ]
    # Nothing is written back under the setting that is recommended: it does not matter.
    jq -e 'all(.unsure[]; contains("--idle-cgroups") | not)' out/small.advice.json
}

@test "the same advice for any number of threads" {
    "$ZSIM" advise small.kzt --limit 6M -j 1 --json >one.json
    "$ZSIM" advise small.kzt --limit 6M -j 3 --json >three.json
    cmp one.json three.json
}

@test "a measured device, and a kernel without a shrinker" {
    echo '{"schema": "zsim.device/1", "name": "slow", "read_latency": "5ms",
           "write_latency": "5ms", "bandwidth": "100M"}' >slow.json
    run --separate-stderr "$ZSIM" advise small.kzt --limit 6M --device slow.json --kernel v6.5 --json
    [ "$status" -eq 0 ]
    jq -e '.device.name == "slow" and .device.read_latency_ns == 5000000 and (.device.assumed | not)' <<<"$output"
    jq -e '[.points[].shrinker_enabled] | any | not' <<<"$output"
    jq -e '[.lines[] | contains("shrinker")] | any | not' <<<"$output"
}

@test "mistakes are told" {
    run --separate-stderr "$ZSIM" advise
    [ "$status" -eq 2 ] && [[ $stderr == *"expected one TRACE"* ]]
    run --separate-stderr "$ZSIM" advise nothing.kzt
    [ "$status" -eq 2 ] && [ "${#stderr_lines[@]}" -eq 1 ]
    run --separate-stderr "$ZSIM" advise small.kzt --device sdd
    [ "$status" -eq 2 ] && [[ $stderr == *'did you mean "ssd"'* ]]
    run --separate-stderr "$ZSIM" advise small.kzt --limit 5000
    [ "$status" -eq 2 ] && [[ $stderr == *"whole pages"* ]]
    run --separate-stderr "$ZSIM" advise small.kzt --kernel v9
    [ "$status" -eq 2 ] && [[ $stderr == *"unknown kernel"* ]]
    run --separate-stderr "$ZSIM" advise small.kzt --content nothing.json
    [ "$status" -eq 2 ]
    run --separate-stderr "$ZSIM" advise small.kzt --idle-cgroups many
    [ "$status" -eq 2 ] && [[ $stderr == *'expected a number in 0..60000, found "many"'* ]]
    run --separate-stderr "$ZSIM" advise small.kzt --limit 4K
    [ "$status" -eq 1 ] && [[ $stderr == *"out of memory"* ]]
}
