bats_require_minimum_version 1.5.0

# Input that means harm: every command that reads a file ends with a message and exit
# code 2 (1 where a run had begun, or the output is in the way), within 1 GiB of memory and a bounded time.

setup_file() {
    export WORK=$BATS_FILE_TMPDIR ZSIM=${ZSIM:-$PWD/zsim} TOP=$PWD
    cd "$WORK" || return 1
    config '' >good.json
    "$ZSIM" trace generate 1 0:zipf:0:64:200:50:0.9 -o good.kzt
    "$ZSIM" trace convert good.kzt good2.kzt 2>/dev/null
    "$ZSIM" trace convert --to csv good.kzt good.csv 2>/dev/null
    head -c 40960 "$ZSIM" >pages
    "$ZSIM" content sample pages -o profile.json >/dev/null
    "$ZSIM" expand good.json -o sweep
    "$ZSIM" run --manifest sweep/manifest.tsv >/dev/null
    "$ZSIM" good.json >/dev/null
}

teardown_file() {
    chmod -R u+rwX "$WORK"
}

setup() {
    cd "$WORK" || return 1
    zsim=("$ZSIM")
}

# From here on zsim may do what a user may: root without its right to every file.
give_up_rights() {
    [ "$(id -u)" -eq 0 ] || return 0
    zsim=(setpriv --bounding-set=-dac_override,-dac_read_search "$ZSIM")
    "${zsim[@]}" --version >/dev/null 2>&1 || skip "root cannot give up its rights here"
}

