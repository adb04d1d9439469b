bats_require_minimum_version 1.5.0

# The same experiment gives the same bytes whatever built it and however many
# threads ran it.

setup_file() {
    export TOP=$PWD
    cd "$BATS_FILE_TMPDIR"
    cat >one.json <<'END'
{
  "question": "The same everywhere?",
  "kernel": "v6.18",
  "machine": {"cpus": 4, "nodes": [{"memory": "32M"}, {"memory": "32M"}]},
  "swap": {"devices": [{"name": "disk", "size": "1G"}]},
  "zswap": {"enabled": true, "compressor": "zstd", "max_pool_percent": 5},
  "vm": {"page_cluster": 0},
  "cgroups": {"/a": {"memory.max": "4M"}, "/b": {"memory.max": "6M"}},
  "tasks": [
    {"name": "a", "cgroup": "/a", "workload": {"type": "scattered_zipf", "footprint": "8M", "accesses": 30000}},
    {"name": "b", "cgroup": "/b", "workload": {"type": "uniform", "footprint": "9M", "accesses": 30000}}],
  "seeds": "1..3",
  "variants": [{"name": "five"}, {"name": "ten", "set": {"zswap.max_pool_percent": 10}}]
}
END
    sed 's/v6.18/v6.8/; s/"zstd"/"lzo-rle"/' one.json >two.json
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

# Builds with `NAME CC OPT` once; prints the program.  What counts coverage is a build of gcc -O0.
build() {
    local program=$TOP/build/determinism-$1/zsim
    [[ $1 != gcc-O0 || ${ZSIM:-} != */zsim-covered ]] || { echo "$ZSIM"; return; }
    make -s -C "$TOP" BUILD="build/determinism-$1" PROGRAM="build/determinism-$1/zsim" \
        CC="$2" OPT="$3" CFLAGS=-g0 >&2 # without what debuggers read: a third quicker
    echo "$program"
}

# results/*.json of a program without "host".
results_of() { # NAME PROGRAM ARGUMENT...
    local name=$1
    shift
    "$@" one.json two.json -o "$name" >"$name.table"
    for result in one two; do
        jq -S 'del(.host)' "$name/$result.json" >"$name.$result"
        # As written, not as jq reads it: all that comes before "host".
        sed '/^\t"host":/,$d' "$name/$result.json" >"$name.$result.text"
        grep -q '"complete":.*true' "$name.$result.text"
    done
}

same() { # NAME NAME
    for result in one two; do
        cmp "$1.$result" "$2.$result"
        cmp "$1.$result.text" "$2.$result.text"
    done
    cmp "$1.table" "$2.table"
}

# The tests' own program is the third build: gcc -O2 unless make was told otherwise.
shipped() {
    realpath "${SHIPPED:-${ZSIM:-$TOP/zsim}}"
}

@test "one thread and two give the same result" {
    program=$(shipped)
    results_of j1 "$program" -j 1
    results_of j2 "$program" -j 2
    results_of again "$program" -j 2
    same j1 j2
    same j2 again
}

@test "gcc -O0 gives the same result as the program at hand" {
    results_of shipped "$(shipped)"
    results_of O0 "$(build gcc-O0 gcc -O0)"
    same shipped O0
}

@test "clang -O3 gives the same result as the program at hand" {
    clang=$(command -v clang || command -v clang-14) || skip "no clang"
    results_of shipped "$(shipped)"
    results_of clang "$(build clang-O3 "$clang" -O3)"
    same shipped clang
}
