#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# scripts/replay-kernel against trees of files in place of /sys, /proc and the
# cgroup tree: nothing here changes a setting of the machine, or needs root.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    export ZSIM=${ZSIM:-$PWD/zsim}
    replay=scripts/replay-kernel
    work=$BATS_TEST_TMPDIR
    export REPLAY_SYSFS=$work/sys REPLAY_PROCFS=$work/proc REPLAY_CGROUPFS=$work/cgroup
    export REPLAY_STATE=$work/state
    zswap=$work/sys/module/zswap/parameters
    mkdir -p "$zswap" "$work/sys/kernel/debug/zswap" "$work/proc/sys/vm" "$work/proc/sys/kernel" \
        "$work/cgroup" "$work/bin"
    echo N >"$zswap/enabled"
    echo zstd >"$zswap/compressor"
    echo 33 >"$zswap/max_pool_percent"
    echo 77 >"$zswap/accept_threshold_percent"
    echo Y >"$zswap/shrinker_enabled"
    echo 3 >"$work/proc/sys/vm/page-cluster"
    echo 91 >"$work/proc/sys/vm/swappiness"
    echo 6.18.2-test >"$work/proc/sys/kernel/osrelease"
    printf 'MemTotal: 8000000 kB\nMemAvailable: 7000000 kB\nSwapTotal: 4194304 kB\nSwapFree: 4194304 kB\nZswap: 0 kB\nZswapped: 0 kB\n' \
        >"$work/proc/meminfo"
    printf 'Filename Type Size Used Priority\n/dev/nothing partition 4194304 0 -2\n' >"$work/proc/swaps"
    printf 'pswpin 5\npswpout 6\nzswpin 7\nzswpout 8\nzswpwb 0\npgscan_anon 9\nnr_dirty 1\n' >"$work/proc/vmstat"
    echo 0 >"$work/sys/kernel/debug/zswap/stored_pages"
    echo 0 >"$work/sys/kernel/debug/zswap/pool_total_size"
    echo 4 >"$work/sys/kernel/debug/zswap/pool_limit_hit"
    echo 'cpu memory' >"$work/cgroup/cgroup.controllers"
    echo 'cpu memory' >"$work/cgroup/cgroup.subtree_control"
    become_root
    "$ZSIM" trace generate -o "$work/small.kzt" 3 '0:seq:0:256:256:100|1:seq:0:64:64:100' \
        '0:rand:0:256:2000:30|1:rand:0:64:500:0' '0:free:0:10:10:0'
}

# Programs that stand for root's rights and for the kernel's side of a cgroup directory.
become_root() {
    printf '#!/bin/sh\necho 0\n' >"$work/bin/id"
    cat >"$work/bin/mkdir" <<'END'
#!/bin/sh
/bin/mkdir "$@" || exit
case $1 in */zsim-replay.*)
    for file in memory.max memory.limit_in_bytes cgroup.procs cgroup.subtree_control; do : >"$1/$file"; done
    echo 'anon 4096' >"$1/memory.stat" ;;
