bats_require_minimum_version 1.5.0

# Figures from result files.

setup_file() {
    export ZSIM=${ZSIM:-$PWD/zsim}
    export PLOT=$PWD/scripts/plot
    cd "$BATS_FILE_TMPDIR"
    cat >all.json <<'END'
{
  "question": "What does a larger pool change?",
  "machine": {"cpus": 2, "nodes": [{"memory": "64M"}]},
  "swap": {"devices": [{"name": "disk", "size": "1G"}]},
  "zswap": {"enabled": true},
  "vm": {"page_cluster": 0},
  "cgroups": {"/a": {"memory.max": "4M"}},
  "tasks": [{"name": "t", "cgroup": "/a",
             "workload": {"type": "scattered_zipf", "footprint": "8M", "accesses": 20000}}],
  "seeds": "1..2",
  "sweep": {"zswap.max_pool_percent": [2, 20], "zswap.compressor": ["lz4", "zstd"]},
  "figures": [
    {"template": "series", "title": "It's `touch executed` $(touch executed) \"quoted\"", "metrics": ["stored_pages"]},
    {"template": "series", "title": "Rate", "metrics": ["pswpin"], "rate": true, "x": "accesses"},
    {"template": "bars", "title": "Bars", "metrics": ["pswpin", "zswpin"]},
    {"template": "bars", "title": "Other units", "metrics": ["pswpin", "end_ns"]},
    {"template": "cdf", "title": "Latency"},
    {"template": "cdf", "title": "Tail", "tail": true, "kind": "disk"},
    {"template": "stacked", "title": "Time", "without": ["user"]},
    {"template": "scaling", "title": "Scaling", "x": "zswap.max_pool_percent", "by": "zswap.compressor", "metrics": ["pswpin"]},
    {"template": "heatmap", "title": "Heat", "x": "zswap.max_pool_percent", "y": "zswap.compressor", "metric": "pswpin"},
    {"template": "dots", "title": "Changes", "metrics": ["pswpin", "zswpwb", "end_ns"]},
    {"template": "tiers", "title": "Tiers", "name": "where/pages are"},
    {"template": "multiples", "title": "Panels", "metrics": ["stored_pages", "disk_pages"]},
    {"template": "difference", "title": "Difference"},
    {"template": "front", "title": "Front", "x": "pswpin", "y": "cpu.sys_ns", "by": "zswap.compressor"}
  ]
}
END
    "$ZSIM" all.json
    "$PLOT" results/all.json >drawn.txt # most of this file's time: what has a look at all, at these
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

# The result with other figures, as $1.json.
with_figures() {
    jq --argjson figures "$2" '.config.figures = $figures' results/all.json >"$1.json"
}

@test "every template draws svg and png" {
    [ "$(wc -l <drawn.txt)" -eq 14 ]
    [ "$(ls results/all/*.svg | wc -l)" -eq 14 ]
    for figure in results/all/*.svg; do
        [ -s "${figure%.svg}.png" ]
        grep -q '</svg>' "$figure"
        ! grep -qi 'nan' "$figure"
    done
    [ "$(ls results/all | wc -l)" -eq 28 ]
    [ -s results/all/where-pages-are.svg ]
}

@test "a metric that the first variant has none of says so" {
    jq '.variants[0].summary.pgmajfault.mean = 0 | .variants[].summary.oom_kill.mean = 0
        | .config.figures = [{"template": "bars", "title": "x", "relative": true,
                              "metrics": ["pswpin", "pgmajfault", "oom_kill"]}]' \
        results/all.json >zero.json
    "$PLOT" zero.json
    grep -q 'from.0)' zero/01-bars.svg
    grep -q 'all.0)' zero/01-bars.svg
}

@test "what all names of a sweep begin with is left out beside points and panels" {
    jq '.variants |= .[:2] | .variants[0].name = "zswap.compressor=lz4"
        | .variants[1].name = "zswap.compressor=zstd"
        | .config.figures |= map(select(.template == "front" or .template == "multiples"))' \
        results/all.json >short.json
    "$PLOT" short.json
    for figure in short/*.svg; do
        grep -q 'zstd' "$figure"
        run grep -c 'compressor=zstd' "$figure"
        [ "$output" -eq 0 ]
    done
}

@test "the axis of a share ends at 100 %" {
    jq '.variants[].summary["fairness.nodes_ppm"].mean = 990000
        | .config.figures = [{"template": "bars", "title": "x", "metrics": ["fairness.nodes_ppm"]}]' \
        results/all.json >share.json
    "$PLOT" share.json
    grep -q '>100<\|> 100<' share/01-bars.svg
    run grep -c '120<' share/01-bars.svg
    [ "$output" -eq 0 ]
}

@test "nothing in a title is executed" {
    [ ! -e executed ]
    grep -q 'touch executed' results/all/01-series.svg
}

@test "the same result gives the same svg" {
    "$PLOT" -o again results/all.json
    for figure in results/all/*.svg; do
        cmp "$figure" "again/all/${figure##*/}"
    done
}

