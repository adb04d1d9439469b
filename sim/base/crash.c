#define _GNU_SOURCE
#include "sim/base/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

/* Nothing here but what may be called in a signal handler. */

enum { LINE_BYTES = 4096 + 128, STACK_WORDS = 512, HANDLER_STACK_BYTES = 64 << 10 };

/* A line of /proc/self/maps. */
struct mapping {
    uint64_t begin, end;
    bool readable, executable;
    const char *path; /* "" where there is none */
};

struct maps {
    int file;
    char line[LINE_BYTES];
};

static uint64_t take_hex(const char **at)
{
    uint64_t number = 0;
    for (;; (*at)++) {
        char digit = **at;
        if (digit >= '0' && digit <= '9')
            number = number * 16 + (uint64_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            number = number * 16 + (uint64_t)(digit - 'a') + 10;
        else
            return number;
    }
}

static bool next_mapping(struct maps *maps, struct mapping *mapping)
{
    size_t length = 0;
    while (length < LINE_BYTES - 1 && read(maps->file, maps->line + length, 1) == 1 &&
           maps->line[length] != '\n')
        length++;
    if (length == 0)
        return false;
    maps->line[length] = '\0';
    const char *at = maps->line;
    mapping->begin = take_hex(&at);
    at++;
    mapping->end = take_hex(&at);
    mapping->readable = at[1] == 'r';
    mapping->executable = at[3] == 'x';
    const char *path = strchr(maps->line, '/');
    mapping->path = path ? path : "";
    return true;
}

static bool has_address(const struct mapping *mapping, uint64_t address)
{
    return address >= mapping->begin && address < mapping->end;
}

/* The part of a stack that can be read: an overflow has left it at its lower end. */
static bool is_stack(const struct mapping *mapping, uint64_t pointer)
{
    return pointer < mapping->end && mapping->readable;
}

/* The first mapping that fits an address. */
static bool find_first(bool (*fits)(const struct mapping *, uint64_t), uint64_t address,
                       struct maps *maps, struct mapping *mapping)
{
    bool found = false;
    maps->file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    while (!found && maps->file >= 0 && next_mapping(maps, mapping))
        found = fits(mapping, address);
    close(maps->file);
    return found;
}

static bool find_mapping(uint64_t address, struct maps *maps, struct mapping *mapping)
{
    return find_first(has_address, address, maps, mapping);
}

static void put(const char *text)
{
    size_t length = strlen(text);
    while (length) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

/* Several threads may meet the same file or plug-in: the first one speaks. */
static void speak_alone(void)
{
    static atomic_flag speaking = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&speaking))
        pause();
}

static void mapped_file_fails(int signal, siginfo_t *information, void *context)
{
    struct maps maps;
    struct mapping mapping;
    (void)signal;
    (void)context;
    speak_alone();
    if (find_mapping((uint64_t)(uintptr_t)information->si_addr, &maps, &mapping) && *mapping.path)
        put(mapping.path);
    else
        put("a mapped file");
    put(": error: it became shorter while it was read, or its device failed\n");
    _exit(1);
}

/* Neither zsim nor a library of the system. */
static bool is_plugin(const struct mapping *mapping)
{
    static const char *const not_ours[] = {"/usr/lib", "/lib", "/usr/local/lib"};
    char program[LINE_BYTES];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[length < 0 ? 0 : length] = '\0';
    for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
        if (strncmp(mapping->path, not_ours[i], strlen(not_ours[i])) == 0)
            return false;
    return mapping->executable && *mapping->path && strcmp(mapping->path, program) != 0;
}

/* The first plug-in that the stack returns to: abort() is called in the C library. */
static bool find_plugin(const ucontext_t *context, struct maps *maps, struct mapping *mapping)
{
#if defined(__x86_64__)
    uint64_t at = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
    uint64_t stack = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    uint64_t at = context->uc_mcontext.pc, stack = context->uc_mcontext.sp;
#else
    uint64_t at = 0, stack = (uint64_t)(uintptr_t)&at;
    (void)context;
#endif
    if (find_mapping(at, maps, mapping) && is_plugin(mapping))
        return true;
    if (!find_first(is_stack, stack, maps, mapping))
        return false;
    if (stack < mapping->begin)
        stack = mapping->begin;
    uint64_t words = (mapping->end - stack) / sizeof(uint64_t);
    for (uint64_t i = 0; i < words && i < STACK_WORDS; i++) {
        uint64_t word;
        memcpy(&word, (const char *)(uintptr_t)stack + i * sizeof(word), sizeof(word));
        if (find_mapping(word, maps, mapping) && is_plugin(mapping))
            return true;
    }
    return false;
}

static _Noreturn void tell_plugin(int signal, const ucontext_t *context, int exit_code)
{
    struct maps maps;
    struct mapping mapping;
    speak_alone();
    if (find_plugin(context, &maps, &mapping))
        put(mapping.path);
    else
        put("zsim");
    put(": error: it crashed (SIG");
    put(sigabbrev_np(signal));
    put("); a plug-in is trusted code, see it under gdb\n");
    _exit(exit_code);
}

static void loaded_plugin_fails(int signal, siginfo_t *information, void *context)
{
    (void)information;
    tell_plugin(signal, context, 1);
}

static void plugin_fails_to_load(int signal, siginfo_t *information, void *context)
{
    (void)information;
    tell_plugin(signal, context, 2);
}

static void watch(int signal, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

void crash_watch_thread(void)
{
    static _Thread_local char memory[HANDLER_STACK_BYTES];
    stack_t there;
    /* A sanitizer has given the thread one, and gives back whatever it finds at its end. */
    if (sigaltstack(NULL, &there) == 0 && there.ss_flags & SS_DISABLE)
        sigaltstack(&(stack_t){.ss_sp = memory, .ss_size = sizeof(memory)}, NULL);
}

void crash_watch_files(void)
{
    crash_watch_thread();
    watch(SIGBUS, mapped_file_fails);
}

void crash_watch_plugins(int exit_code)
{
    static const int signals[] = {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGTRAP};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        watch(signals[i], exit_code == 2 ? plugin_fails_to_load : loaded_plugin_fails);
}
