bats_require_minimum_version 1.5.0

# Policies from shared objects: the example and the commands of docs/policies.md,
# and every way in which a plug-in is refused.

setup() {
    ZSIM=${ZSIM:-$PWD/zsim}
    root=$PWD
    cc=${CC:-cc}
    cd "$BATS_TEST_TMPDIR"
}

# Build tests/data/plugin/broken.c as NAME.so: broken NAME -DWHAT=HOW...
broken() {
    "$cc" -shared -fPIC "-I$root" "${@:2}" -o "$1.so" "$root/tests/data/plugin/broken.c"
}

example() {
    "$cc" -shared -fPIC "-I$root" "$@" -o fair_share.so "$root/docs/example-policy/fair_share.c"
}

# The plug-in is refused with exit code 2 and this line alone: refused FILE MESSAGE
refused() {
    run --separate-stderr "$ZSIM" list admission --plugin "$1"
    echo "$stderr"
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [ "$stderr" = "$1: error: $2" ]
}

@test "the commands of docs/policies.md work as they stand there" {
    for name in docs policies sim workloads; do
        ln -s "$root/$name" "$name"
    done
    ln -s "$ZSIM" zsim
    sed -n '/^## A policy outside the tree/,/^## The axes/s/^    //p' docs/policies.md >commands
    [ "$(grep -c . commands)" -eq 7 ]
    sed "s|^cc |$cc |" commands >commands.sh
    run --separate-stderr bash -e commands.sh
    echo "$stderr"
    [ "$status" -eq 0 ]
    [[ $output == *"fair_share       pages of a cgroup that holds"* ]]
    [[ $output == *"fair_share  policy of the axis admission, from the plug-in fair_share.so"* ]]
    [[ $output == *"fair_share.share_percent  whole number, 1 to 100; default: 50"* ]]
    jq -e '.complete' results/fair_share.json
    # What the page says of the first seed, in the order of the variants.
    said=$(tr '\n' ' ' <docs/policies.md | sed 's/.*Of the first seed that is//; s/quarter.*//' |
        grep -o '[0-9][0-9,]* and [0-9][0-9,]*' | sed 's/,//g; s/ and /\t/')
    grep -P '^(always|half|quarter)\t' <<<"$output" | cut -f 2- >printed
    diff printed - <<<"$said"
    [ "$(wc -l <printed)" -eq 3 ]
}

@test "the example needs headers alone, compiles without a warning and is under 60 lines" {
    mkdir include
    (cd "$root" && find sim policies workloads -name '*.h' -exec cp --parents {} "$OLDPWD/include" \;)
    run "$cc" -shared -fPIC -Iinclude -o alone.so "$root/docs/example-policy/fair_share.c"
    [ "$status" -eq 0 ]
    "$ZSIM" explain fair_share --plugin alone.so
    run example -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    [ "$(wc -l <"$root/docs/example-policy/fair_share.c")" -lt 60 ]
}

@test "a plug-in's policy decides, with its parameters, and the books stay right" {
    example
    local checks="=full"
    [[ -z ${ZSIM_SANITIZED:-} ]] || checks="" # sampled: full ones take minutes then
    "$ZSIM" "$root/docs/example-policy/fair_share.json" --plugin fair_share.so --seeds 1..1 \
        "--check-invariants$checks"
    jq -e '[.variants[].runs[].complete] | length == 3 and all' results/fair_share.json
    # always: nothing is refused; a smaller share refuses more.
    jq -e '[.variants[] | [.runs[].totals.refused_by_admission] | add] as $refused |
           $refused[0] == 0 and $refused[1] > 0 and $refused[2] > $refused[1]' results/fair_share.json
    # No cgroup holds more than a quarter of 5 % of 64 MiB; without the policy one does.
    held='[.runs[].cgroups["/greedy", "/modest"].zswap_compressed_bytes] | max'
    jq -e "(.variants[2] | $held) | . > 0 and . <= 0.25 * 0.05 * 64 * 1048576" results/fair_share.json
    jq -e "(.variants[0] | $held) > 0.25 * 0.05 * 64 * 1048576" results/fair_share.json
    # The small cgroup keeps its pages off the disk.
    jq -e '[.variants[].runs[0].cgroups["/modest"].pswpin] | .[0] > 1000 and .[1] == 0' results/fair_share.json
    # The resolved config names it, with its parameters.
    jq -e '.variants[1].changes == [{"path": ["zswap", "admission"],
           "value": {"policy": "fair_share", "share_percent": 50}}]' results/fair_share.json
}

