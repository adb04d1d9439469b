bats_require_minimum_version 1.5.0

# What the system may do to a run: refuse memory, fill the disk, fail calls, stop it
# anywhere.  Nothing truncated or wrong may be left under a final name, what was
# finished stays, and a rerun completes it.  tests/faults/faults.c makes the faults.

setup_file() {
    export WORK=$BATS_FILE_TMPDIR ZSIM=${ZSIM:-$PWD/zsim} TOP=$PWD ZSIM_CACHE=""
    cd "$WORK" || return 1
    "${CC:-cc}" -O1 -shared -fPIC -o faults.so "$TOP/tests/faults/faults.c" -ldl
    cat >small.json <<'END'
{"kernel": "v6.11", "machine": {"cpus": 1, "nodes": [{"memory": "4M"}]},
 "swap": {"devices": [{"name": "disk", "size": "16M"}]},
 "cgroups": {"/a": {"memory.max": "256K"}},
 "tasks": [{"name": "t", "cgroup": "/a",
            "workload": {"type": "uniform", "footprint": "512K", "accesses": 400}}]}
END
    "$ZSIM" trace generate 1 0:zipf:0:512:4000:50:0.9 -o plain.kzt
    "$ZSIM" trace convert plain.kzt blocks.kzt 2>/dev/null
    zstd -q plain.kzt -o packed.kzt.zst
    "$ZSIM" trace convert --to csv plain.kzt text.csv.zst 2>/dev/null
    "$ZSIM" trace convert --to lackey plain.kzt text.lackey 2>/dev/null
    head -c 40960 "$ZSIM" >pages
    "$ZSIM" content sample pages -o profile.json >/dev/null
    jq '.tasks = [{"name": "b", "workload": {"type": "trace", "file": "blocks.kzt"},
                   "content": {"type": "profile", "file": "profile.json"}},
                  {"name": "z", "workload": {"type": "trace", "file": "packed.kzt.zst"}},
                  {"name": "c", "workload": {"type": "csv", "file": "text.csv.zst"}},
                  {"name": "l", "workload": {"type": "lackey", "file": "text.lackey"}}]
        | .cgroups = {} | .engine = {"bound": true} | .zswap = {"compressor": "zstd"}' \
        small.json >inputs.json
    mkdir right
    "$ZSIM" -j 1 -o right small.json >/dev/null
    "$ZSIM" -j 1 -o right inputs.json >/dev/null
    "$ZSIM" expand small.json -o sweep --seeds 1..120
    "$ZSIM" run --manifest sweep/manifest.tsv
    mv sweep/results finished
    mkdir sweep/results
}

setup() {
    cd "$WORK" || return 1
}

teardown() {
    rm -rf "$WORK/results" "$WORK/log" "$WORK/made"*
}

# Run with a fault: faulty FAULT COMMAND...
faulty() {
    timeout -k 1 60 env FAULT="$1" LD_PRELOAD="$WORK/faults.so" "${@:2}"
}

