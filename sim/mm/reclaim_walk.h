/* Which cgroups a walk of reclaim has something to do for.
 *
 * The kernel walks every cgroup of the tree at every priority; of ten thousand small
 * ones nearly all have fewer pages than that priority would scan.  An index says for
 * each node and priority which ones need a visit, so that the others are not touched.
 * It may hold too many, never too few: a visit without anything to do changes nothing.
 * Those of which no page would be scanned, but whose active list is too long beside the
 * inactive one, need less than a visit; of 10,000 cgroups they were a third of all. */
#ifndef ZSIM_MM_RECLAIM_WALK_H
#define ZSIM_MM_RECLAIM_WALK_H

#include "sim/mm/mm.h"
#include "sim/mm/reclaim.h"

void reclaim_walk_init(struct mm *mm);
void reclaim_walk_release(struct mm *mm);

/* The least size to scan (walk_sizes()) of a cgroup that may have something to do at the scan's
 * priority in the pass that has begun (begin_pass()), as things are now; 0: all are visited. */
uint32_t reclaim_walk_least(const struct mm *mm, const struct scan_control *scan, uint32_t node);

/* Has a pass that begins now nothing to do on a node, neither to scan nor to age, for the cgroup
 * alone that it is for? */
bool reclaim_walk_passes_over(struct mm *mm, struct scan_control *scan, uint32_t node);

/* The cgroup of at least that size after `current` (NO_MEMCG: the first) in a pre-order walk
 * of the root's subtree; NO_MEMCG at the end. */
uint32_t reclaim_walk_next(const struct mm *mm, uint32_t root, uint32_t node, uint32_t least,
                           uint32_t current);

/* How many cgroups a walk that visits all comes to after `current` (NO_MEMCG: from the first on)
 * up to `next`, which counts, or, with NO_MEMCG, to the end.  Where there is no index, each step is
 * to the next one. */
uint32_t reclaim_walk_length(const struct mm *mm, uint32_t root, uint32_t current, uint32_t next);

/* Between two visits, of `current` and of `next` as above: the first cgroup that is not visited
 * but wants aging (age() of the policy's hooks); NO_MEMCG: there is none.  Those that have nothing
 * to age are only counted, where passed_over is not NULL. */
uint32_t reclaim_walk_next_aging(const struct mm *mm, uint32_t root, uint32_t node,
                                 uint32_t current, uint32_t next, uint32_t *passed_over);

/* How often sizes have changed so far. */
uint64_t reclaim_walk_changes(const struct mm *mm);

/* The lists of a cgroup on a node have grown, or were visited: it may have more to do now, or
 * less. */
void reclaim_walk_note(struct mm *mm, uint32_t memcg, uint32_t node);

/* The same where that may have waited, so that its lists have gone to its heirs.  Whoever puts
 * pages back in a visit calls it at once: others may walk before the visit ends. */
void reclaim_walk_note_lists(struct mm *mm, uint32_t memcg, uint32_t node);

/* The same after the statistics were folded in, or the cgroup went offline. */
void reclaim_walk_note_seen(struct mm *mm, uint32_t memcg, uint32_t node);

/* memory.min or memory.low of a cgroup was set: it and what is below it are protected
 * or no longer (memcg->is_protected; also where every cgroup is visited). */
void reclaim_walk_note_protection(struct mm *mm, uint32_t root);

/* NULL, or what is wrong with the index for a cgroup on a node. */
const char *reclaim_walk_check(const struct mm *mm, uint32_t memcg, uint32_t node);

#endif