@test "the result names the plug-in, and its hash is in the fingerprint" {
    example
    config=$root/docs/example-policy/fair_share.json
    "$ZSIM" "$config" --seeds 1..1 --plugin fair_share.so -o first
    "$ZSIM" "$config" --seeds 1..1 --plugin "$PWD/fair_share.so" -o moved
    cat >hash.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>
int main(void)
{
    static char bytes[1 << 22];
    printf("%016llx\n", (unsigned long long)XXH3_64bits(bytes, fread(bytes, 1, sizeof(bytes), stdin)));
    return 0;
}
C
    "$cc" -o hash hash.c -lxxhash
    hash=$(./hash <fair_share.so)
    jq -e --arg hash "$hash" '.plugins == [{"path": "fair_share.so", "file_xxh3": $hash}]' \
        first/fair_share.json
    # The folder does not matter, the contents do.
    [ "$(jq .config_xxh3 first/fair_share.json)" = "$(jq .config_xxh3 moved/fair_share.json)" ]
    example -DANOTHER_BUILD -g
    "$ZSIM" "$config" --seeds 1..1 --plugin fair_share.so -o second
    [ "$(jq .config_xxh3 first/fair_share.json)" != "$(jq .config_xxh3 second/fair_share.json)" ]
    [ "$(jq '[.variants[].runs[].totals]' first/fair_share.json)" = \
      "$(jq '[.variants[].runs[].totals]' second/fair_share.json)" ]
}

@test "a result without plug-ins has an empty list" {
    echo '{"swap": {"devices": [{"name": "d", "size": "64M"}]}, "tasks": [{"name": "t",
           "workload": {"type": "uniform", "footprint": "1M", "accesses": 10}}]}' >plain.json
    "$ZSIM" plain.json
    jq -e '.plugins == []' results/plain.json
}

@test "the flag may be repeated, and stand before or after the command" {
    example
    broken never
    run "$ZSIM" --plugin fair_share.so --plugin=./never.so list admission
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 4 ]
    [[ ${lines[2]} == "fair_share "* && ${lines[3]} == "never "* ]]
    run "$ZSIM" --plugin fair_share.so list admission --plugin never.so
    [ "${#lines[@]}" -eq 4 ]
    run "$ZSIM" explain --plugin never.so never.limit
    [ "$status" -eq 0 ]
    [[ $output == "never.limit  whole number; default: 1"* ]]
    run "$ZSIM" --plugin never.so explain nver
    [ "$status" -eq 2 ]
    [[ $output == *'did you mean "never"?' ]]
    run "$ZSIM" run --plugin never.so --plugin fair_share.so --check-only \
        "$root/docs/example-policy/fair_share.json"
    [ "$status" -eq 0 ]
}

@test "a plug-in's parameters are checked like any other, its policy suggested" {
    example
    config=$root/docs/example-policy/fair_share.json
    sed 's/"policy": "fair_share"}/"policy": "fair_shar"}/' "$config" >misspelt.json
    run "$ZSIM" --plugin fair_share.so misspelt.json
    [ "$status" -eq 2 ]
    [[ $output == *'unknown value "fair_shar"; did you mean "fair_share"?'* ]]
    sed 's/"share_percent": 25/"share_percent": 101/' "$config" >large.json
    run "$ZSIM" --plugin fair_share.so large.json
    [ "$status" -eq 2 ]
    [[ $output == *"share_percent: expected a value in 1..100, found 101"* ]]
    run "$ZSIM" "$config"
    [ "$status" -eq 2 ]
    [[ $output == *'unknown value "fair_share"; expected one of: always, compressibility'* ]]
}

