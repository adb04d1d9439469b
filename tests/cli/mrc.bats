bats_require_minimum_version 1.5.0

# Miss-ratio and tier curves of a trace.

setup_file() {
    export ZSIM=${ZSIM:-$PWD/zsim} ROOT=$PWD
    cd "$BATS_FILE_TMPDIR"
    # A loop over 64 pages, 10 times.
    "$ZSIM" trace generate -o loop.kzt 1 0:seq:0:64:640:50
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

@test "a loop misses until all of it fits" {
    run --separate-stderr "$ZSIM" trace mrc --json loop.kzt
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    jq -e '.pages_a_sampled_page == 1' <<<"$output"
    jq -e '.schema == "zsim.mrc/1" and .accesses == 640 and .first_touches == 64' <<<"$output"
    jq -e '.footprint_bytes == 64 * 4096 and .exact' <<<"$output"
    jq -e '[.curve[] | select(.memory_bytes < 64 * 4096) | .refaults] | unique == [576]' <<<"$output"
    jq -e '.curve[-1].refaults == 0 and .curve[-1].miss_ratio == 0.1' <<<"$output"
    # All 64 pages are followed, so the sample is exact.
    jq -e '.sampling.rate == 1 and .sampling.measured_error_most == 0' <<<"$output"
}

@test "a pool takes what RAM does not hold" {
    run --separate-stderr "$ZSIM" trace mrc --json loop.kzt
    jq -e '.tiers.content_assumed and .tiers.compressor == "lzo"' <<<"$output"
    # RAM and pool together are as good as RAM alone.
    jq -e '.tiers as $t | [range(10) as $r | range(8) as $p |
        (($t.ram_bytes[$r] / 4096 + ($t.pool_bytes[$p] / $t.compressed_mean_bytes | floor)) >= 64)
        == ($t.disk_reads[$r][$p] == 0)] | all' <<<"$output"
    jq -e '.tiers as $t | [range(10) as $r | range(8) as $p |
        $t.disk_reads[$r][$p] + $t.zswap_loads[$r][$p] == $t.disk_reads[$r][0]] | all' <<<"$output"
}

@test "exact alone, sampled alone, and the table" {
    run --separate-stderr "$ZSIM" trace mrc --exact --json loop.kzt
    jq -e '.sampling == null and .exact' <<<"$output"
    run --separate-stderr "$ZSIM" trace mrc --sampled --json loop.kzt
    jq -e '(.exact | not) and .sampling.pages == 64 and .first_touches == 64' <<<"$output"
    run --separate-stderr "$ZSIM" trace mrc loop.kzt
    [ "$status" -eq 0 ]
    [[ $output == *"miss ratio"* && $output == *"assumed"* ]]
}

@test "a sample of a real program is near its exact curve" {
    trace=$ROOT/workloads/traces/sqlite-index
    run --separate-stderr "$ZSIM" trace mrc --json --content $trace.content.json $trace.kzt
    [ "$status" -eq 0 ]
    jq -e '.sampling.pages <= 8192 and .sampling.rate < 0.6' <<<"$output"
    jq -e '.sampling.measured_error_mean > 0 and .sampling.measured_error_mean < 0.003' <<<"$output"
    jq -e '(.tiers.content_assumed | not)' <<<"$output"
}

@test "-o writes the document and draws both figures" {
    [[ -z ${ZSIM_SANITIZED:-} ]] || skip "the scripts are not beside this program"
    run --separate-stderr "$ZSIM" trace mrc -o out loop.kzt
    [ "$status" -eq 0 ]
    [ "$(ls out)" = "$(printf 'loop.mrc\nloop.mrc.json')" ]
    [ "$(ls out/loop.mrc)" = "$(printf 'curve.png\ncurve.svg\ntiers.png\ntiers.svg')" ]
    ! grep -qi nan out/loop.mrc/curve.svg
}

@test "mistakes are told in one line" {
    run --separate-stderr "$ZSIM" trace mrc
    [ "$status" -eq 2 ] && [[ $stderr == *"expected one TRACE"* ]]
    run --separate-stderr "$ZSIM" trace mrc no-such-file.kzt
    [ "$status" -eq 2 ] && [ "${#stderr_lines[@]}" -eq 1 ]
    run --separate-stderr "$ZSIM" trace mrc --exact --sampled loop.kzt
    [ "$status" -eq 2 ] && [[ $stderr == *"exclude each other"* ]]
    run --separate-stderr "$ZSIM" trace mrc --samples 3 loop.kzt
    [ "$status" -eq 2 ] && [[ $stderr == *"64.."* ]]
    run --separate-stderr "$ZSIM" trace mrc --compressor lzoo loop.kzt
    [ "$status" -eq 2 ] && [[ $stderr == *'did you mean "lzo"'* ]]
    run --separate-stderr "$ZSIM" trace mrc --space 1 loop.kzt
    [ "$status" -eq 2 ] && [[ $stderr == *"0..0"* ]]
    run --separate-stderr "$ZSIM" trace mrc --sample loop.kzt
    [ "$status" -eq 2 ]
    run --separate-stderr "$ZSIM" trace mrc -o loop.kzt loop.kzt
    [ "$status" -eq 1 ] && [[ $stderr == *loop.kzt* ]]
}