esac
END
    printf '#!/bin/sh\ncase $1 in */zsim-replay.*) exec rm -r "$1" ;; esac\nexec /bin/rmdir "$@"\n' >"$work/bin/rmdir"
    chmod +x "$work"/bin/*
    export PATH=$work/bin:$PATH
}

# All settings, and the names of the cgroups.
settings() {
    grep -r . "$zswap" "$work/proc/sys/vm" "$work/cgroup" | sort
    find "$work/cgroup" -mindepth 1 | sort
}

refused() { # TEXT, ARGUMENTS...: exit code 2, one line, nothing changed, no file left
    local text=$1 before
    shift
    before=$(settings)
    run --separate-stderr timeout 300 "$replay" -o "$work/case.json" "$@"
    echo "$output$stderr"
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ "$stderr" == "replay-kernel: error: "*"$text"* ]]
    [ "$before" = "$(settings)" ]
    [ ! -e "$work/case.json" ]
    [ ! -e "$work/state" ]
}

go() {
    timeout 300 "$replay" --change-this-machine -o "$work/case.json" --runs 2 --cpu -1 --limit 128,0 \
        --flushes 20 "$@" "$work/small.kzt"
}

@test "nothing is changed unless it is asked for in words" {
    refused 'say --change-this-machine' "$work/small.kzt"
}

@test "refused without root" {
    printf '#!/bin/sh\necho 1000\n' >"$work/bin/id"
    refused 'not root' --change-this-machine "$work/small.kzt"
}

@test "refused without zswap" {
    rm -r "$work/sys/module"
    run --separate-stderr "$replay" --change-this-machine -o "$work/case.json" "$work/small.kzt"
    [ "$status" -eq 2 ]
    [ "$stderr" = "replay-kernel: error: $zswap: not there; this kernel has no zswap" ]
}

@test "refused without swap" {
    echo 'Filename Type Size Used Priority' >"$work/proc/swaps"
    refused 'there is no swap' --change-this-machine "$work/small.kzt"
}

@test "refused while others use zswap" {
    sed -i 's/^Zswapped:.*/Zswapped: 400 kB/' "$work/proc/meminfo"
    refused 'zswap is in use: it holds 100 pages' --change-this-machine "$work/small.kzt"
    sed -i '/^Zswap/d' "$work/proc/meminfo" # kernels before 5.19
    echo 12 >"$work/sys/kernel/debug/zswap/stored_pages"
    refused 'zswap is in use: it holds 12 pages' --change-this-machine "$work/small.kzt"
}

@test "refused without a memory controller" {
    echo 'cpu io' >"$work/cgroup/cgroup.controllers"
    refused 'the memory controller is not there' --change-this-machine "$work/small.kzt"
}

@test "refused when no cgroup can be made; what was set is set back" {
    printf '#!/bin/sh\ncase $1 in */zsim-replay.*) exit 1 ;; esac\nexec /bin/mkdir "$@"\n' >"$work/bin/mkdir"
    refused 'this cgroup cannot be made' --change-this-machine "$work/small.kzt"
}

@test "refused without room in memory or swap" {
    sed -i 's/^MemAvailable:.*/MemAvailable: 200000 kB/' "$work/proc/meminfo"
    refused 'not enough memory: 257 MiB are needed, 195 MiB available' --change-this-machine "$work/small.kzt"
    sed -i 's/^MemAvailable:.*/MemAvailable: 800000 kB/; s/^Swap\([TF][a-z]*\):.*/Swap\1: 1000 kB/' "$work/proc/meminfo"
    refused 'not enough swap: 1 MiB are needed, 0 MiB free' --change-this-machine "$work/small.kzt"
}

@test "refused: mistakes in what is asked" {
    local all=(--change-this-machine "$work/small.kzt")
    refused '--runs: expected a whole number in 1..1000, found "0"' --runs 0 "${all[@]}"
    refused '--max-pool: expected a whole number in 0..100, found "101"' --max-pool 101 "${all[@]}"
    refused '--max-pool: expected a whole number in 0..100, found "08"' --max-pool 08 "${all[@]}"
    refused '--zswap: expected Y or N' --zswap 2 "${all[@]}"
    refused 'is no name of a compressor' --compressor 'a b' "${all[@]}"
    refused 'unknown flag "--frob"' --frob 1 "${all[@]}"
    refused '--limit: the trace has 2 cgroups, found 1 limits' --limit 128 "${all[@]}"
    refused 'writes a parameter that zsim does not know' --event '5 write /proc/sys/kernel/panic 1' "${all[@]}"
    refused 'disk: "speed=9" is not KEY=VALUE' --disk speed=9 "${all[@]}"
    refused 'expected one trace' "$work/small.kzt" "${all[@]}"
    refused 'cannot be read' --change-this-machine "$work/none.kzt"
    echo text >"$work/text.kzt"
    refused 'not a native trace' --change-this-machine "$work/text.kzt"
    "$ZSIM" trace convert --to native2 "$work/small.kzt" "$work/two.kzt" 2>/dev/null
    refused 'version 2; expected 1' --change-this-machine "$work/two.kzt"
}

