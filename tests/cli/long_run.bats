bats_require_minimum_version 1.5.0

# The long run, a thousandth of it: sums beside totals computed without the simulator.

setup() {
    export ZSIM=${ZSIM:-$PWD/zsim}
}

@test "a thousandth of the long run: the books add up" {
    run "$BATS_TEST_DIRNAME/../../scripts/long-run" --scale 1000 "$ZSIM"
    [ "$status" -eq 0 ]
    [[ $output == *"accesses: 10997504"* ]]
    [[ $output == *"long-run: passed"* ]]
}

@test "the long run says what is wrong with a scale" {
    run "$BATS_TEST_DIRNAME/../../scripts/long-run" --scale none
    [ "$status" -eq 2 ]
    [[ $output == *"--scale none: expected a whole number"* ]]
}