@test "a wrong figure is told in one line and leaves nothing behind" {
    with_figures wrong '[{"template": "bars", "metrics": ["no_such"]}]'
    run --separate-stderr "$PLOT" wrong.json
    [ "$status" -eq 1 ]
    [ "$stderr" = 'plot: error: wrong.json: figure "01-bars": no metric "no_such" in the result; see docs/metrics.md' ]
    [ -z "$(ls wrong)" ]
    with_figures wrong '[{"template": "pie"}]'
    run --separate-stderr "$PLOT" wrong.json
    [ "$status" -eq 1 ]
    [[ $stderr == *'unknown template "pie"; there are '* ]]
    # zsim knows the same ones.
    local templates
    templates=$(tr -d ' ' <<<"${stderr##*there are }" | tr , '\n' | sort)
    jq '.figures = [{"template": "pie", "title": "x"}]' all.json >pie.json
    run --separate-stderr "$ZSIM" --check-only pie.json
    [ "$status" -eq 2 ]
    [ "$(sed -n '1s/.*expected one of: //p' <<<"$stderr" | tr -d ' ' | tr , '\n' | sort)" = "$templates" ]
    with_figures wrong '[{"template": "series", "metrics": ["pswpin"], "variants": ["none"]}]'
    run --separate-stderr "$PLOT" wrong.json
    [[ $stderr == *'no variant "none" in the result'* ]]
    with_figures wrong '[{"template": "scaling", "metrics": ["pswpin"], "x": "zswap.no_such"}]'
    run --separate-stderr "$PLOT" wrong.json
    [[ $stderr == *'no key "zswap.no_such" in the config'* ]]
}

@test "a figure that cannot be drawn does not stop the others" {
    with_figures some '[{"template": "bars", "metrics": ["no_such"]}, {"template": "bars", "metrics": ["pswpin"]}]'
    run --separate-stderr "$PLOT" some.json
    [ "$status" -eq 1 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [ "$output" = ./some/02-bars.svg ]
    [ -s some/02-bars.png ]
    [ "$(ls some | wc -l)" -eq 2 ]
}

@test "a counter that falls to 0 has an arrow to the edge, and long names are broken" {
    jq '.config.figures = [{"template": "difference", "title": "Difference"}]
        | .variants[0].name = "a_first_variant_of_a_name_without_end, compressor=lz4"
        | .variants[1].summary.pswpin.mean = 0' results/all.json >zero.json
    "$PLOT" zero.json
    preamble=$(jq -r -L "${PLOT%plot}figures" 'include "figures"; figure(0)' zero.json)
    number=$(sed -n 's/^array counters.* = \[//p' <<<"$preamble" | tr , '\n' | grep -n pswpin | cut -d : -f 1)
    grep -Eq "^$((number - 1)) \? [0-9.]+$" <<<"$preamble"
    ! grep -q 'a_first_variant_of_a_name' <(grep '^array variants' <<<"$preamble" | tail -n 1)
}

@test "a file that is no result" {
    echo '{}' >other.json
    run "$PLOT" other.json
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 1 ]
    run "$PLOT" missing.json
    [ "$status" -eq 2 ]
    run "$PLOT"
    [ "$status" -eq 2 ]
}