@test "refused by the replayer: contents, events and records that do not fit the trace" {
    check() { # TEXT ARGUMENTS...
        local text=$1
        shift
        run --separate-stderr "$replay" --change-this-machine -o "$work/case.json" "$@" "$work/small.kzt"
        echo "$stderr"
        [ "$status" -eq 2 ]
        [[ "$stderr" == "replay: error: "*"$text"* ]]
        [ ! -e "$work/state" ]
    }
    check 'percentages sum to 90.00' --content 90:zero
    check 'expected class zero, same, mixed or random' --content 100:noise
    check 'no rule for page 100 of cgroup 0' --content '0 7 0 99 100:zero' --content '1 7 0 63 100:zero'
    check 'unknown event "jump"' --event '5 jump high'
    check 'is not in the trace' --event '5 limit 7 100'
    check 'is not in the trace' --event '9999999 snap late'
    head -c -8 "$work/small.kzt" >"$work/short.kzt"
    mv "$work/short.kzt" "$work/small.kzt"
    check 'the header does not fit'
}

@test "a dry run says what it would change, and changes nothing" {
    before=$(settings)
    run --separate-stderr "$replay" --dry-run --compressor lz4 "$work/small.kzt"
    [ "$status" -eq 0 ]
    [[ "$output" == *"compressor=lz4"*"nothing was changed"* ]]
    [ "$before" = "$(settings)" ]
    [ ! -e "$work/state" ]
}

