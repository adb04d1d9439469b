bats_require_minimum_version 1.5.0

# The ready-made studies, and the figures of the documentation.

@test "every study has a config that is right, its question and how long it takes" {
    "${ZSIM:-./zsim}" --check-only configs/studies/[!m]*.json
    for study in scripts/studies/*; do
        [[ $study != *.bash ]] || continue
        [ -x "$study" ]
        sed -n 2p "$study" | grep -q '^# .*[?.]$'
        sed -n 3p "$study" | grep -Eq '^# [0-9]+ runs, [0-9]+ s on 2 processors\.$'
    done
    [ "$(find scripts/studies -type f -executable | wc -l)" -ge 10 ]
}

@test "a study with a policy of one's own ends in a figure" {
    mkdir "$BATS_TEST_TMPDIR/zsim-tree"
    for name in configs docs policies scripts sim workloads zsim; do
        ln -s "$PWD/$name" "$BATS_TEST_TMPDIR/zsim-tree/$name"
    done
    # The study finds its tree by where it lies, so it is copied.
    rm "$BATS_TEST_TMPDIR/zsim-tree/scripts"
    cp -r scripts "$BATS_TEST_TMPDIR/zsim-tree/scripts"
    cd "$BATS_TEST_TMPDIR/zsim-tree"
    run --separate-stderr scripts/studies/my-policy --seeds 1..2
    echo "$stderr"
    [ "$status" -eq 0 ]
    [ -s results/studies/my-policy/my-policy/change.svg ]
    [[ ${lines[-1]} == */results/studies/my-policy/my-policy/change.svg ]]
}
@test "every figure of the documentation has a shipped result that it is drawn from" {
    [ -s docs/results/validation/points.tsv.zst ]
    grep -oh 'figures/[a-z0-9.-]*\.svg' README.md docs/*.md | sort -u | while read -r figure; do
        [ -s "docs/$figure" ]
        name=$(basename "$figure" .svg)
        [[ $name != performance ]] || continue # scripts/bench-report, from bench/recorded.json
        found=
        for result in docs/results/*.json.zst; do
            result=$(basename "$result" .json.zst)
            [[ $name != "${result%.mrc}"-* ]] || found=1
        done
        [ -n "$found" ] || { echo "$figure"; false; }
    done
}