@test "a failure of gnuplot is a failure of plot" {
    mkdir -p broken
    printf '#!/bin/sh\necho "half" >"$(sed -n "s/^set output .\\(.*\\).$/\\1/p" "$1" | head -n 1)"\nexit 1\n' >broken/gnuplot
    chmod +x broken/gnuplot
    PATH=$PWD/broken:$PATH run "$PLOT" -o half results/all.json
    [ "$status" -eq 1 ]
    [ -z "$(find half -type f)" ]
}

@test "the difference of two variants, of one result or of two" {
    difference=${PLOT%plot}difference
    run "$difference" results/all.json 0 2
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == 'time, ms '*'difference' ]]
    run grep -c '^counter ' <<<"$output"
    [ "$output" -eq 1 ]
    "$difference" results/all.json 0 2 | grep '^zswpout ' >one
    jq '.variants = [.variants[2]]' results/all.json >other.json
    "$difference" results/all.json other.json | grep '^zswpout ' >two
    [ -s one ]
    cmp one two
    # Backwards: before and after change places.
    "$difference" other.json 0 results/all.json 0 | grep '^zswpout ' >back
    [ "$(awk '{print $2, $3}' back)" = "$(awk '{print $3, $2}' one)" ]
    "$difference" -o drawn results/all.json other.json >/dev/null
    grep -q '</svg>' drawn/all/difference.svg
}

@test "a difference that there is not is told" {
    difference=${PLOT%plot}difference
    run --separate-stderr "$difference" results/all.json 0 9
    [ "$status" -eq 1 ]
    [ "$stderr" = 'difference: error: there is no variant 0 in results/all.json, or 9 in results/all.json' ]
    jq '.variants[].runs[].seed += 100' results/all.json >late.json
    run --separate-stderr "$difference" results/all.json late.json
    [ "$status" -eq 1 ]
    [ "$stderr" = 'difference: error: no seed is in both' ]
    run --separate-stderr "$difference" none.json
    [ "$status" -eq 1 ]
    [ "$stderr" = 'difference: error: none.json: cannot be read' ]
}

@test "a heatmap has sizes in order, a limit that is none last" {
    "$ZSIM" all.json -o sizes --set 'sweep={"cgroups./a.memory.zswap.max": ["max", "256K", "0", "1M"], "zswap.max_pool_percent": [2, 20]}' \
        --set 'figures=[{"template": "heatmap", "title": "Sizes", "name": "sizes", "x": "cgroups./a.memory.zswap.max", "y": "zswap.max_pool_percent", "metric": "pswpin"}]'
    "$PLOT" sizes/all.json
    [ "$(grep -oE '>(0|256K|1M|max)<' sizes/all/sizes.svg | head -n 4 | tr -d '<>\n')" = 0256K1Mmax ]
}

@test "a variant of a figure stands for all that a sweep has made of it" {
    "$ZSIM" all.json -o swept --set 'variants=[{"name": "one", "set": {}}, {"name": "two", "set": {"vm.swappiness": 100}}]' \
        --set 'figures=[{"template": "bars", "title": "Bars", "name": "bars", "metrics": ["pswpin"], "variants": ["two"]}]'
    "$PLOT" swept/all.json
    grep -q '>two, ' swept/all/bars.svg
    ! grep -q '>one, ' swept/all/bars.svg
}

@test "--help of each script that draws or compares says how it is called" {
    for script in plot report difference redraw findings published validate; do
        run "${PLOT%plot}$script" --help
        [ "$status" -eq 0 ]
        [[ $output == *"scripts/$script"* ]]
        [ "${#lines[@]}" -ge 2 ]
    done
}

@test "a heatmap over two of three swept keys is refused, and the third one named" {
    jq '.sweep["vm.swappiness"] = [60, 100]
        | .figures = [{"template": "heatmap", "title": "Heat", "x": "zswap.max_pool_percent", "y": "zswap.compressor", "metric": "pswpin"}]' \
        all.json >third.json
    "$ZSIM" third.json
    run --separate-stderr "$PLOT" results/third.json
    [ "$status" -eq 1 ]
    [ "$stderr" = 'plot: error: results/third.json: figure "01-heatmap": 2 variants have zswap.max_pool_percent=2 and zswap.compressor=lz4: they differ in "vm.swappiness"; name those of one cell each under "variants"' ]
    jq '.config.figures[0].variants = [.variants[].name | select(endswith("=60"))]
        | .variants[].summary.pswpin.mean = 6384' results/third.json >cells.json
    "$PLOT" cells.json
    [ "$(grep -c '6384' cells/01-heatmap.svg)" -ge 4 ]
}

