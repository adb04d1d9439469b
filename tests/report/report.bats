bats_require_minimum_version 1.5.0

# The page that scripts/report makes, in a browser.

setup_file() {
    source "$BATS_TEST_DIRNAME/browser.bash"
    browser_program >/dev/null || return 0
    export ZSIM=${ZSIM:-$PWD/zsim} REPORT=$PWD/scripts/report
    cd "$BATS_FILE_TMPDIR"
    cat >study.json <<'END'
{
  "question": "Does it <b>show</b> & tell?",
  "machine": {"cpus": 2, "nodes": [{"memory": "64M"}]},
  "swap": {"devices": [{"name": "disk", "size": "1G"}]},
  "zswap": {"enabled": true},
  "engine": {"bound": true},
  "cgroups": {"/a": {"memory.max": "4M"}},
  "tasks": [{"name": "t", "cgroup": "/a",
             "workload": {"type": "scattered_zipf", "footprint": "8M", "accesses": 20000}}],
  "seeds": "1..5",
  "sweep": {"zswap.max_pool_percent": [2, 20], "zswap.compressor": ["lz4", "zstd"]},
  "figures": [
    {"template": "series", "title": "Over time", "metrics": ["stored_pages"]},
    {"template": "bars", "title": "It's \"quoted\" \\ & <i>", "metrics": ["pswpin", "zswpin"]},
    {"template": "cdf", "title": "Latency"},
    {"template": "stacked", "title": "Time"},
    {"template": "scaling", "title": "Scaling", "x": "zswap.max_pool_percent", "by": "zswap.compressor", "metrics": ["pswpin"]},
    {"template": "heatmap", "title": "Heat", "x": "zswap.max_pool_percent", "y": "zswap.compressor", "metric": "pswpin"},
    {"template": "dots", "title": "Changes", "metrics": ["pswpin", "zswpin", "end_ns"]},
    {"template": "tiers", "title": "Tiers"},
    {"template": "front", "title": "Front", "x": "pswpin", "y": "cpu.sys_ns"}
  ]
}
END
    "$ZSIM" study.json
    "$REPORT" -o study.html results/study.json
}

setup() {
    source "$BATS_TEST_DIRNAME/browser.bash"
    browser_program >/dev/null || skip "chromium is not installed (scripts/install-packages browser)"
    cd "$BATS_FILE_TMPDIR"
    browser_start "$BATS_TEST_TMPDIR/browser"
}

teardown() {
    [[ -z ${browser_pid:-} ]] || browser_stop
}

@test "complaints of a page are noticed" {
    echo '<script>console.error("found"); fetch("http://localhost:9/"); missing();</script>' >bad.html
    browser_open bad.html 800 light
    [[ $(browser_complaints) == *found* ]]
    [[ $(browser_complaints) == *"missing is not defined"* ]]
    [[ $(browser_requests) == *localhost:9* ]]
}

@test "figures can be seen at 400 and at 1,600 pixels, and the page does not scroll sideways" {
    for width in 400 1600; do
        browser_open study.html "$width" light
        [ "$(browser_value 'innerWidth')" -eq "$width" ]
        [ "$(browser_value 'document.documentElement.scrollWidth')" -le "$width" ]
        [ "$(browser_value 'document.querySelectorAll("figure svg").length')" -eq 9 ]
        # Wide and high enough, begun within the page, and drawn from edge to edge.
        browser_value '[...document.querySelectorAll("figure svg")].map((svg) => {
            const box = svg.getBoundingClientRect(), drawn = svg.querySelector("g").getBBox();
            return [box.left, box.width, box.height, drawn.width, drawn.height];
        })' >boxes
        jq -e --argjson width "$width" 'all(.[]; .[0] >= 0 and .[0] < $width / 4
            and .[1] >= 700 and .[2] >= 390 and .[3] >= 900 and .[4] >= 500)' boxes
        # So are the bars and the whiskers.
        browser_value '[...document.querySelectorAll(".stack .bar, .whisker")].map((at) => at.getBoundingClientRect()).map((box) => [box.width, box.height])' |
            jq -e 'length > 10 and all(.[]; .[0] > 50 and .[1] > 10)'
    done
    [ -z "$(browser_complaints)" ]
    [ "$(browser_requests | sort -u | wc -l)" -eq 1 ]
    browser_screenshot "${REPORT_SCREENSHOTS:-$BATS_TEST_TMPDIR}/light.png"
}

@test "titles are text, and no two ids are the same" {
    browser_open study.html 1000 light
    [ "$(browser_value 'document.querySelector("h1").textContent')" = '"Does it <b>show</b> & tell?"' ]
    [ "$(browser_value 'document.querySelectorAll("figure svg")[1].getAttribute("aria-label")')" = '"It'"'"'s \"quoted\" \\ & <i>"' ]
    browser_value '[...document.querySelectorAll("[id]")].map((at) => at.id)' |
        jq -e 'length > 50 and length == (unique | length)'
    # Every reference within a figure finds its own.
    browser_value '[...document.querySelectorAll("use")].every((use) => {
        const target = document.querySelector(use.getAttribute("xlink:href"));
        return target && target.closest("figure") === use.closest("figure");
    })' | jq -e .
}

