bats_require_minimum_version 1.5.0

# `make install` into a scratch directory: what is there works from there, and
# `make uninstall` takes all of it away.

setup_file() {
    export TOP=$PWD ROOT=$BATS_FILE_TMPDIR/root
    make DESTDIR="$ROOT" PREFIX=/usr install >"$BATS_FILE_TMPDIR/log" 2>&1 || {
        cat "$BATS_FILE_TMPDIR/log" >&2
        return 1
    }
    # The program under test, where that is another one than what is installed.
    [ -z "${ZSIM:-}" ] || install -m 755 "$ZSIM" "$ROOT/usr/bin/zsim"
}

setup() {
    ZSIM=$ROOT/usr/bin/zsim
    SHARE=$ROOT/usr/share
    cd "$BATS_TEST_TMPDIR"
}

# What completion offers for a line, one a line: complete 'zsim run --'
complete_line() {
    bash -c 'source "$1"; PATH=$2:$PATH COMP_LINE=$3 COMP_POINT=${#3}
        compopt() { :; }; _zsim; printf "%s\n" "${COMPREPLY[@]}"' \
        - "$SHARE/bash-completion/completions/zsim" "$ROOT/usr/bin" "$1"
}

@test "the installed program runs installed configs, with their traces" {
    run --separate-stderr "$ZSIM" "$SHARE/zsim/configs/compressor-switch.json"
    echo "$stderr"
    [ "$status" -eq 0 ]
    jq -e .complete results/compressor-switch.json
    run "$ZSIM" --check-only "$SHARE"/zsim/configs/*.json "$SHARE"/zsim/configs/eras/*.json
    [ "$status" -eq 0 ]
}

@test "installed scripts find the program and their parts" {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    "$ZSIM" "$SHARE/zsim/configs/pool-limit.json" --seeds 1
    "$SHARE/zsim/scripts/plot" results/pool-limit.json
    [ -n "$(find results/pool-limit -name '*.svg')" ]
    "$SHARE/zsim/scripts/sweep" "$SHARE/zsim/configs/pool-limit.json" -o sweep --seeds 1
    [ -s sweep/manifest.tsv ]
    "$ZSIM" trace mrc "$SHARE/zsim/workloads/traces/sort-lines.kzt" --sampled -o curves
    [ -n "$(find curves -name '*.svg')" ]
}

@test "a policy is built against the installed headers alone" {
    cp "$SHARE/zsim/docs/example-policy/fair_share.c" .
    [ ! -e "$ROOT/usr/include/zsim/sim/cli" ]
    "${CC:-cc}" -shared -fPIC -Wall -Wextra -Werror -I"$ROOT/usr/include/zsim" -o fair_share.so fair_share.c
    "$ZSIM" explain fair_share --plugin ./fair_share.so
    "$ZSIM" --check-only --plugin ./fair_share.so "$SHARE/zsim/docs/example-policy/fair_share.json"
}

@test "the manual pages are well-formed and name every command, key and metric" {
    command -v mandoc >/dev/null || skip "mandoc is not installed"
    run mandoc -T lint -W warning "$SHARE"/man/man1/zsim.1 "$SHARE"/man/man5/zsim-{config,metrics}.5
    echo "$output"
    [ "$status" -eq 0 ]
    mandoc -T ascii "$SHARE/man/man1/zsim.1" | col -b >zsim.txt
    for command in $("$ZSIM" --complete ''); do
        grep -qw -- "$command" zsim.txt || { echo "zsim(1) lacks $command"; false; }
    done
    for flag in $("$ZSIM" --complete run --); do
        [[ $flag == --output || $flag == --jobs || $flag == --help ]] ||
            grep -q -- "$flag" zsim.txt || { echo "zsim(1) lacks $flag"; false; }
    done
    for metric in $("$ZSIM" --complete compare --metric ''); do
        grep -qF -- "It Va \\&$metric" "$SHARE/man/man5/zsim-metrics.5"
    done
    for path in $("$ZSIM" --complete --set ''); do
        path=${path%=}
        grep -qF -- "It Va \\&${path/.0./[].}" "$SHARE/man/man5/zsim-config.5" || { echo "$path"; false; }
    done
}

@test "completion offers commands, flags, policies, keys and metrics" {
    [ "$(complete_line 'zsim exp')" = $'expand\nexplain' ]
    [ "$(complete_line 'zsim trace in')" = info ]
    [ "$(complete_line 'zsim configs/a.json --see')" = --seeds ]
    [ "$(complete_line 'zsim trace info --wi')" = --window ]
    [ -z "$(complete_line 'zsim trace generate --wi')" ]
    [ "$(complete_line 'zsim a.json --set zswap.max')" = zswap.max_pool_percent= ]
    [ "$(complete_line 'zsim a.json --set zswap.lru=per')" = per_pool ]
    [ "$(complete_line 'zsim a.json --set kernel=v7')" = v7.3 ]
    [ "$(complete_line 'zsim list zswap_')" = zswap_lru ]
    [ "$(complete_line 'zsim explain pool_limit')" = pool_limit_hit ]
    [ "$(complete_line 'zsim compare --metric inversion.p')" = inversion.pair_ppm ]
    [ "$(complete_line 'zsim advise --kernel v6.18')" = v6.18 ]
    # A file can stand here.
    [ -z "$(complete_line 'zsim configs/')" ]
}

@test "uninstall leaves no file" {
    [ -n "$(find "$ROOT" -type f)" ]
    make -C "$TOP" DESTDIR="$ROOT" PREFIX=/usr uninstall
    [ -z "$(find "$ROOT" ! -type d)" ]
}