@test "what is not a shared object is refused" {
    echo "a text, and longer than the header of a shared object would be at this place" >text.so
    mkdir folder
    mkfifo pipe
    refused none.so "cannot be loaded: cannot open shared object file: No such file or directory"
    refused text.so "cannot be loaded: invalid ELF header"
    refused folder "expected a shared object, found a directory"
    refused pipe "expected a shared object, found something that is not a file"
    run --separate-stderr "$ZSIM" list --plugin ""
    [ "$status" -eq 2 ]
    [ "$stderr" = "zsim: error: flag --plugin: expected a shared object, found nothing" ]
    run --separate-stderr "$ZSIM" list --plugin
    [ "$status" -eq 2 ]
    [ "$stderr" = "zsim: error: flag --plugin: missing value" ]
}

@test "a shared object that is no plug-in, or calls what zsim does not have" {
    broken other -DSYMBOL=my_plugin
    refused other.so 'it exports no symbol "zsim_plugin"'
    broken caller -DCALL=zswap_no_such_function
    refused caller.so "cannot be loaded: undefined symbol: zswap_no_such_function"
    broken caller -DCALL=print_version
    "$ZSIM" list --plugin caller.so
}

@test "another interface version: of the plug-in, of a policy" {
    version=$(sed -n 's/^enum { POLICY_INTERFACE_VERSION = \([0-9]*\) };/\1/p' "$root/policies/policy.h")
    broken old -DVERSION=99
    refused old.so "interface version 99 found, $version expected: build it again"
    broken old -DPOLICY_VERSION=99
    refused old.so "policy \"never\": interface version 99 found, $version expected"
}

@test "no policy, an unknown axis, a name that cannot be" {
    broken bad -DPOLICIES=NULL
    refused bad.so "it holds no policy"
    broken bad -DPOLICIES=none
    refused bad.so "it holds no policy"
    broken bad '-DAXIS="admision"'
    refused bad.so 'unknown axis "admision"; did you mean "admission"?'
    broken bad '-DAXIS="colour"'
    refused bad.so 'unknown axis "colour" (zsim list)'
    broken bad -DNAME=NULL
    refused bad.so 'a policy of the axis "admission" has no name'
    broken bad '-DNAME="Never ever"'
    refused bad.so 'policy "Never ever": expected a name of small letters, digits and underscores'
    broken bad -DSUMMARY=NULL
    refused bad.so 'policy "never": its summary is missing'
    broken bad '-DNAME="always"'
    refused bad.so 'policy "always": the axis "admission" has a built-in policy of this name'
    broken bad -DPOLICIES=twice
    refused bad.so 'policy "never": the axis "admission" has one of this name from bad.so'
}

@test "a required hook is missing" {
    broken bad -DHOOKS=NULL
    refused bad.so 'policy "never": its hooks are missing'
    broken bad -DADMIT=NULL
    refused bad.so 'policy "never": the hook "admit" is missing, which the axis "admission" requires'
    broken bad '-DAXIS="writeback"' '-DHOOKS=&half_hooks'
    refused bad.so 'policy "never": the hook "tick" is missing, which "interval_ns" requires'
}

@test "writeback that walks lists does nothing where none are kept" {
    broken walker '-DAXIS="writeback"' '-DHOOKS=&walking_hooks'
    jq 'del(.variants)' "$root/docs/example-policy/fair_share.json" >walked.json
    local lru
    for lru in none global; do
        "$ZSIM" --plugin walker.so --seeds 1..1 --set zswap.writeback=never \
            --set "zswap.lru=$lru" -o "$lru" walked.json
        jq -e '.variants[0].runs[0] | .complete and .totals.worker_wakeups > 0' "$lru/walked.json"
    done
}

@test "a parameter's row is wrong" {
    broken bad '-DROW=.initial="1"'
    refused bad.so 'policy "never": parameter 1: expected a name of small letters, digits and underscores that is not "policy"'
    broken bad '-DROW=.name="policy"'
    refused bad.so 'policy "never": parameter 1: expected a name of small letters, digits and underscores that is not "policy"'
    broken bad '-DROW=.name="limit",.offset=4'
    refused bad.so 'policy "never": parameter "limit": its field lies outside of the parameter struct'
    broken bad '-DROW=.name="limit",.initial="many"'
    refused bad.so 'policy "never": parameter "limit": its default is not a value that it accepts'
    broken bad '-DROW=.name="limit",.flags=PARAM_FROM_KERNEL'
    refused bad.so 'policy "never": parameter "limit": its default is to come from the kernel preset, which knows built-in policies only'
}