@test "a variant with a killed task is named in every figure that shows it" {
    jq '.variants[1].runs[0].totals.oom_kill = 1' results/all.json >killed.json
    name=$(jq -r '.variants[1].name' killed.json)
    "$PLOT" killed.json
    for figure in killed/*.svg; do
        grep -q "a task was killed: $name" "$figure"
    done
    jq '.config.figures |= .[:1]
        | .config.figures[0].variants = [.variants[0].name, .variants[2].name]' killed.json >others.json
    "$PLOT" others.json
    run grep -c 'a task was killed' others/01-series.svg
    [ "$output" -eq 0 ]
}

@test "a change that has no place says why" {
    jq '.variants[1].summary.pswpin.mean = null | .variants[1].runs[0].undefined.pswpin = "no reads"
        | .config.figures = [{"template": "dots", "title": "Changes", "metrics": ["end_ns", "pswpin"]}]' \
        results/all.json >without.json
    name=$(jq -r '.variants[1].name' without.json)
    "$PLOT" without.json
    grep -q "$name: undefined (no reads)" without/01-dots.svg
    jq '.differences |= map(if .metric == "end_ns" then .percent_bounded = true else . end)' without.json >ended.json
    "$PLOT" ended.json
    grep -q "$name: interval ended at -100 %" ended/01-dots.svg
}

@test "no figure speaks of intervals where there are none" {
    grep -q '95 % interval' results/all/10-dots.svg
    with_figures exact '[{"template": "dots", "title": "Changes", "metrics": ["end_ns"]}]'
    jq '.differences |= map(.interval = "exact" | .percent_ci95_low = null | .percent_ci95_high = null
        | .ci95_low = null | .ci95_high = null)' exact.json >copies.json
    "$PLOT" copies.json
    grep -q 'change against' copies/01-dots.svg
    ! grep -q '95 % interval' copies/01-dots.svg
}

@test "points of many variants have numbers, and a key" {
    jq '.variants = [range(12) as $i | .variants[$i % 4] | .name = "variant \($i) of twelve"]
        | .config.figures = [{"template": "front", "title": "Front", "x": "pswpin", "y": "cpu.sys_ns"}]' \
        results/all.json >many.json
    "$PLOT" many.json
    [ "$(grep -c 'variant [0-9]* of twelve' many/01-front.svg)" -eq 12 ]
    grep -q '>12<\|> 12<' many/01-front.svg
}

@test "figures show counters of one cgroup" {
    jq '.sweep = {"zswap.max_pool_percent": [2, 20]}
        | .figures = [{"template": "dots", "title": "Reads of one", "metrics": ["cgroups./a.pswpin", "pswpin"]}]' \
        all.json >one.json
    "$ZSIM" one.json | grep -q '^cgroups./a.pswpin '
    # The only one with tasks.
    jq -e '.variants[0].summary | .["cgroups./a.pswpin"].mean == .pswpin.mean' results/one.json
    "$PLOT" results/one.json
    grep -q 'cgroups./a.pswpin' results/one/01-dots.svg
    jq '.figures[0].metrics = ["cgroups./b.pswpin"]' one.json >none.json
    "$ZSIM" none.json
    run --separate-stderr "$PLOT" results/none.json
    [[ $stderr == *'no run has the cgroup of "cgroups./b.pswpin"' ]]
    jq '.figures[0].metrics = ["cgroups./a.pswpn"]' one.json >none.json
    run --separate-stderr "$ZSIM" --check-only none.json
    [ "$status" -eq 2 ]
    [[ $stderr == *'did you mean "cgroups./a.pswpin"?'* ]]
    with_figures wrong '[{"template": "series", "title": "x", "metrics": ["cost_ns.compress"]}]'
    run --separate-stderr "$PLOT" wrong.json
    [[ $stderr == *'no series of "cost_ns.compress"'* ]]
}
