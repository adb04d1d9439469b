bats_require_minimum_version 1.5.0

# scripts/report without a browser: the file, its mistakes, sweeps.

setup_file() {
    export ZSIM=${ZSIM:-$PWD/zsim}
    export REPORT=$PWD/scripts/report
    cd "$BATS_FILE_TMPDIR"
    cat >small.json <<'END'
{
  "question": "What does a larger pool change?",
  "machine": {"cpus": 2, "nodes": [{"memory": "64M"}]},
  "swap": {"devices": [{"name": "disk", "size": "1G"}]},
  "zswap": {"enabled": true},
  "vm": {"page_cluster": 0},
  "cgroups": {"/a": {"memory.max": "4M"}},
  "tasks": [{"name": "t", "cgroup": "/a",
             "workload": {"type": "scattered_zipf", "footprint": "8M", "accesses": 20000}}],
  "seeds": "1..3",
  "variants": [{"name": "small", "set": {"zswap.max_pool_percent": 2}},
               {"name": "large & <wide>", "set": {"zswap.max_pool_percent": 20}}],
  "figures": [{"template": "bars", "title": "Reads `touch executed` $(touch executed)", "metrics": ["pswpin"]}]
}
END
    "$ZSIM" small.json
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

@test "a page beside the result, whole in itself, the same every time" {
    run "$REPORT" results/small.json
    [ "$status" -eq 0 ]
    [ "$output" = results/small.html ]
    [ "$(ls results)" = $'small.html\nsmall.json' ]
    grep -q '<svg role="img" aria-label="Reads `touch executed`' results/small.html
    [ ! -e executed ]
    ! grep -oE '(src|href)="[^"#][^"]*"' results/small.html | grep -v 'href="data:,"'
    ! grep -oE 'https?://[^"'"'"' <]*' results/small.html | grep -v '^http://www.w3.org/'
    "$REPORT" -o again.html results/small.json
    cmp again.html results/small.html
}

@test "names are text" {
    "$REPORT" -o page.html results/small.json
    ! grep -q '<wide>' page.html
    grep -q 'large &amp; &lt;wide&gt;' page.html
}

@test "changes, verdicts and seeds are those of zsim compare" {
    "$REPORT" -o page.html results/small.json
    "$ZSIM" compare --format json results/small.json >compared.json
    jq -r '.comparisons[0].metrics[] | "\(.metric) \(.verdict) \(.seeds_for_1_percent)"' compared.json | sort >expected
    # Rows of the table of changes: metric, then verdict and seeds.
    sed -n '/aria-label="Changes"/,/<\/table>/p' page.html | grep '^<tr><th scope="row">' |
        sed -E 's/^<tr><th scope="row">([^<]*)<.*<td class="[a-z]*">([a-z]*)<\/td><td class="n" data-v="([0-9]*)">.*/\1 \2 \3/; s/ $/ null/' | sort >shown
    [ "$(wc -l <shown)" -ge 10 ]
    diff expected shown
}

@test "a killed task is told with its variant, and there is no verdict" {
    jq '.variants[1].runs[0].totals.oom_kill = 1 | .differences[].verdict = "killed"
        | (.differences[] | select(.percent_ci95_high != null))
            |= (.percent_ci95_low = -100 | .percent_bounded = true)' results/small.json >killed.json
    "$REPORT" killed.json
    grep -q 'In 1 run a task was killed for lack of memory; .*: large &amp; &lt;wide&gt; (1)\. ' killed.html
    grep -q '<td class="killed">killed</td>' killed.html
    run grep -c '<td class="better">\|<td class="worse">' killed.html
    [ "$output" -eq 0 ]
    grep -q '−100[.0]* … .* %\*<' killed.html
    grep -q 'ended at -100 %, as nothing counts less than 0' killed.html
}

@test "the results of a sweep on one page, and two results on one" {
    "$ZSIM" expand small.json -o sweep --set vm.swappiness=60,100
    "$ZSIM" run --manifest sweep/manifest.tsv -j 2
    "$ZSIM" gather sweep/manifest.tsv -o gathered.json
    run "$REPORT" gathered.json
    [ "$status" -eq 0 ]
    [ "$(grep -c '<div class="stack">' gathered.html)" -ge 4 ]
    "$REPORT" -o both.html results/small.json gathered.json
    [ "$(grep -c '<article>' both.html)" -eq 2 ]
}

@test "a figure that cannot be drawn is told on the page" {
    jq '.config.figures = [{"template": "bars", "title": "None", "metrics": ["no_such"]}, {"template": "pie", "title": "Pie"}]' \
        results/small.json >wrong.json
    "$REPORT" wrong.json
    grep -q '“None” is not drawn: no metric "no_such" in the result; see docs/metrics.md' <(sed 's/&quot;/"/g' wrong.html)
    grep -q '“Pie” is not drawn: there is no template' wrong.html
}

@test "mistakes: one line, exit code 2, nothing left behind" {
    echo '{}' >other.json
    for arguments in "missing.json" "other.json" "results" "-o none/page.html results/small.json" "-o results results/small.json"; do
        # shellcheck disable=SC2086
        run --separate-stderr "$REPORT" $arguments
        [ "$status" -eq 2 ]
        [ "${#stderr_lines[@]}" -eq 1 ]
        [[ $stderr == "report: error: "* ]]
    done
    [ ! -e other.html ]
    run "$REPORT"
    [ "$status" -eq 2 ]
}

@test "seeds that all give the same run are told" {
    "$ZSIM" small.json -o same --set 'tasks.t.workload={"type": "sequential", "footprint": "8M", "accesses": 20000}'
    "$REPORT" -o same.html same/small.json
    grep -q 'All seeds gave the same run' same.html
    grep -q 'Exact differences, as all seeds gave the same run' same.html
    ! grep -q 'Noise floor' same.html
    grep -q 'Noise floor' results/small.html
    ! grep -q 'All seeds gave the same run' results/small.html
}