@test "a whole run sets everything back, and zsim validate reads its case" {
    echo 0 >"$work/proc/sys/vm/stat_refresh"
    disk=$work/sys/class/block/nothing
    mkdir -p "$disk/queue" "$disk/mq/0" "$disk/device" "$disk/msi_irqs" "$work/proc/irq/36"
    echo 1 >"$disk/queue/rotational"
    touch "$disk/msi_irqs/35" "$disk/msi_irqs/36"
    echo 1 >"$work/proc/irq/36/effective_affinity_list"
    before=$(settings | grep -v stat_refresh)
    steps="3 0:seq:0:256:256:100|1:seq:0:64:64:100 0:rand:0:256:2000:30|1:rand:0:64:500:0 0:free:0:10:10:0"
    timeout 300 "$replay" --change-this-machine -o "$work/case.json" --runs 2 --cpu -1 --limit 128,0 \
        --flushes 20 --generate "$steps" --group 'all 0 0 255' --event '320 snap filled' \
        --event '1000 limit 0 200' --event '1500 write /proc/sys/vm/swappiness 10' --name small \
        --disk read_latency=41us,bandwidth=3G,disk_submit_write=2300ns
    [ "$before" = "$(settings | grep -v stat_refresh)" ]
    [ "$(<"$work/proc/sys/vm/stat_refresh")" = 1 ]
    [ "$(jq .config.env.readahead_hits "$work/case.json")" = 0 ]
    [ "$(jq -c '.machine | [.swap_rotational, .swap_interrupt_cpu, .swap_disk]' "$work/case.json")" = \
        '[1,1,{"read_latency":"41us","bandwidth":"3G","disk_submit_write":"2300ns"}]' ]
    [ ! -e "$work/state" ]
    run jq -c '.name, .repeats, .config.limit_pages, .config.events, .settled.vmstat.zswpin, .settled.vmstat.nr_dirty,
        .settled.zswap.pool_limit_hit.max, .snaps[0].label, .groups[0].final_placement.hit.med, .machine.kernel' "$work/case.json"
    [ "$output" = '"small"
2
[128,0]
[[320,"snap","filled"],[1000,"limit",0,200],[1500,"write","/proc/sys/vm/swappiness","10"]]
{"med":0,"min":0,"max":0}
null
0
"filled"
246
"6.18.2-test"' ]
    run --separate-stderr timeout 60 "$ZSIM" validate --fail-over 1 "$work/case.json"
    echo "$output$stderr"
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    # What no kernel limited may be too little for the simulator.
    [[ -z $stderr || $stderr == "zsim: warning: small: a process was OOM-killed"* ]]
}

@test "settings while it runs: the kernel's side is written, cgroup v2 and v1" {
    # A stand-in for the replayer's compiler leaves a program that records what it finds.
    cat >"$work/bin/cc" <<END
#!/bin/sh
while [ "\$1" != -o ]; do shift; done
cat >"\$2" <<'INNER'
#!/bin/sh
[ "\$1" != --check ] || exit 0
{ grep -r . "$zswap" "$work/proc/sys/vm" | sed 's/.*parameters.//; s/.*vm.//' | sort; printf '%s ' "\$@" | sed "s|$work||g"; } >"$work/seen"
exit 1
INNER
chmod +x "\$2"
END
    chmod +x "$work/bin/cc"
    before=$(settings)
    run go --compressor lzo-rle --max-pool 5 --page-cluster 2
    [ "$status" -eq 1 ]
    [ "$before" = "$(settings)" ]
    run cat "$work/seen"
    [ "${lines[0]}" = 'accept_threshold_percent:90' ]
    [ "${lines[1]}" = 'compressor:lzo-rle' ]
    [ "${lines[2]}" = 'enabled:Y' ]
    [ "${lines[3]}" = 'max_pool_percent:5' ]
    [ "${lines[4]}" = 'page-cluster:2' ]
    [ "${lines[5]}" = 'shrinker_enabled:N' ]
    [ "${lines[6]}" = 'swappiness:60' ]
    [[ "${lines[7]}" == *"--cgroup /cgroup/zsim-replay."*"/cg1 --limit-file memory.max --unlimited max "* ]]
    rm "$work/cgroup/cgroup.controllers" "$work/cgroup/cgroup.subtree_control"
    run go
    run cat "$work/seen"
    [[ "${lines[7]}" == *"--limit-file memory.limit_in_bytes --unlimited -1 "* ]]
}

# Beside the root and those of the trace: the one that they are in, one of another, and those that
# have no directory any more.
@test "other cgroups are counted, cgroup v2 and v1" {
    counted() {
        go
        jq -c .machine.memory_cgroups "$work/case.json"
    }
    /bin/mkdir -p "$work/cgroup/other/without"
    echo 'anon 0' | tee "$work/cgroup/memory.stat" >"$work/cgroup/other/memory.stat"
    [ "$(counted)" = null ]
    printf 'nr_descendants 5\nnr_dying_descendants 9\n' >"$work/cgroup/cgroup.stat"
    [ "$(counted)" = '{"online":2,"removed":9}' ]
    printf 'nr_subsys_memory 5\nnr_dying_subsys_cpu 3\nnr_dying_subsys_memory 8\n' >>"$work/cgroup/cgroup.stat"
    # One that goes in between is none of the script's business.
    printf '#!/bin/sh\n/usr/bin/find "$@"\nexit 1\n' >"$work/bin/find"
    chmod +x "$work/bin/find"
    [ "$(counted)" = '{"online":2,"removed":8}' ]
    rm "$work/cgroup/cgroup.controllers" "$work/cgroup/cgroup.subtree_control"
    [ "$(counted)" = null ]
    printf '#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t2\t1\nmemory\t4\t12\t1\n' >"$work/proc/cgroups"
    [ "$(counted)" = '{"online":2,"removed":7}' ]
}

@test "the memory controller is handed on, and taken back" {
    echo cpu >"$work/cgroup/cgroup.subtree_control"
    go
    [ "$(cat "$work/cgroup/cgroup.subtree_control")" = -memory ]
}

# Starts a run whose replayer never ends; waits until its settings are in force.
start_endless() {
    cat >"$work/bin/cc" <<END
#!/bin/sh
while [ "\$1" != -o ]; do shift; done
printf '#!/bin/sh\n[ "\$1" != --check ] || exit 0\necho \$\$ >$work/replayer\nexec sleep 100\n' >"\$2"
chmod +x "\$2"
END
    chmod +x "$work/bin/cc"
    # Not through timeout: the signals are to reach the script itself.
    "$replay" --change-this-machine -o "$work/case.json" --limit 128,0 "$work/small.kzt" 3>&- &
    driver=$!
    for _ in {1..100}; do
        [ ! -s "$work/replayer" ] || break
        sleep 0.1
    done
    [ "$(cat "$zswap/max_pool_percent")" = 20 ]
    [ -e "$work/state" ]
}

@test "SIGTERM in the middle: everything as before, replayer gone, code 143" {
    before=$(settings)
    start_endless
    kill -TERM "$driver"
    status=0
    wait "$driver" || status=$?
    [ "$status" -eq 143 ]
    [ "$before" = "$(settings)" ]
    [ ! -e "$work/state" ]
    [ ! -e "$work/case.json" ]
    ! kill -0 "$(cat "$work/replayer")" 2>/dev/null
}

@test "SIGHUP in the middle: the same, code 129" {
    before=$(settings)
    start_endless
    kill -HUP "$driver"
    status=0
    wait "$driver" || status=$?
    [ "$status" -eq 129 ]
    [ "$before" = "$(settings)" ]
}

@test "kill -9 in the middle: a second run is refused, --restore undoes it" {
    before=$(settings)
    start_endless
    run --separate-stderr "$replay" --restore
    [ "$status" -eq 2 ]
    [ "$stderr" = 'replay-kernel: error: another replay-kernel is at work' ]
    kill -KILL "$driver"
    wait "$driver" || true
    kill -KILL "$(cat "$work/replayer")"
    [ "$before" != "$(settings)" ]
    run --separate-stderr "$replay" --change-this-machine -o "$work/case.json" "$work/small.kzt"
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"--restore" ]]
    run --separate-stderr "$replay" --restore
    [ "$status" -eq 0 ]
    [ "$before" = "$(settings)" ]
    [ ! -e "$work/state" ]
    run "$replay" --restore
    [ "$status" -eq 0 ]
    [ "$output" = 'replay-kernel: nothing to restore' ]
}

