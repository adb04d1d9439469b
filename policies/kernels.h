/* Kernel presets: what each kernel chooses on every axis. */
#ifndef ZSIM_POLICIES_KERNELS_H
#define ZSIM_POLICIES_KERNELS_H

/* A preset is data: a value for every key that depends on the kernel, written
 * as in a config.  Ended by a row with name NULL. */
struct kernel_setting {
    const char *path, *value; /* "zswap.lru", "global" */
};
struct kernel_preset {
    const char *name, *summary;
    const struct kernel_setting *settings; /* ended by path NULL */
};
extern const struct kernel_preset kernel_presets[];

/* NULL when there is no such preset. */
const struct kernel_preset *kernel_preset_find(const char *name);
/* The preset of the newest kernel that is not newer than MAJOR.MINOR; NULL: all are newer. */
const struct kernel_preset *kernel_preset_before(unsigned major, unsigned minor);

#endif
