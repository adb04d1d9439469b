bats_require_minimum_version 1.5.0

# Recording real programs: pages, regions, threads, children, signals, mistakes.

setup_file() {
    command -v valgrind >/dev/null || skip "valgrind is not installed"
    local sources=$BATS_FILE_TMPDIR
    cat >"$sources/pages.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
    char word[32] = "";
    char *area = mmap(NULL, 300 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < 300; i++)
            area[i * 4096] = 1;
    madvise(area, 100 * 4096, MADV_DONTNEED);
    munmap(area, 300 * 4096);
    char *heap = sbrk(50 * 4096);
    memset(heap, 1, 50 * 4096);
    char *shared = mmap(NULL, 20 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(shared, 1, 20 * 4096);
    if (read(0, word, sizeof(word) - 1) > 0)
        printf("got %s", word);
    fprintf(stderr, "on stderr\n");
    return 7;
}
END
    cat >"$sources/tasks.c" <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
enum { PAGES = 200 };
static char *area, *shared;
static void *work(void *context)
{
    for (int i = 0; i < PAGES; i++)
        area[i * 4096] += 1;
    return context;
}
int main(int argc, char **argv)
{
    (void)argc;
    pthread_t thread;
    area = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shared = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < PAGES; i++)
        shared[i * 4096] = 1;
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    if (fork() == 0) {
        for (int i = 0; i < PAGES; i++)
            shared[i * 4096] += 1;
        for (int i = 0; i < PAGES / 2; i++)
            area[i * 4096] = 2;
        _exit(0);
    }
    wait(NULL);
    if (fork() == 0) {
        execlp("true", "true", NULL);
        _exit(1);
    }
    wait(NULL);
    return argv == NULL;
}
END
    cat >"$sources/forever.c" <<'END'
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char *area = malloc(400 * 4096);
    if (argc > 1)
        signal(SIGINT, SIG_IGN), signal(SIGTERM, SIG_IGN);
    for (int i = 0; i < 400; i++)
        area[i * 4096] = argv[0][0];
    write(1, "ready\n", 6);
    for (;;)
        for (int i = 0; i < 400; i++)
            area[i * 4096] += 1;
}
END
    for name in pages tasks forever; do
        cc -O1 -pthread -o "$sources/$name" "$sources/$name.c"
    done
}