@test "each mistake has its line; nothing is run" {
    broken bad -DPOLICIES=two -DADMIT=NULL
    run --separate-stderr "$ZSIM" --plugin bad.so "$root/docs/example-policy/fair_share.json"
    [ "$status" -eq 2 ]
    [ "${#stderr_lines[@]}" -eq 2 ]
    [[ ${stderr_lines[0]} == *'the hook "admit" is missing'* ]]
    [[ ${stderr_lines[1]} == *'a policy of the axis "writeback" has no name' ]]
    [ ! -e results ]
}

@test "schema, defaults and validate know a plug-in's policies" {
    example
    "$ZSIM" schema --plugin ./fair_share.so | jq -e '
        [.properties.zswap.properties.admission.anyOf[0].enum[]] | index("fair_share") != null'
    "$ZSIM" schema --markdown --plugin ./fair_share.so | grep -q '^\*\*`fair_share`\*\*'
    "$ZSIM" schema --mdoc --plugin ./fair_share.so | grep -q 'fair_share'
    "$ZSIM" defaults v6.12 --plugin ./fair_share.so | jq -e '.kernel == "v6.12"'
    case=tests/truth/kernel/v6.18-o13-two-cg-hot-cold.json
    ln -s "$root/tests" tests
    "$ZSIM" validate --plugin ./fair_share.so --set zswap.admission=fair_share "$case" >/dev/null
    run --separate-stderr "$ZSIM" validate --set zswap.admission=fair_share "$case"
    [ "$status" -eq 2 ]
    [[ $stderr == *'zswap.admission: unknown value "fair_share"; expected one of: always, compressibility'* ]]
    broken version -DVERSION=999
    run --separate-stderr "$ZSIM" validate --plugin ./version.so "$case"
    [ "$status" -eq 2 ]
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
}

@test "a crash while it is loaded is one line and exit code 2, in a hook exit code 1" {
    local crash
    for crash in 'SEGV *(volatile int *)0 = 1' 'SEGV (void)deeper(0)' 'ABRT abort()' 'ILL __builtin_trap()'; do
        broken bad "-DINIT=${crash#* }"
        run --separate-stderr "$ZSIM" --plugin bad.so "$root/docs/example-policy/fair_share.json"
        [ "$status" -eq 2 ]
        [ -z "$output" ]
        [ "$stderr" = "$PWD/bad.so: error: it crashed (SIG${crash%% *}); a plug-in is trusted code, see it under gdb" ]
        [ ! -e results ]
        run --separate-stderr "$ZSIM" validate --plugin ./bad.so case.json
        [ "$status" -eq 2 ]
        broken worse "-DIN_HOOK=${crash#* }"
        jq 'del(.variants) | .zswap.admission = "never" | .seeds = [1]' \
            "$root/docs/example-policy/fair_share.json" >crash.json
        run --separate-stderr "$ZSIM" -j 2 --plugin worse.so crash.json
        echo "$stderr"
        [ "$status" -eq 1 ]
        [ "$stderr" = "$PWD/worse.so: error: it crashed (SIG${crash%% *}); a plug-in is trusted code, see it under gdb" ]
        [ ! -e results/crash.json ]
        rmdir results
    done
}

@test "a plug-in that loops: the first signal says what it waits for, the second ends it" {
    broken loop '-DIN_HOOK=for (;;) {}'
    jq 'del(.variants) | .zswap.admission = "never" | .seeds = [1]' \
        "$root/docs/example-policy/fair_share.json" >loop.json
    "$ZSIM" --plugin loop.so loop.json 2>log &
    # Until signals are taken by the watcher: the directory of results is made before.
    while [ ! -d results ]; do sleep 0.05; done
    sleep 0.3
    kill -TERM $!
    for ((i = 0; i < 100; i++)); do
        [ ! -s log ] || break
        sleep 0.05
    done
    [ "$(cat log)" = "zsim: interrupted: runs stop at their next fault; once more after a second to end now" ]
    sleep 1.1
    kill -TERM $!
    status=0
    wait $! || status=$?
    [ "$status" -eq 143 ]
}

@test "the documentation says that a plug-in is trusted code" {
    grep -q '^\*\*A plug-in is trusted code\.\*\*' "$root/docs/policies.md"
    grep -q 'trusted code' "$root/docs/zsim.1"
}
