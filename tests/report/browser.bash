# A headless Chromium for tests, spoken to over --remote-debugging-pipe: messages
# of the DevTools protocol, each ended by a NUL byte, on its descriptors 3 and 4.

browser_program() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

# Starts the browser; events go to $browser_home/events, one a line.
browser_start() { # FOLDER
    browser_home=$1
    mkdir -p "$browser_home"
    mkfifo "$browser_home/to" "$browser_home/from"
    exec 8<>"$browser_home/to" 9<>"$browser_home/from"
    "$(browser_program)" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --no-first-run --disable-extensions --hide-scrollbars \
        --user-data-dir="$browser_home/profile" --remote-debugging-pipe about:blank \
        3<"$browser_home/to" 4>"$browser_home/from" 8>&- 9>&- >"$browser_home/log" 2>&1 &
    browser_pid=$!
    browser_session=
    : >"$browser_home/events"
    local target
    target=$(browser_call Target.createTarget '{"url": "about:blank"}' | jq -r .targetId)
    browser_session=$(browser_call Target.attachToTarget \
        "{\"targetId\": \"$target\", \"flatten\": true}" | jq -r .sessionId)
    [[ -n $browser_session ]] || return 1
    local domain
    for domain in Page Runtime Log Network; do
        browser_call "$domain.enable" >/dev/null
    done
}

browser_stop() {
    kill "$browser_pid" 2>/dev/null || true
    wait "$browser_pid" 2>/dev/null || true
    exec 8>&- 9>&-
}

# Calls a method and prints its result; events that arrive meanwhile are kept.
browser_call() { # METHOD [PARAMETERS]
    local message id
    id=$((RANDOM * 32768 + RANDOM + 1)) # not a count: most calls are made in subshells
    jq -nc --argjson id "$id" --arg method "$1" --argjson params "${2:-{\}}" \
        --arg session "$browser_session" \
        '{id: $id, method: $method, params: $params} + if $session == "" then {} else {sessionId: $session} end' |
        tr '\n' '\0' >&8
    while IFS= read -r -d '' -t 30 -u 9 message; do
        if [[ $message == *"\"id\":$id,"* ]]; then
            jq -e '.result // (.error | halt_error(1))' <<<"$message"
            return
        fi
        printf '%s\n' "$message" >>"$browser_home/events"
    done
    echo "browser: no answer to $1" >&2
    return 1
}

# The value of an expression in the page.
browser_value() { # EXPRESSION
    browser_call Runtime.evaluate \
        "$(jq -nc --arg expression "$1" '{expression: $expression, returnByValue: true, awaitPromise: true}')" |
        jq -ce 'if .exceptionDetails then .exceptionDetails | halt_error(1) else .result.value end'
}

# Opens a file at a width, with prefers-color-scheme light or dark.
browser_open() { # FILE WIDTH SCHEME
    browser_call Emulation.setDeviceMetricsOverride \
        "{\"width\": $2, \"height\": 1000, \"deviceScaleFactor\": 1, \"mobile\": false}" >/dev/null
    browser_call Emulation.setEmulatedMedia \
        "{\"features\": [{\"name\": \"prefers-color-scheme\", \"value\": \"$3\"}]}" >/dev/null
    browser_call Page.navigate "{\"url\": \"file://$(realpath "$1")\"}" >/dev/null
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        [[ $(browser_value '[document.readyState, location.protocol].join(" ")') == '"complete file:"' ]] && return 0
        sleep 0.1
    done
    return 1
}

# What a page should not say: errors, warnings and exceptions, one a line.
browser_complaints() {
    jq -r 'select(.method == "Runtime.exceptionThrown"
                  or (.method == "Log.entryAdded" and (.params.entry.level | IN("error", "warning")))
                  or (.method == "Runtime.consoleAPICalled" and (.params.type | IN("error", "warning", "assert"))))
           | .params | tojson' "$browser_home/events"
}

# Everything that the page has asked for, but for itself and what it holds.
browser_requests() {
    jq -r 'select(.method == "Network.requestWillBeSent") | .params.request.url
           | select(startswith("data:") or startswith("about:") | not)' "$browser_home/events"
}

browser_screenshot() { # FILE.png
    browser_call Page.captureScreenshot '{"captureBeyondViewport": true}' | jq -r .data | base64 -d >"$1"
}
