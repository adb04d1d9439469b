bats_require_minimum_version 1.5.0

# Every command in a block of README.md and docs/*.md is run, in the order of the page,
# in a copy of what they name; tests/docs-commands finds them.  Words in capitals stand
# for files, which are given here, and of ten seeds the first three do.  What cannot be run
# here is listed with the reason.

setup_file() {
    export TOP=$PWD
    cd "$BATS_FILE_TMPDIR"
    ln -s "$TOP"/{configs,docs,scripts,workloads,tests,policies,sim,README.md} .
    # What users type runs as it is shipped, also where the other tests count.
    ln -s "$(realpath "${SHIPPED:-${ZSIM:-$TOP/zsim}}")" zsim
    mkdir bin
    ln -s "$PWD/zsim" bin/zsim
    # Pages refer to results of the README.
    ./zsim configs/two-nodes.json --seeds 1..2
    cp results/two-nodes.json old.json
    cp results/two-nodes.json new.json
}

setup() {
    cd "$BATS_FILE_TMPDIR"
    PATH=$PWD/bin:$PATH
}

# Why a command is not run; nothing: it is.
reason() { # PAGE COMMAND
    case $2 in
    make) [[ $1 == docs/policies.md ]] || echo "what the tests were built by" ;;
    'git clone '*) echo "the network" ;;
    scripts/install-packages*) echo "make check has done it" ;;
    'make demo' | 'make published' | 'make check' | 'make bench'* | build/bench/*) echo "minutes to hours" ;;
    scripts/findings*) echo "hours" ;;
    scripts/emulate-kernel*) echo "a kernel to download: tests/cli/emulate_kernel.bats" ;;
    scripts/replay-kernel*) echo "root, and a kernel to change: tests/cli/replay_kernel.bats" ;;
    *my.json | *my-6.1.json) [[ $1 != */replay-kernel.md ]] || echo "what scripts/replay-kernel writes" ;;
    'fio '* | 'perf '*) echo "another program" ;;
    *'--engine parallel'* | *'--engine slurm'*) echo "hosts: make check-engines" ;;
    *calibrate* | *mine.json*) echo "measures for minutes: tests/cli/calibrate.bats" ;;
    *app.trace* | *docs/tutorial.json* | *results/tutorial.json* | seq*) echo "tests/cli/tutorial.bats" ;;
    esac
}

fill_in() { # COMMAND
    sed -E -e 's/[][]//g; s/\.\.\.//g' \
        -e 's|\<TRACE\>|workloads/traces/sort-lines.kzt|; s|\<PROFILE\>|workloads/traces/sort-lines.content.json|' \
        -e 's|--seeds 1\.\.10|--seeds 1..3|; s|\<DEVICE\>|nvme|; s|\<DIR\>|out|; s|\<CONFIG\.json\>|configs/pool-limit.json|' \
        -e 's|\<FILE\.html\>|page.html|; s|\<RESULT\.json\>|results/two-nodes.json|' <<<"$1"
}

# Run the commands of a page; at least LEAST of them.
run_page() { # PAGE LEAST
    local ran=0 page line command why
    while IFS=$'\t' read -r page line command; do
        why=$(reason "$page" "$command")
        if [[ -n $why ]]; then
            echo "# $page:$line: not run ($why): $command" >&2
            continue
        fi
        command=$(fill_in "$command")
        echo "$page:$line: $command" >&2
        timeout -k 5 300 bash -c "$command" </dev/null >log 2>&1 ||
            { cat log; echo "FAILED $page:$line: $command"; return 1; } >&2
        ran=$((ran + 1))
    done < <("$TOP/tests/docs-commands" "$1")
    echo "$1: $ran commands run" >&2
    ((ran >= $2))
}

@test "README.md" {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    run_page README.md 9
}

@test "docs/advise.md" { run_page docs/advise.md 1; }

@test "docs/bound.md" { run_page docs/bound.md 2; }

@test "docs/compare.md" { run_page docs/compare.md 2; }

@test "docs/costs.md" { run_page docs/costs.md 0; }

@test "docs/curves.md" { run_page docs/curves.md 1; }

@test "docs/performance.md" { run_page docs/performance.md 0; }

# The walk changes the sources and builds: in a copy, where only what changed is compiled.
@test "docs/policies.md" {
    mkdir tree
    cp -a "$TOP"/{Makefile,configs,docs,policies,scripts,sim,workloads} tree
    [ ! -d "$TOP/build" ] || { mkdir tree/build && cp -a "$TOP"/build/{libzsim.a,policies,sim,workloads} tree/build; }
    cp -a "$(realpath zsim)" tree/zsim
    cd tree
    run_page docs/policies.md 13
    grep -q '^mean' log
}

@test "docs/replay-kernel.md" { run_page docs/replay-kernel.md 0; }

@test "docs/scaling.md and docs/report.md" {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    run_page docs/scaling.md 9
    run_page docs/report.md 2
}

@test "no page with commands is left out" {
    for page in README.md CONTRIBUTING.md docs/*.md; do
        [[ $page != docs/tutorial.md ]] || continue # tests/cli/tutorial.bats
        [ -z "$(cd "$TOP" && tests/docs-commands "$page" | while IFS=$'\t' read -r _ _ command; do
            [[ -n $(reason "$page" "$command") ]] || echo "$command"
        done)" ] || grep -q "run_page $page " "$TOP/tests/cli/docs.bats" || { echo "$page"; false; }
    done
}

@test "every page is named in the README, and every page that is named is there" {
    for page in "$TOP"/docs/*.md; do
        grep -q "docs/${page##*/}" "$TOP/README.md" || { echo "README.md does not name ${page##*/}"; false; }
    done
    for page in "$TOP"/README.md "$TOP"/CONTRIBUTING.md "$TOP"/docs/*.md; do
        while read -r link; do
            [ -e "${page%/*}/$link" ] || { echo "${page##*/}: no $link"; false; }
        done < <(grep -oE '\]\([^)#:]+' "$page" | sed 's/^](//')
    done
}