# Results are whole, and right but for what depends on the machine ("host", which
# comes last): right REFERENCE-DIRECTORY RESULT...
right() {
    printf '%s\n' "${@:2}" | awk -v with="$1" '
        {
            result = reference = $0
            sub(/.*\//, with "/", reference)
            do {
                more = (getline line <result) > 0
                there = (getline wanted <reference) > 0
                if (more != there || line != wanted) {
                    print result " is not a right result: " line
                    exit 1
                }
            } while (more && line !~ /^\t"host":/)
            while ((getline line <result) > 0)
                last = line
            close(result)
            close(reference)
            if (last != "}") {
                print result " is cut off"
                exit 1
            }
        }'
}

# Nothing but these files is in a directory: holds DIRECTORY FILE...
holds() {
    [ "$(ls "$1")" = "$(printf '%s\n' "${@:2}" | sed '/^$/d')" ] || {
        ls "$1"
        return 1
    }
}

# Every request for memory (or every FAULT_EVERY-th) is refused once, in turn:
# refuse_memory LEAST-REQUESTS COMMAND...
refuse_memory() {
    rm -f log
    FAULT_LOG=$WORK/log faulty memory "${@:2}" >/dev/null 2>stderr || {
        cat stderr
        return 1
    }
    if [ "$(wc -l <log)" -ne 1 ] || [ "$(cut -d ' ' -f 1 log)" -lt "$1" ]; then
        echo "${*:2}"
        head -n 20 log
        return 1
    fi
}

@test "memory: every request of a run is refused in turn" {
    mkdir results
    cp right/small.json results
    FAULT_RESULT=results/small.json refuse_memory 7000 "$ZSIM" -j 1 small.json
}

@test "memory: no request of a run is granted from one on" {
    mkdir results
    cp right/small.json results
    FAULT_STAYS=1 FAULT_EVERY=7 FAULT_RESULT=results/small.json refuse_memory 1000 "$ZSIM" -j 1 small.json
}

@test "memory: traces, contents and bounds" {
    mkdir results
    cp right/inputs.json results
    FAULT_RESULT=results/inputs.json refuse_memory 7500 "$ZSIM" -j 1 inputs.json
    refuse_memory 400 "$ZSIM" --check-only inputs.json
}

@test "memory: the other commands" {
    refuse_memory 3 "$ZSIM" list
    refuse_memory 300 "$ZSIM" explain zswap.lru
    refuse_memory 200 "$ZSIM" defaults
    refuse_memory 800 "$ZSIM" compare right/small.json right/small.json
    refuse_memory 1000 "$ZSIM" expand small.json -o made --seeds 1..2
    right_manifest
    refuse_memory 10 "$ZSIM" gather right.tsv
    refuse_memory 400 "$ZSIM" run --manifest sweep/manifest.tsv --id 1..2 -j 1
    rm -rf sweep/results/*
    local trace
    for trace in plain.kzt blocks.kzt packed.kzt.zst text.csv.zst text.lackey; do
        refuse_memory 20 "$ZSIM" trace info "$trace"
    done
    refuse_memory 50 "$ZSIM" trace bound --ram 64K --pool 16K plain.kzt
    FAULT_EVERY=7 refuse_memory 500 "$ZSIM" trace mrc plain.kzt
    FAULT_EVERY=7 refuse_memory 500 "$ZSIM" schema
    FAULT_EVERY=71 refuse_memory 5 "$ZSIM" validate "$TOP/tests/truth/kernel/v6.18-o13-two-cg-hot-cold.json"
    FAULT_EVERY=401 refuse_memory 10 "$ZSIM" advise -j 1 plain.kzt -o made.advice
}

# Commands that write a file of their own; each writes what it is given last.
writers() {
    cat <<'END'
trace generate 1 0:zipf:0:64:200:50:0.9 -o
trace generate --to native2 1 0:zipf:0:64:200:50:0.9 -o
trace convert text.lackey
trace convert --to csv blocks.kzt
content sample pages -o
gather right.tsv -o
END
}

# A manifest of one line, whose result is there.
right_manifest() {
    head -n 2 sweep/manifest.tsv >right.tsv
    mkdir -p results
    cp "finished/$(awk -F / 'NR == 2 {print $NF}' right.tsv)" results
}

# What a writer makes without a fault, but for "host", in the file "wanted".
make_wanted() { # COMMAND...
    mkdir -p wanted.made
    "$ZSIM" "$@" wanted.made/out >/dev/null 2>&1
    sed '/^\t"host":/,$d' wanted.made/out >wanted
}

# The file of a writer is right, or, where it failed, as it was: nothing or "old".
as_it_must_be() { # STATUS OLD
    if [ "$1" -eq 0 ]; then
        sed '/^\t"host":/,$d' made/out | cmp - wanted && holds made out
    elif [ "$1" -le 2 ] && [ "$(grep -c 'error: ' stderr)" -eq 1 ]; then
        # The file may be whole when only what is told about it failed.
        cmp -s made/out wanted ||
            { [ "$(cat made/out 2>/dev/null)" = "$2" ] && holds made "${2:+out}"; }
    else
        echo "exit code $1"
        cat stderr
        return 1
    fi
}

@test "memory: commands that write a file leave it whole or not at all" {
    right_manifest
    local command number status granted
    while read -ra command; do
        make_wanted "${command[@]}"
        granted=0
        for ((number = 1; granted < 5 && number < 200; number++)); do
            rm -rf made
            mkdir made
            status=0
            faulty "request:$number" "$ZSIM" "${command[@]}" made/out >/dev/null 2>stderr || status=$?
            as_it_must_be "$status" "" || { echo "request $number of ${command[*]}: $status"; cat stderr; return 1; }
            granted=$((status == 0 ? granted + 1 : 0))
        done
    done < <(writers | grep -v gather)
}

@test "a full disk, at every place of a file: one line, nothing under its name" {
    right_manifest
    local command room size status old
    while read -ra command; do
        make_wanted "${command[@]}"
        size=$(stat -c %s wanted.made/out)
        for room in 0 1 $((size / 3)) $((size - 50)); do
            for old in "" old; do
                rm -rf made
                mkdir made
                [ -z "$old" ] || echo "$old" >made/out
                status=0
                faulty "full:$room" "$ZSIM" "${command[@]}" made/out >/dev/null 2>stderr || status=$?
                [ "$status" -eq 1 ]
                as_it_must_be "$status" "$old"
            done
        done
    done < <(writers)
    for room in 0 1 4096 10000 30000; do
        status=0
        faulty "full:$room" "$ZSIM" -j 1 -o made.results small.json >/dev/null 2>stderr || status=$?
        [ "$status" -eq 1 ]
        [ "$(cat stderr)" = "made.results/small.json: error: cannot be written: No space left on device" ]
        holds made.results ""
    done
}

@test "a full disk: a small tmpfs, and a limit of the size of files" {
    # A sweep goes on where it stopped when there is room.
    mkdir made
    (
        ulimit -f 40
        trap '' XFSZ
        exec "$ZSIM" -j 1 -o made small.json >/dev/null 2>stderr
    ) && false
    grep -q 'error: cannot be written: File too large' stderr
    holds made ""
    [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=1500k tmpfs made 2>/dev/null ||
        skip "only root may mount a tmpfs; the limit of the size was tried"
    cp -r sweep/configs sweep/manifest.tsv made
    mkdir made/results
    run --separate-stderr "$ZSIM" run --manifest made/manifest.tsv
    right finished made/results/*.json || { umount made; return 1; }
    [ "$(find made/results -type f | wc -l)" -eq "$(find made/results -name '*.json' | wc -l)" ]
    mount -o remount,size=64M made
    "$ZSIM" run --manifest made/manifest.tsv
    local count
    count=$(find made/results -name '*.json' | wc -l)
    umount made
    [ "$status" -eq 1 ]
    [[ $stderr == *"No space left on device"* ]]
    [ "$count" -eq 120 ]
}

@test "calls that fail: fsync, close, rename, link" {
    right_manifest
    local fault command status old
    while read -ra command; do
        make_wanted "${command[@]}"
        for fault in fsync close rename linkat; do
            for old in "" old; do
                rm -rf made
                mkdir made
                [ -z "$old" ] || echo "$old" >made/out
                status=0
                faulty "$fault" "$ZSIM" "${command[@]}" made/out >/dev/null 2>stderr || status=$?
                [ "$status" -ne 0 ]
                as_it_must_be "$status" "$old"
            done
        done
    done < <(writers)
    for fault in fsync close rename linkat; do
        status=0
        faulty "$fault" "$ZSIM" -j 1 -o made.results small.json >/dev/null 2>stderr || status=$?
        [ "$status" -eq 1 ]
        [ "$(cat stderr)" = "made.results/small.json: error: cannot be written: Input/output error" ]
        holds made.results ""
    done
}

@test "short and interrupted reads and writes, jumps of the clock, files with names: the same bytes" {
    right_manifest
    local fault command
    for fault in short clock named; do
        faulty "$fault" "$ZSIM" -j 2 -o made.results small.json inputs.json >/dev/null
        right right made.results/small.json made.results/inputs.json
        holds made.results inputs.json small.json
        faulty "$fault" "$ZSIM" -j 2 --progress always small.json >/dev/null
        rm -rf made.results results/small.json
        while read -ra command; do
            make_wanted "${command[@]}"
            mkdir made
            faulty "$fault" "$ZSIM" "${command[@]}" made/out >/dev/null 2>stderr
            as_it_must_be 0 ""
            rm -r made
        done < <(writers)
    done
}

@test "a trace that is cut off while it is mapped: one line, exit code 1" {
    local trace command
    while read -ra command; do
        for trace in plain.kzt blocks.kzt; do
            cp "$trace" cut.kzt
            status=0
            faulty truncate "$ZSIM" "${command[@]}" >/dev/null 2>stderr || status=$?
            [ "$status" -eq 1 ]
            [ "$(cat stderr)" = "$WORK/cut.kzt: error: it became shorter while it was read, or its device failed" ]
        done
    done <<'END'
trace info cut.kzt
trace mrc cut.kzt
trace bound --ram 64K cut.kzt
trace convert cut.kzt made
--set tasks.t.workload={"type":"trace","file":"cut.kzt"} small.json
END
    [ ! -e made ]
}

# Start zsim in the background where SIGINT is not ignored; its number in $!.
start() {
    env --default-signal=INT "$ZSIM" "$@" >/dev/null 2>stderr &
}

@test "SIGINT and SIGTERM: what is finished stays, the rest is marked, exit code 130" {
    local signal
    jq '.seeds = [1, 2, 3, 4, 5, 6, 7, 8]
        | .tasks[0].workload.accesses = 1500000' small.json >long.json
    for signal in INT TERM; do
        rm -rf made
        start -j 1 -o made long.json
        sleep 0.7
        kill "-$signal" $!
        status=0
        wait $! || status=$?
        [ "$status" -eq 130 ]
        grep -q interrupted stderr
        holds made long.json
        jq -e '.complete == false and ([.variants[].runs[] | select(.complete)] | length < 8)' made/long.json
    done
}

@test "kill -9 at 200 moments of a sweep: only right results, and a rerun completes it" {
    local round result new count made=0 killed=0
    declare -A checked
    RANDOM=1
    for ((round = 0; round < 200; round++)); do
        # Half of them where temporary files have names.
        if ((round % 2)); then
            FAULT=named LD_PRELOAD=$WORK/faults.so "$ZSIM" run --manifest sweep/manifest.tsv -j 2 2>/dev/null &
        else
            "$ZSIM" run --manifest sweep/manifest.tsv -j 2 2>/dev/null &
        fi
        sleep "0.0$((RANDOM % 6))$((RANDOM % 10))"
        kill -9 $! 2>/dev/null && killed=$((killed + 1))
        wait $! 2>/dev/null || true
        new=() count=0
        for result in sweep/results/*.json; do
            [ -e "$result" ] || continue
            count=$((count + 1))
            [ -n "${checked[$result]:-}" ] || new+=("$result")
            checked[$result]=1
        done
        made=$((made + ${#new[@]}))
        ((${#new[@]} == 0)) || right finished "${new[@]}"
        if ((count > 100)); then
            rm -f sweep/results/*.json
            checked=()
        fi
    done
    echo "$killed killed, $made results"
    [ "$killed" -gt 150 ]
    [ "$made" -gt 20 ]
    "$ZSIM" run --manifest sweep/manifest.tsv
    [ "$(find sweep/results -name '*.json' | wc -l)" -eq 120 ]
    right finished sweep/results/*.json
    "$ZSIM" gather sweep/manifest.tsv >gathered
    [ "$(wc -l <gathered)" -eq 121 ]
    rm -f sweep/results/*
}

@test "kill -9 while a sweep is expanded: the manifest is there and whole, or not at all" {
    local round
    RANDOM=2
    for ((round = 0; round < 20; round++)); do
        "$ZSIM" expand small.json -o made --seeds 1..120 2>/dev/null &
        sleep "0.0$((RANDOM % 6))$((RANDOM % 10))"
        kill -9 $! 2>/dev/null || true
        wait $! 2>/dev/null || true
        [ ! -e made/manifest.tsv ] || cmp made/manifest.tsv sweep/manifest.tsv
        ((round % 4)) || rm -rf made
    done
    "$ZSIM" expand small.json -o made --seeds 1..120
    cmp made/manifest.tsv sweep/manifest.tsv
    diff -r made/configs sweep/configs
}
