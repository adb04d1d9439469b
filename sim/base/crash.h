/* One line and an exit code where a signal would end the program without a word.
 *
 * A file that becomes shorter while it is mapped makes SIGBUS of a read; a plug-in is
 * code of others, in this process, and may do anything. */
#ifndef ZSIM_BASE_CRASH_H
#define ZSIM_BASE_CRASH_H

/* From now on a mapped file that cannot be read ends the program with exit code 1. */
void crash_watch_files(void);

/* The same for a crash of a plug-in, which is named, with this exit code: 1 or 2. */
void crash_watch_plugins(int exit_code);

/* For each thread but the first, when it begins: a stack to tell on, where its own has
 * overflowed. */
void crash_watch_thread(void);

#endif