# A small config with more keys: config KEYS [WORKLOAD]
config() {
    echo "{\"machine\": {\"cpus\": 1, \"nodes\": [{\"memory\": \"4M\"}]},
 \"swap\": {\"devices\": [{\"name\": \"d\", \"size\": \"16M\"}]}, $1
 \"tasks\": [{\"name\": \"t\", \"workload\":
   ${2:-{\"type\": \"uniform\", \"footprint\": \"512K\", \"accesses\": 400\}}}]}"
}

# Exit code, messages and memory of a command: ends CODE COMMAND...
# A message is one line, or its line, the place in the file and what came of it.
ends() {
    local code=$1
    shift
    run --separate-stderr timeout -k 1 180 bash -c \
        'ulimit -v 3000000; ZSIM_CACHE="" exec /usr/bin/env time -f "peak %M" "$@" <&-' _ "$@"
    local peak
    peak=$(sed -n 's/^peak //p' <<<"$stderr")
    local told
    told=$(grep -c 'error: ' <<<"$stderr" || true)
    if [ "$status" -ne "$code" ] || [ "$told" -lt 1 ] || [ "$told" -gt "${TOLD:-1}" ] ||
        [ "${peak:-9999999}" -gt 1048576 ] || [ -n "$output" ]; then
        echo "$*: expected $code, got $status; $told messages, $peak KiB"
        head -n 5 <<<"$stderr"
        head -n 5 <<<"$output"
        return 1
    fi
}

# Each command that reads a file, with the file in the place of F.
readers() {
    cat <<'END'
run F
run --check-only F
expand F -o never
validate F
compare F good.json
run --manifest F
gather F
trace info F
trace mrc F
trace bound --ram 1M F
trace convert F never
advise F
content sample F -o never
run --set costs="F" good.json
run --set tasks.t.content={"type":"profile","file":"F"} good.json
run --set tasks.t.workload={"type":"trace","file":"F"} good.json
run --set tasks.t.workload={"type":"csv","file":"F"} good.json
run --set tasks.t.workload={"type":"lackey","file":"F"} good.json
advise --device F good.kzt
advise --content F good.kzt
trace mrc --content F good.kzt
END
}

# TOLD messages at most, as each file of a config is told about by itself.
each_reader() { # FILE...
    local file command
    for file in "$@"; do
        while read -ra command; do
            TOLD=3 ends 2 "${zsim[@]}" "${command[@]/F/$file}" || return 1
        done < <(readers)
    done
    [ ! -e never ]
}

@test "links in a circle, pipes, devices, directories and files that are not there" {
    ln -s circle round
    ln -s round circle
    ln -s nowhere dangling
    mkfifo pipe
    mkdir folder
    each_reader circle pipe /dev/zero folder dangling good.json/x
}

@test "a name that is empty" {
    run --separate-stderr "$ZSIM" run ""
    [ "$status" -eq 2 ]
    [ "${stderr_lines[0]}" = '"": error: cannot be opened: No such file or directory' ]
    [ "${stderr_lines[1]}" = 'zsim: 1 error in ""; nothing was run' ]
}

@test "a file that may not be read" {
    give_up_rights
    touch secret
    chmod 000 secret
    each_reader secret
}

@test "empty files, zeros, noise and deep nesting" {
    : >empty
    head -c 3000 /dev/zero >zeros
    head -c 3000 "$TOP/docs/figures/two-nodes-fairness.svg" | tr ' -~' '\200-\376' >noise
    yes '[' | head -n 100000 | tr -d '\n' >deep
    local file command
    for file in empty zeros noise deep; do
        while read -ra command; do
            [ "${command[0]}" != content ] || continue # any bytes are pages
            TOLD=3 ends 2 "$ZSIM" "${command[@]/F/$file}"
        done < <(readers)
    done
}

@test "sizes, counts and times that overflow, are negative, or are no numbers" {
    local value
    for value in -1 1.5 1e999 NaN Infinity -0.1 18446744073709551616 '"16E"' '"-4M"' '"8P"' \
        '"99999999999999999999G"' '""' '"M"' null '[]' '{}' true '"1 M"' '"0x10"' '"∞"'; do
        config "" | sed "s|\"4M\"|$value|" >bad.json
        ends 2 "$ZSIM" bad.json
        config '"zswap": {"max_pool_percent": '"$value"'},' >bad.json
        ends 2 "$ZSIM" bad.json
        config '"vm": {"writeback_interval": '"$value"'},' >bad.json
        TOLD=2 ends 2 "$ZSIM" bad.json
        config '' '{"type": "uniform", "footprint": '"$value"', "accesses": 400}' >bad.json
        ends 2 "$ZSIM" bad.json
        config '' '{"type": "uniform", "footprint": "1M", "accesses": '"$value"'}' >bad.json
        ends 2 "$ZSIM" bad.json
        config '' '{"type": "scattered_zipf", "footprint": "1M", "accesses": 9, "exponent": '"$value"'}' >bad.json
        [[ $value == 1.5 ]] || ends 2 "$ZSIM" bad.json
        config '"seeds": '"$value"',' >bad.json
        ends 2 "$ZSIM" bad.json
    done
    for value in 1..18446744073709551616 1..999999999999 -1 1..-1 2..1 nan ''; do
        ends 2 "$ZSIM" --seeds "$value" good.json
        ends 2 "$ZSIM" run --manifest sweep/manifest.tsv --id "$value"
        ends 2 "$ZSIM" -j "$value" good.json
        ends 2 "$ZSIM" --set machine.cpus="$value" good.json
    done
}

@test "a billion cgroups, tasks, seeds, combinations; cgroups that are no tree" {
    local keys
    for keys in '"cgroups": {"/a[0..999999999]": {}}' '"cgroups": {"/a[0..99999999999999999999]": {}}' \
        '"cgroups": {"/a[0..64999]": {}, "/b[0..64999]": {}}' '"cgroups": {"/a[5..1]": {}}' \
        '"cgroups": {"/a": {}, "/a/b/c": {}}' '"cgroups": {"/a/../a": {}}' '"cgroups": {"/a/": {}}' \
        '"cgroups": {"": {}}' '"cgroups": {"a": {}}' '"cgroups": {"/a": {}, "/a": {}}' \
        "\"cgroups\": {\"$(printf '/a%.0s' {1..20000})\": {}}" \
        '"seeds": "1..1000000000"' "\"sweep\": {\"vm.swappiness\": [$(seq -s, 1 99)],
            \"zswap.max_pool_percent\": [$(seq -s, 1 99)], \"machine.cpus\": [$(seq -s, 1 99)]}" \
        "\"variants\": [$(printf '{},%.0s' {1..10001}){}]" \
        "\"variants\": [{\"name\": \"a\", \"set\": {$(printf '"cgroups./c%d.memory.max": 1,' {1..5000})\"x\": 1}}]" \
        "\"events\": [$(printf '{},%.0s' {1..30000}){}]" \
        "$(printf '"k%d": 1,' {1..50000})\"x\": 1"; do
        config "$keys," >bad.json
        TOLD=21 ends 2 "$ZSIM" bad.json
    done
    config '' | sed 's/"name": "t",/"name": "t", "count": 1000000000,/' >bad.json
    ends 2 "$ZSIM" bad.json
    { printf '{"tasks": ['; yes '{},' | head -n 2500000 | tr -d '\n'; echo '{}]}'; } >bad.json
    ends 2 "$ZSIM" bad.json
    { printf '{"tasks": ['; yes '{"name": "t"},' | head -n 64000; echo '{}]}'; } >bad.json
    TOLD=21 ends 2 "$ZSIM" bad.json
    rm bad.json
}

# Put bytes (in hex) into a copy of a file: patch FILE OFFSET HEX OUT
patch() {
    cp "$1" "$4"
    printf '%b' "$(sed 's/../\\x&/g' <<<"$3")" | dd of="$4" bs=1 seek="$2" conv=notrunc status=none
}

@test "traces whose counts promise more than they hold" {
    local bad place
    # Records, spaces and sizes of version 1.
    for place in '16 ffffffffffffffff' '16 0000000000000010' '16 c900000000000020' '16 c900000000000000' \
        '12 ffffffff' '12 00000000' '12 09000000' '8 ffffffff' '28 01000000'; do
        # shellcheck disable=SC2086
        patch good.kzt $place bad.kzt
        ends 2 "$ZSIM" trace info bad.kzt
        ends 2 "$ZSIM" --set 'tasks.t.workload={"type":"trace","file":"bad.kzt"}' good.json
        ends 2 "$ZSIM" trace mrc bad.kzt
    done
    # Every number of version 2's header.
    for place in 12 16 24 28 32 40 48 52 56 64; do
        patch good2.kzt $place ffffffff bad.kzt
        ends 2 "$ZSIM" trace info bad.kzt
    done
    # A record of a page that there is not is met while records are read.
    patch good.kzt 100 ffffffff bad.kzt
    ends 2 "$ZSIM" trace info bad.kzt
    ends 2 "$ZSIM" trace mrc bad.kzt
    ends 2 "$ZSIM" trace bound --ram 64K bad.kzt
    ends 2 "$ZSIM" trace convert bad.kzt never
    ends 2 "$ZSIM" trace convert --to csv bad.kzt never
    head -c -5 good.kzt >cut.kzt
    head -c -5 good2.kzt >cut2.kzt
    { cat good.csv && echo 1,5; } >cut.csv
    local cut
    for cut in cut.kzt cut2.kzt cut.csv; do
        ends 2 "$ZSIM" trace info "$cut"
        ends 2 "$ZSIM" trace convert "$cut" never
        ends 2 "$ZSIM" trace convert --to lackey "$cut" never
    done
    [ ! -e never ]
    ends 2 "$ZSIM" trace info --from csv good2.kzt
    for bad in 'time,obj_id,obj_size,op\n1,5,18446744073709551615,get' \
        'time,obj_id,obj_size,op\n1,5,17592186044416,get' 'time,obj_id,obj_size,op\n1,5,-1,get'; do
        printf '%b\n' "$bad" >bad.csv
        ends 2 "$ZSIM" trace info bad.csv
    done
    for bad in ' L ffffffffffffffff,18446744073709551615' ' L 0,4294967295' ' L ,' 'L'; do
        echo "$bad" >bad.txt
        ends 2 "$ZSIM" trace info --from lackey bad.txt
    done
}

@test "small files that unfold: zstd, records, pages" {
    # 1 GiB of records where the header says 200; of text without a line end; of CSV.
    { cat good.kzt; head -c 1G /dev/zero; } | zstd -q >bomb.kzt.zst
    ends 2 "$ZSIM" trace info bomb.kzt.zst
    head -c 1G /dev/zero | tr '\0' 1 | zstd -q >bomb.csv.zst
    ends 2 "$ZSIM" trace info --from csv bomb.csv.zst
    ends 2 "$ZSIM" --set 'tasks.t.workload={"type":"csv","file":"bomb.csv.zst"}' good.json
    # A frame that wants a window of 2 GiB.
    printf '\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00' >window.zst
    ends 2 "$ZSIM" trace info --from csv window.zst
    ends 2 "$ZSIM" trace info window.zst
    # A hundred objects of 4 GiB are 100 million pages.
    { echo time,obj_id,obj_size,op; printf '1,%d,4294967296,get\n' {1..100}; } >wide.csv
    ends 2 "$ZSIM" trace info wide.csv
    [[ $stderr == *"too much to be held in memory"* ]]
}

@test "output to a directory, through a file, to a device, where nothing may be written" {
    mkdir -p target
    mkdir -p results-taken/good.json
    local out
    for out in target /dev/null good.json/x /proc/x "$(printf 'x%.0s' {1..300})"; do
        ends 1 "$ZSIM" gather sweep/manifest.tsv -o "$out"
        ends 1 "$ZSIM" trace generate 1 0:seq:0:4:8:0 -o "$out"
        ends 1 "$ZSIM" trace convert good.csv "$out"
        ends 1 "$ZSIM" trace convert --to csv good.kzt "$out"
        ends 1 "$ZSIM" content sample pages -o "$out"
    done
    [ -c /dev/null ]
    ends 2 "$ZSIM" -o good.json good.json
    ends 2 "$ZSIM" -o good.json/x good.json
    ends 2 "$ZSIM" expand good.json -o good.json
    # The work was done; only its file is in the way.
    run --separate-stderr "$ZSIM" trace mrc good.kzt -o good.json/x
    [ "$status" -eq 1 ]
    [ "$stderr" = "good.json/x: error: cannot be used as the output directory: Not a directory" ]
    run --separate-stderr "$ZSIM" -o results-taken good.json
    [ "$status" -eq 1 ]
    [ "$stderr" = "results-taken/good.json: error: cannot be written: it exists and is not a regular file" ]
}

@test "standard output is full: one line that says so, exit code 1, whatever the command" {
    "$ZSIM" good.json -o full >/dev/null
    local command
    while read -r command; do
        # shellcheck disable=SC2086
        run --separate-stderr bash -c '"$@" >/dev/full' _ "$ZSIM" $command
        if [ "$status" -ne 1 ] || [ "$(grep -c 'error: ' <<<"$stderr")" -ne 1 ] ||
            [[ $stderr != *"zsim: error: standard output: No space left on device"* ]]; then
            echo "$command: $status, $stderr"
            return 1
        fi
    done <<'END'
compare full/good.json full/good.json
compare full/good.json full/good.json --format json
compare --help
trace info good.kzt
trace info --json good.kzt
trace --help
trace mrc good.kzt
advise good.kzt --json
advise good.kzt --limit 64M -o full
content --help
content sample pages -o full/profile.json
gather sweep/manifest.tsv
validate --help
schema
good.json -o full
END
}

@test "a result does not take the place of the config that it is made from" {
    mkdir -p own/results
    cp good.json own/results/mine.json
    ends 2 "$ZSIM" own/results/mine.json -o own/results
    [[ $stderr == *"own/results/mine.json would be overwritten by its own result"* ]]
    (cd own && ends 2 "$ZSIM" results/mine.json)
    ln -s mine.json own/results/link.json
    ends 2 "$ZSIM" own/results/link.json -o own/results
    cmp good.json own/results/mine.json
    "$ZSIM" --check-only own/results/mine.json -o own/results
    cp sweep/manifest.tsv own/manifest.tsv
    ends 2 "$ZSIM" gather own/manifest.tsv -o own/manifest.tsv
    cmp sweep/manifest.tsv own/manifest.tsv
    # Told before the work.
    ends 2 "$ZSIM" advise good.kzt -o good.json/x
    [[ $stderr == *"good.json/x: error: cannot be used as the output directory: Not a directory"* ]]
}

@test "a trace is not converted onto itself" {
    cp good.csv mine.csv
    ln -s mine.csv link.csv
    ends 2 "$ZSIM" trace convert mine.csv mine.csv
    ends 2 "$ZSIM" trace convert mine.csv link.csv
    cmp good.csv mine.csv
}

@test "a directory that is read-only" {
    give_up_rights
    mkdir closed
    echo old >closed/good.json
    chmod 555 closed
    ends 1 "${zsim[@]}" trace generate 1 0:seq:0:4:8:0 -o closed/x
    ends 1 "${zsim[@]}" trace convert good.csv closed/x
    ends 1 "${zsim[@]}" content sample pages -o closed/x
    ends 1 "${zsim[@]}" gather sweep/manifest.tsv -o closed/x
    # An old file there stays.
    ends 1 "${zsim[@]}" -o closed good.json
    [ "$(cat closed/good.json)" = old ]
}