@test "dark where the reader wants it dark" {
    luminance='((at, what) => getComputedStyle(at)[what].match(/[0-9.]+/g).slice(0, 3).reduce((sum, part) => sum + part / 3, 0))'
    browser_open study.html 1000 light
    jq -ne --argjson paper "$(browser_value "$luminance(document.body, 'backgroundColor')")" \
        --argjson ink "$(browser_value "$luminance(document.body, 'color')")" '$paper > 240 and $ink < 60'
    browser_open study.html 1000 dark
    jq -ne --argjson paper "$(browser_value "$luminance(document.body, 'backgroundColor')")" \
        --argjson ink "$(browser_value "$luminance(document.body, 'color')")" '$paper < 40 and $ink > 200'
    # So are the words of the figures, and nothing white lies behind them.
    browser_value "[...document.querySelectorAll('figure text')].map((at) => $luminance(at, 'fill'))" |
        jq -e 'length > 50 and (map(select(. > 200)) | length) > length * 0.9'
    [ "$(browser_value 'document.querySelectorAll("figure svg rect[fill=\"#ffffff\"]").length')" -eq 0 ]
    [ -z "$(browser_complaints)" ]
    browser_screenshot "${REPORT_SCREENSHOTS:-$BATS_TEST_TMPDIR}/dark.png"
}

@test "a click sorts, up and then down, and what has no value stays last" {
    browser_open study.html 1000 light
    column='(() => { const table = document.querySelector("table"); return [...table.tBodies[0].rows].map((row) => Number(row.cells[5].dataset.v)); })()'
    browser_value "$column" >before
    browser_value 'document.querySelector("table thead th:nth-child(6) button").click()' || true
    browser_value "$column" >up
    jq -e '. == sort' up
    jq -e --slurpfile up up 'sort == $up[0]' before
    [ "$(browser_value 'document.querySelector("table thead th:nth-child(6)").getAttribute("aria-sort")')" = '"ascending"' ]
    browser_value 'document.querySelector("table thead th:nth-child(6) button").click()' || true
    browser_value "$column" | jq -e --slurpfile up up '. == ($up[0] | reverse)'
    [ -z "$(browser_complaints)" ]
}

@test "a filter leaves the rows that have all its words" {
    browser_open study.html 1000 light
    browser_value '(() => { const box = document.querySelector(".filter"); box.value = "pswpin zstd";
        box.dispatchEvent(new Event("input", {bubbles: true})); return true; })()'
    browser_value '[...document.querySelector(".filter").closest("details").querySelectorAll("tbody tr:not([hidden])")].map((row) => row.textContent)' |
        jq -e 'length == 2 and all(.[]; contains("pswpin") and contains("zstd"))'
}

# Puts the pointer on the middle of what a selector finds; prints what the tip says.
tip_over() { # SELECTOR
    browser_value "document.querySelector('$1').scrollIntoView({block: 'center'}) || true" >/dev/null
    browser_call Input.dispatchMouseEvent "$(browser_value "(() => { const box = document.querySelector('$1').getBoundingClientRect();
        return {type: 'mouseMoved', x: box.left + box.width / 2, y: box.top + box.height / 2}; })()")" >/dev/null
    browser_value 'document.querySelector("#tip").hidden ? "" : document.querySelector("#tip").textContent'
}

@test "values under the pointer, on bars and on figures" {
    browser_open study.html 1200 light
    [[ $(tip_over '.stack .bar i') == *': '*' %"' ]]
    [[ $(tip_over 'figure:nth-of-type(2) [data-tip]') == *pswpin:* ]]
    [[ $(tip_over '.whisker') == *'% interval'* ]]
    [ "$(tip_over h1)" = '""' ]
    [ "$(browser_value '[...document.querySelectorAll("figure")].filter((figure) => figure.querySelector("[data-tip]")).length')" -eq 8 ]
    [ -z "$(browser_complaints)" ]
}

@test "what is printed is light, whole and not empty" {
    browser_open study.html 1000 dark
    browser_call Page.printToPDF '{"printBackground": false}' | jq -r .data | base64 -d >page.pdf
    [ "$(head -c 5 page.pdf)" = "%PDF-" ]
    [ "$(stat -c %s page.pdf)" -gt 50000 ]
    browser_call Emulation.setEmulatedMedia '{"media": "print"}' >/dev/null
    [ "$(browser_value 'getComputedStyle(document.querySelector("figure text")).fill')" = '"rgb(0, 0, 0)"' ]
    [ "$(browser_value 'getComputedStyle(document.querySelector(".filter")).display')" = '"none"' ]
    [ "$(browser_value 'document.querySelectorAll("details:not([open])").length')" -eq 0 ]
}

@test "pages of one run, of none, and of more variants than a figure takes" {
    jq '.seeds = "3" | del(.sweep, .figures)' study.json >one.json
    "$ZSIM" one.json
    jq '.variants[].runs = [] | .complete = false | .variants[].summary = {} | .differences = []' results/one.json >results/none.json
    jq '.seeds = "1" | .sweep = {"zswap.max_pool_percent": [range(1; 51)], "vm.swappiness": [60, 100]}
        | .figures = [{"template": "bars", "title": "Too many", "metrics": ["pswpin"]}]' study.json >many.json
    "$ZSIM" many.json -j 2
    for name in one none many; do
        "$REPORT" "results/$name.json"
        browser_open "results/$name.html" 400 dark
        [ "$(browser_value 'document.documentElement.scrollWidth')" -le 400 ]
        [ -n "$(browser_value 'document.querySelector("h1").textContent')" ]
    done
    [ "$(browser_value 'document.querySelectorAll(".stack").length')" -ge 100 ]
    [[ $(browser_value 'document.body.textContent') == *'“Too many” is not drawn: 100 variants are too many for one figure'* ]]
    [ -z "$(browser_complaints)" ]
}
