bats_require_minimum_version 1.5.0

# Sampling the pages of a process whose contents are known.

setup() {
    ZSIM=${ZSIM:-$PWD/zsim}
    [[ $ZSIM == /* ]] || ZSIM=$PWD/$ZSIM
    cd "$BATS_TEST_TMPDIR"
    # 1,000 zero pages, 2,000 of one word, 500 random, 500 half random; resident.
    cat >pages.c <<'END'
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
enum { PAGES = 4000 };
int main(void)
{
    uint64_t state = 88172645463325252ull;
    char *area = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < PAGES; i++) {
        uint64_t *words = (uint64_t *)(area + i * 4096);
        memset(words, i < 1000 ? 0 : 'a', 4096);
        for (int j = 0; i < 1000 && j < 512; j++)
            ((volatile uint64_t *)words)[j] = 0;
        for (int j = 0; i >= 3000 && j < (i < 3500 ? 512 : 256); j++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            words[j] = state;
        }
    }
    if (write(1, "ready\n", 6) == 6)
        pause();
    return 0;
}
END
    cc -O1 -o pages pages.c
    ./pages >ready 3>&- &
    CHILD=$!
    for _ in $(seq 200); do
        ! grep -q ready ready || break
        sleep 0.05
    done
}

teardown() {
    kill "$CHILD" 2>/dev/null || true
}

@test "content --help is that of its one action" {
    diff <("$ZSIM" content --help) <("$ZSIM" content sample --help)
}

@test "all pages of a process: the shares are what the program made" {
    "$ZSIM" content sample --pid "$CHILD" -n 1000000 -o all.json >table
    # Besides these 4,000: the C library's data, heap and stack, below 100 pages.
    jq -e '.pages_seen >= 4000 and .pages_seen < 4100 and .pages_sampled == .pages_seen' all.json
    jq -e '[.samples[] | select(.[0] == "zero")] | length | . >= 1000 and . < 1050' all.json
    jq -e '[.samples[] | select(.[0] == "same")] | length | . >= 2000 and . < 2005' all.json
    # Random pages: refused by every compressor, each row under all of them at once.
    jq -e '[.samples[] | select(.[1:] | all(. >= 4096 or . == 0))] | length == 500' all.json
    jq -e '[.samples[] | select(.[5] >= 2048 and .[5] < 2150)] | length | . >= 500 and . < 510' all.json
    jq -e '.source == "process pages"' all.json
    grep -Eq '^  incompressible by any of these +500 ' table
    grep -Eq '^zero +10[0-4][0-9] ' table
    # Contents are not kept: nothing but names and numbers.
    jq -e '[keys[]] == ["compressors", "libraries", "pages_sampled", "pages_seen", "samples",
        "schema", "seed", "shares", "source", "zstd_level_lengths", "zstd_levels"]' all.json
    [ "$(ls)" = "$(printf 'all.json\npages\npages.c\nready\ntable')" ]
}

@test "a bounded sample is random by page, and the seed decides" {
    for seed in 1 1 2; do
        "$ZSIM" content sample --pid "$CHILD" -n 800 --seed $seed -o "s$seed.json" >/dev/null
        [ ! -e first.json ] || [ "$seed" != 1 ] || cmp first.json s1.json
        cp s1.json first.json
    done
    run ! cmp -s s1.json s2.json
    for seed in 1 2; do
        jq -e '.pages_sampled == 800' s$seed.json
        # 800 of 4,050 pages: half of one word, within 4 standard deviations.
        jq -e '.shares.same > 0.43 and .shares.same < 0.56' s$seed.json
        jq -e '.shares.zero > 0.18 and .shares.zero < 0.32' s$seed.json
    done
}

@test "levels of zstd, row by row; better ones are not worse on the whole" {
    "$ZSIM" content sample --pid "$CHILD" -n 500 --zstd-levels 1,19 -o l.json >table
    jq -e '.zstd_levels == [1, 19] and (.zstd_level_lengths | length) == 500' l.json
    jq -e '([.zstd_level_lengths[][1]] | add) <= ([.zstd_level_lengths[][0]] | add)' l.json
    grep -q '^zstd 19 ' table
    "$ZSIM" content sample --pid "$CHILD" -n 500 --zstd-levels none -o n.json >table
    jq -e 'has("zstd_levels") | not' n.json
    run --separate-stderr "$ZSIM" content sample --zstd-levels 1,23 -o x.json pages
    [ "$status" -eq 2 ]
    [[ $stderr == *'--zstd-levels: expected at most 8 numbers in 1..22'* ]]
}

@test "contents are stored when they are asked for, for their owner alone" {
    "$ZSIM" content sample --pid "$CHILD" -n 100 --contents pages.bin -o c.json >/dev/null
    [ "$(stat -c '%s %a' pages.bin)" = "$((100 * 4096)) 600" ]
    # The stored pages are the sampled ones: measured again they give the same rows.
    "$ZSIM" content sample -n 100 -o again.json pages.bin >/dev/null
    [ "$(jq -c .samples c.json)" = "$(jq -c .samples again.json)" ]
}

@test "a config names the profile" {
    "$ZSIM" content sample --pid "$CHILD" -n 1000000 -o all.json >/dev/null
    cat >run.json <<'END'
{"machine": {"cpus": 1, "nodes": [{"memory": "64M"}]},
 "swap": {"devices": [{"name": "disk", "size": "64M"}]},
 "kernel": "v6.8",
 "zswap": {"enabled": true, "compressor": "zstd"},
 "cgroups": {"/a": {"memory.max": "4M"}},
 "tasks": [{"name": "t", "cgroup": "/a", "content": {"type": "profile", "file": "all.json"},
            "workload": {"type": "sequential", "footprint": "32M", "accesses": 8192}}]}
END
    "$ZSIM" run.json >/dev/null
    # An eighth of the pages is random: no room is saved, so zswap refuses them.
    jq -e '.variants[0].runs[0].totals | (.reject_compress_poor + .reject_compress_fail) / .zswpout > 0.08' results/run.json
}

@test "mistakes are one line" {
    run --separate-stderr "$ZSIM" content sample --pid 4194303 -o x.json
    [ "$status" -eq 2 ]
    [ "$stderr" = '/proc/4194303/maps: error: cannot open: No such file or directory' ]
    run --separate-stderr "$ZSIM" content sample --pid "$CHILD"
    [ "$status" -eq 2 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    run ! ls x.json
}