@test "what cannot be restored is said, and kept for another try" {
    printf 'write\t%s\t50\nwrite\t%s\tlz4\n' "$work/gone/max_pool_percent" "$zswap/compressor" >"$work/state"
    run --separate-stderr "$replay" --restore
    [ "$status" -eq 1 ]
    [ "$stderr" = "replay-kernel: error: $work/gone/max_pool_percent could not be restored to \"50\"" ]
    [ "$(cat "$zswap/compressor")" = lz4 ]
    [ "$(wc -l <"$work/state")" -eq 1 ]
}

# A run as the replayer writes it: $1 zswpin at the end, $2 pages stored, $3 times the limit was hit.
one_run() {
    cat <<END
{"snaps": [],
 "start": {"vmstat": {"zswpin": 1000, "pswpout": 7}, "zswap": {"stored_pages": 3, "pool_limit_hit": 40}, "cg": [{"memory_stat": {"anon": 0}}]},
 "end": {"vmstat": {"zswpin": $1, "pswpout": 9}, "zswap": {"stored_pages": $2, "pool_limit_hit": 40}, "cg": [{"memory_stat": {"anon": $2}}]},
 "settled": {"vmstat": {"zswpin": $1, "pswpout": 12}, "zswap": {"stored_pages": $2, "pool_limit_hit": $((40 + $3))}, "cg": [{"memory_stat": {"anon": 1}}]},
 "processes": [{"majflt": $2}], "groups": [], "wall_s": 1.5}
END
}

