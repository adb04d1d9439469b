bats_require_minimum_version 1.5.0

# A cost table of this machine: written, accepted, used.  No time is asserted.

setup() {
    ZSIM=${ZSIM:-$PWD/zsim}
    [[ $ZSIM == /* ]] || ZSIM=$PWD/$ZSIM
    cd "$BATS_TEST_TMPDIR"
}

@test "calibrate writes a table that a run accepts" {
    run --separate-stderr "$ZSIM" calibrate --rounds 5 --name here -o here.json
    [ "$status" -eq 0 ]
    [[ $output == *"page_copy"*"covariance"*"zstd"* ]]
    [ -z "$stderr" ]
    jq -e '.schema == "zsim.costs/1" and .name == "here"' here.json
    # Every number is positive, and says whether it was measured or taken over.
    jq -e '[.. | .ns?, .ps_per_byte? | numbers] | length > 50 and all(. > 0)' here.json
    jq -e '[.costs[], .codecs[] | .source |
        test("^(measured by zsim calibrate on |taken over from the table \"vm\": )")] | all' here.json
    jq -e '.costs.page_copy.source | startswith("measured")' here.json
    jq -e '.costs.rotate_entry.source | startswith("taken over")' here.json
    [ "$(ls *json*)" = here.json ] # and no temporary file
    cat >config.json <<'END'
{"costs": "here.json", "cgroups": {"/a": {"memory.max": "2M"}},
 "tasks": [{"name": "t", "cgroup": "/a",
            "workload": {"type": "usemem", "footprint": "4M", "read_again": true}}]}
END
    "$ZSIM" -o results config.json
    jq -e .complete results/config.json
}

@test "without -o nothing is written" {
    "$ZSIM" calibrate --rounds 5 >table
    [ "$(ls)" = table ]
}

@test "mistakes of calibrate" {
    run -2 "$ZSIM" calibrate --rounds 4
    [[ $output == *'flag --rounds: expected a number in 5..10001, found "4"'* ]]
    run -2 "$ZSIM" calibrate here.json
    [[ $output == *'calibrate: unexpected word "here.json"'* ]]
    run -2 "$ZSIM" calibrate --ruonds 5
    [[ $output == *'did you mean --rounds?'* ]]
    run -1 "$ZSIM" calibrate --rounds 5 -o no/such/folder.json
    [[ $output == *'no/such/folder.json'* ]]
}