setup() {
    command -v valgrind >/dev/null || skip "valgrind is not installed"
    ZSIM=${ZSIM:-$PWD/zsim}
    [[ $ZSIM == /* ]] || ZSIM=$PWD/$ZSIM
    PROGRAMS=$BATS_FILE_TMPDIR
    cd "$BATS_TEST_TMPDIR"
    mkdir tmp
    export TMPDIR=$PWD/tmp
}

info() { "$ZSIM" trace info --json "$1"; }

@test "every page that a program writes is there, and dies when it is unmapped" {
    echo word | "$ZSIM" trace capture -o p.trace -- "$PROGRAMS/pages" >out 2>err
    [ "$(cat out)" = "got word" ]
    grep -q '^on stderr$' err
    grep -q '^zsim trace: pages ended with exit status 7$' err
    grep -q 'of the accesses were to pages of files and are left out' err
    info p.trace >info.json
    # 300 pages by mmap, 50 of heap, 20 shared, and the C library's own.
    jq -e '.distinct_pages >= 370 and .distinct_pages < 450' info.json
    jq -e '.frees >= 300 and .frees < 330' info.json
    # The second pass over 300 pages is a read and write of pages out of the window.
    jq -e '.writes >= 670' info.json
    jq -e '[.spaces[].name | sub(" [0-9]*$"; "")] == ["pages", "shared memory"]' info.json
    jq -e '.spaces[1].distinct_pages == 20' info.json
    jq -e '[.regions[].kind] | unique == ["anonymous", "file", "heap", "shared", "stack"]' info.json
    jq -e '[.regions[] | select(.kind == "heap").pages] | add >= 50' info.json
    jq -e '.note | contains("pages under valgrind lackey") and contains("exit status 7")' info.json
    [ "$(ls)" = "$(printf 'err\ninfo.json\nout\np.trace\ntmp')" ]
    [ -z "$(ls tmp)" ]
}

@test "the same program gives the same records again" {
    for i in 1 2; do
        "$ZSIM" trace capture -o $i.trace -- "$PROGRAMS/pages" </dev/null 2>/dev/null
        "$ZSIM" trace convert --to native1 $i.trace $i.native
    done
    cmp 1.native 2.native
}

@test "threads and children are told apart, and share what they share" {
    "$ZSIM" trace capture -o t.trace -- "$PROGRAMS/tasks" 2>err
    info t.trace >info.json
    jq -e '[.tasks[].command] == ["tasks", "tasks", "tasks", "tasks", "true"]' info.json
    jq -e '[.tasks[].thread] == [1, 2, 1, 1, 1]' info.json
    jq -e '.tasks[0].process == .tasks[1].process and .tasks[3].process == .tasks[4].process' info.json
    jq -e '[.tasks[].parent] == [null, null, 0, 0, 0]' info.json
    jq -e '.tasks[1].accesses >= 200 and .tasks[1].accesses < 230' info.json
    # The first child: 200 shared pages, then 100 that it must copy.
    jq -e '.tasks[2].accesses >= 300 + 100 and .tasks[2].accesses < 560' info.json
    jq -e '.spaces[] | select(.name == "shared memory").distinct_pages == 200' info.json
    jq -e '.spaces[.tasks[2].space].distinct_pages | . >= 100 and . < 115' info.json
    # What the children copied dies with them.
    jq -e '.spaces[.tasks[2].space] | .frees == .distinct_pages' info.json
    # The table of regions stops at 16, as the others do; --json has all.
    all=$(jq '.regions | length' info.json)
    [ "$all" -gt 16 ]
    "$ZSIM" trace info t.trace | sed -n '/ region$/,/^$/p' >regions
    [ "$(wc -l <regions)" -eq 19 ] # heading, regions, the rest, an empty line
    grep -q "^ *and $((all - 16)) more$" regions
    # Written and read again, nobody gets lost.
    "$ZSIM" trace convert t.trace u.trace
    cmp t.trace u.trace
}

@test "a sample keeps one page in N" {
    "$ZSIM" trace capture --sample 4 -o s.trace -- "$PROGRAMS/pages" </dev/null 2>err
    grep -q 'one page in 4 is recorded' err
    info s.trace >info.json
    jq -e '.pages_a_sampled_page == 4' info.json
    jq -e '.distinct_pages >= 60 and .distinct_pages <= 150' info.json
}

@test "pages of files come in when they are asked for" {
    "$ZSIM" trace capture --file-pages --instructions -o f.trace -- "$PROGRAMS/pages" </dev/null 2>err
    run ! grep -q 'left out' err
    info f.trace >info.json
    jq -e '[.spaces[].name] | index("files") != null' info.json
    jq -e '[.regions[].kind] | index("code") != null' info.json
}

stop_with() { # SIGNAL ARGUMENT...
    local signal=$1 status=0
    shift
    # A job in the background of a script would ignore SIGINT.
    env --default-signal=INT "$ZSIM" trace capture -o i.trace -- "$PROGRAMS/forever" "$@" \
        >out 2>err 3>&- &
    local pid=$!
    for _ in $(seq 300); do
        ! grep -q ready out || break
        sleep 0.1
    done
    kill "-$signal" "$pid"
    wait "$pid" || status=$?
    [ "$status" -eq 130 ]
    info i.trace | jq -e '.distinct_pages >= 400 and (.note | contains("interrupted"))'
    [ -z "$(ls tmp)" ]
    [ "$(ls)" = "$(printf 'err\ni.trace\nout\ntmp')" ]
}

@test "SIGINT ends the program and keeps what was recorded" {
    stop_with INT
    grep -q '^zsim trace: forever was ended by signal 2' err
}

@test "SIGTERM too, and a program that ignores it is killed" {
    stop_with TERM stay
    grep -q '^zsim trace: forever was ended by signal 9' err
}

@test "a captured trace is replayed" {
    "$ZSIM" trace capture -o t.trace -- "$PROGRAMS/tasks" 2>/dev/null
    cat >run.json <<'END'
{"machine": {"cpus": 1, "nodes": [{"memory": "64M"}]},
 "swap": {"devices": [{"name": "disk", "size": "64M"}]},
 "zswap": {"enabled": true},
 "cgroups": {"/a": {"memory.max": "1M"}},
 "tasks": [{"name": "t", "cgroup": "/a", "workload": {"type": "trace", "file": "t.trace"}}]}
END
    "$ZSIM" run.json --check-invariants=full >/dev/null
    jq -e --argjson n "$(info t.trace | jq .accesses)" '.variants[0].runs[0].totals.accesses == $n' results/run.json
    jq -e '.variants[0].runs[0].totals.zswpout > 0' results/run.json
}

@test "mistakes are one line and nothing is left behind" {
    run --separate-stderr "$ZSIM" trace capture -o x.trace
    [ "$status" -eq 2 ]
    [[ $stderr == *"expected a command to record"* ]]
    run --separate-stderr "$ZSIM" trace capture -o x.trace -- no-such-program
    [ "$status" -eq 2 ]
    [ "$stderr" = 'zsim trace capture: error: "no-such-program" is no program that can be run' ]
    run --separate-stderr env PATH=/nonexistent "$ZSIM" trace capture -o x.trace -- "$PROGRAMS/pages"
    [ "$status" -eq 2 ]
    [ "$stderr" = 'zsim trace capture: error: valgrind is missing: apt-get install valgrind' ]
    run --separate-stderr "$ZSIM" trace capture -o missing/x.trace -- "$PROGRAMS/pages"
    [ "$status" -eq 1 ]
    [ "$stderr" = 'missing/x.trace: error: cannot create: No such file or directory' ]
    run --separate-stderr "$ZSIM" trace capture --sample 0 -- "$PROGRAMS/pages"
    [ "$status" -eq 2 ]
    [[ $stderr == *'--sample is "0"; expected a whole number in 1..1000000'* ]]
    run --separate-stderr "$ZSIM" trace capture --nonsense -- "$PROGRAMS/pages"
    [ "$status" -eq 2 ]
    printf '#!/proc/nonexistent/interpreter\n' >broken
    chmod +x broken
    run --separate-stderr "$ZSIM" trace capture -o x.trace -- ./broken
    [ "$status" -eq 1 ]
    [[ $stderr == *'no access was recorded: broken ended with exit status '* ]]
    [ -z "$(find . -name '*.trace*')" ]
    [ -z "$(ls tmp)" ]
}

@test "--help and the default name" {
    run "$ZSIM" trace capture --help
    [ "$status" -eq 0 ]
    [[ $output == "Usage: zsim trace capture"* ]]
    "$ZSIM" trace capture true 2>/dev/null
    [ -s true.trace ]
}