@test "a case: differences to the start, gauges as they are, median and range over the runs" {
    about='{"name": "n", "why": "", "machine": {}, "measured": "", "oom_killed_runs": 1}'
    {
        one_run 1500 30 0
        one_run 1300 50 0
        one_run 1400 10 0
    } | jq -s --argjson config '{"npages": [9]}' --argjson about "$about" -f scripts/replay/case.jq >"$work/case.json"
    run jq -c '.settled.vmstat, .end.vmstat.pswpout.med, .settled.zswap, .cgroups, .repeats, .oom_killed_runs, has("all_rounds"),
        .per_run[1].rejects' "$work/case.json"
    [ "$output" = '{"zswpin":{"med":400,"min":300,"max":500},"pswpout":{"med":5,"min":5,"max":5}}
2
{"stored_pages":{"med":30,"min":10,"max":50},"pool_limit_hit":{"med":0,"min":0,"max":0}}
[{"memory_stat":{"anon":{"med":30,"min":10,"max":50}},"proc":{"majflt":{"med":30,"min":10,"max":50}}}]
3
1
false
5' ]
    one_run 1500 30 2 | jq -s --argjson config '{"npages": [9]}' --argjson about "$about" -f scripts/replay/case.jq >"$work/case.json"
    run jq -c '.all_rounds | .zswpin.med, .majflt_total.max, .rejects.min' "$work/case.json"
    [ "$output" = '500
30
5' ]
    # When the first page was written back: as "zsim validate --own-rate" reads it.
    one_run 1500 30 2 | jq '.stored_when_full = 160 | .rejects_at_first_writeback = 90' |
        jq -s --argjson config '{"npages": [9], "memstat_flushes": 20}' --argjson about "$about" \
            -f scripts/replay/case.jq >"$work/case.json"
    run jq -c '.config.samples, (.per_run[0] | .stored_when_full, .rejects_at_first_writeback_sample)' "$work/case.json"
    [ "$output" = '20
160
90' ]
}

@test "a process that is killed ends the replay with code 3" {
    cc -std=gnu11 -O2 -I. -o "$work/replay" scripts/replay/replay.c
    # A million turns of the coordinator take longer than to find the process.
    "$ZSIM" trace generate -o "$work/long.kzt" 1 0:seq:0:100:100:100 0:rand:0:100:2000000:100
    printf 'trace %s\ncontent 0 7 0 99 100:random\nflush 1000000\n' "$work/long.kzt" >"$work/spec"
    "$work/replay" "$work/spec" -o "$work/out.json" 2>"$work/err" 3>&- &
    coordinator=$!
    for _ in {1..200}; do
        process=$(awk -v parent="$coordinator" '$4 == parent {print $1}' /proc/[0-9]*/stat 2>/dev/null || true)
        [ -z "$process" ] || break
        sleep 0.01
    done
    kill -KILL "$process"
    status=0
    wait "$coordinator" || status=$?
    [ "$status" -eq 3 ]
    grep -q 'cgroup 0 was killed by signal 9' "$work/err"
    [ ! -e "$work/out.json" ]
}

# ---- the replayer, as any user, without cgroups ----------------------------------------

@test "page contents are those whose compressed sizes zsim knows" {
    "$ZSIM" trace generate -o "$work/fill.kzt" 1 0:seq:0:4096:4096:100 0:rand:0:4096:5000:50
    for classes in 100:zero 100:same 100:random 100:mixed:1152 100:mixed:2304; do
        timeout 300 "$replay" --no-cgroup --runs 1 --cpu -1 --content "$classes" -o "$work/case.json" \
            --dump "$work/pages" "$work/fill.kzt"
        [ "$(stat -c %s "$work/pages")" -eq $((4096 * 4096)) ]
        "$ZSIM" content sample "$work/pages" -n 4096 -o "$work/profile.json" 2>/dev/null
        lengths=$(jq -r '(.compressors | index("lzo")) as $c | [.samples[][1 + $c]] | add / length' "$work/profile.json")
        expected=$(awk -v classes="$classes" '$1 == classes {print $2 + 0}' tests/truth/content/v6.18-means.tsv)
        echo "$classes: $lengths, expected $expected"
        [ -n "$expected" ]
        [ "$(jq -n "$lengths * 10 | round")" = "$(jq -n "$expected * 10 | round")" ]
    done
}

@test "freed pages are empty, others unharmed by reads and writes; cgroups one behind the other" {
    timeout 300 "$replay" --no-cgroup --runs 1 --cpu -1 --content 100:random -o "$work/case.json" \
        --dump "$work/pages" "$work/small.kzt"
    [ "$(stat -c %s "$work/pages")" -eq $((320 * 4096)) ]
    # Pages 0..9 of cgroup 0 were freed at the end.
    [ "$(head -c 40960 "$work/pages" | tr -d '\0' | wc -c)" -eq 0 ]
    # No page twice: another access does not fill again, cgroups have seeds of their own.
    tail -c +40961 "$work/pages" | split -b 4096 --filter=sha256sum | sort | uniq -d >"$work/twice"
    [ ! -s "$work/twice" ]
}

@test "a page's first words follow the definition" {
    # splitmix and xorshift64* once more, in the shell's signed numbers: page 0 of seed 7.
    "$ZSIM" trace generate -o "$work/one.kzt" 1 0:seq:0:1:1:100
    timeout 300 "$replay" --no-cgroup --runs 1 --cpu -1 --content '0 7 0 0 100:random' -o "$work/case.json" \
        --dump "$work/pages" "$work/one.kzt"
    splitmix() {
        local z=$(($1 + 0x9E3779B97F4A7C15))
        z=$(((z ^ (z >> 30 & 0x3FFFFFFFF)) * 0xBF58476D1CE4E5B9))
        z=$(((z ^ (z >> 27 & 0x1FFFFFFFFF)) * 0x94D049BB133111EB))
        echo $((z ^ (z >> 31 & 0x1FFFFFFFF)))
    }
    x=$(splitmix "$(splitmix "$(splitmix 7)")")
    x=$((x ^ (x >> 12 & 0xFFFFFFFFFFFFF)))
    x=$((x ^ (x << 25)))
    x=$((x ^ (x >> 27 & 0x1FFFFFFFFF)))
    printf '%016x\n' $((x * 0x2545F4914F6CDD1D)) >"$work/expected"
    od -An -tx8 -N8 "$work/pages" | tr -d ' ' >"$work/found"
    diff "$work/expected" "$work/found"
}

@test "a rehearsal needs no root, changes nothing, and its case says no limit" {
    printf '#!/bin/sh\necho 1000\n' >"$work/bin/id"
    before=$(settings)
    timeout 300 "$replay" --no-cgroup --cpu -1 --runs 3 -o "$work/case.json" \
        --generate '3 0:seq:0:100:100:100 0:rand:0:100:500:0'
    [ "$before" = "$(settings)" ]
    run jq -c '.config.limit_pages, .config.env.compressor, (.cgroups[0].proc.majflt.max), .repeats' "$work/case.json"
    [ "$output" = '[0]
"zstd"
0
3' ]
    run --separate-stderr "$ZSIM" validate "$work/case.json"
    [ "$status" -eq 0 ]
}

@test "--like repeats a case: trace, limits, contents, events and settings" {
    before=$(settings)
    timeout 300 "$replay" --no-cgroup --cpu -1 --runs 1 --no-probe -o "$work/case.json" \
        --like tests/truth/kernel/v6.18-o06-hotcold-phase-2x.json
    jq -S '.config | {trace_cmd, trace_sha256, nrec, npages, content, groups, events, memstat_flushes}' \
        "$work/case.json" >"$work/found"
    jq -S '.config | {trace_cmd, trace_sha256, nrec, npages, content, groups, events, memstat_flushes}' \
        tests/truth/kernel/v6.18-o06-hotcold-phase-2x.json >"$work/expected"
    diff "$work/expected" "$work/found"
    run --separate-stderr "$replay" --change-this-machine --dry-run --like tests/truth/kernel/v6.18-o11-pool-rand-8x.json
    echo "$output$stderr"
    [ "$status" -eq 0 ]
    [[ "$output" == *"limits 32768 pages"*"compressor=lzo max_pool_percent=1 "* ]]
}

@test "a case from a trace file is replayed from that file, which must not have changed" {
    go --name 'from a file'
    [ "$(jq -r .config.trace_cmd "$work/case.json")" = "trace '$work/small.kzt'" ]
    run --separate-stderr timeout 60 "$ZSIM" validate --fail-over 1 "$work/case.json"
    echo "$output$stderr"
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    "$ZSIM" trace generate -o "$work/small.kzt" 4 '0:rand:0:256:2320:30|1:seq:0:64:564:100' 0:free:0:10:10:0
    run --separate-stderr "$ZSIM" validate "$work/case.json"
    [ "$status" -eq 2 ]
}
