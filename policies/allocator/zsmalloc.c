/* zsmalloc: objects of one size class packed into chains of pages.
 *
 * A zspage is 1..16 pages cut into equal objects.  A class fills its fullest
 * partial zspage first; a zspage is created when no partial one is left and
 * given back with its last object, so the pool's pages are exactly those of the
 * zspages that exist.  Mirrors mm/zsmalloc.c of 6.1 to 7.3; the parameters
 * choose the era.
 *
 * Left out: the NUMA node of a page, migration of single pages, the deferred free of a
 * zspage whose pages are locked, and compaction (zs_compact()), which the kernel's
 * zs_shrinker_scan() does when memory of the whole machine is short; a cgroup's limit
 * does not call it, since that shrinker knows no cgroups.
 *
 * Books: 8 bytes a zspage and up to 8 in its fullness list.  Which objects lie in it has no
 * effect on any count: a handle is the number of its zspage, which all objects there share.
 * In an instance that evicts (6.2-6.4) a handle is an object's own; it keeps also the zspage
 * LRU, the owner of every object and its position in the zspage, because eviction follows
 * positions. */
#include "policies/allocator/zsmalloc.h"

#include <stdlib.h>
#include <string.h>

#include "policies/allocator/allocator.h"
#include "policies/allocator/index_list.h"
#include "policies/allocator/index_stack.h"
#include "policies/allocator/policies.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"

enum {
    NOMINAL_CLASSES = 255,
    LEAST_CLASS_BYTES = 32,
    CLASS_STEP_BYTES = 16,
    HANDLE_BYTES = 8, /* kept inside the object, except in classes of one object a page */
    CHAIN_AT_MOST = 16,
    SHRINK_VICTIMS = 8, /* retries of zpool_shrink() in zswap, 6.1-6.4 */
};

/* Fullness groups; a zspage is on a list only in the groups between EMPTY and
 * the full one, because nothing ever looks for an empty or a full zspage. */
enum {
    GROUP_EMPTY = 0,
    GROUP_ALMOST_EMPTY = 1, /* four_groups */
    GROUP_ALMOST_FULL = 2,
    GROUP_FULL = 11, /* groups 1..10 of ten_percent_groups lie below */
    GROUPS = 12,
};

enum class_selection { MOST_USED, LEAST_WASTE };
enum fullness_rule { FOUR_GROUPS, TEN_PERCENT_GROUPS };
enum lock_rule { LOCK_PER_CLASS, LOCK_POOL, LOCK_PER_CLASS_DIRECT_FREE };

struct zsmalloc_params {
    uint64_t chain_size;
    unsigned class_selection, fullness, locks, oversize;
    bool evicts;
};

struct zspage {
    uint32_t place; /* in its fullness list; chains unused records */
    uint16_t inuse; /* objects in it */
    uint8_t class;  /* index into classes[] */
    uint8_t group;
};

/* What an instance that evicts knows of a zspage besides; same index. */
struct zspage_positions {
    struct index_link lru; /* head: most recently allocated from */
    uint32_t first_slot;   /* its objects are slots[first_slot ...] */
    uint16_t free_slot;    /* first of the chain of free slots; SLOT_NONE: none */
    bool under_reclaim;
};

/* slots[]: the handle in an occupied slot, or SLOT_FREE | number of the next free
 * slot of the same zspage. */
#define SLOT_FREE 0x80000000u
#define SLOT_NONE 0xffffu

struct size_class {
    uint16_t listed;   /* bit g: lists[g] is not empty */
    uint16_t objects;  /* in one zspage */
    uint16_t size;     /* bytes */
    uint8_t pages;     /* of one zspage */
    bool exists;       /* false: merged into a larger class */
    uint8_t *group_of; /* [objects + 1], by objects in use */
    uint32_t unused;   /* chain of unused records that already own slots of this class */
    struct index_stack lists[GROUPS];
};

struct zsmalloc {
    uint8_t class_of[NOMINAL_CLASSES];
    bool evicts; /* handles are objects' own */
    enum allocator_result oversize;
    enum fullness_rule fullness;
    enum lock_rule lock_rule;
    uint64_t pages;

    struct zspage *zspages;
    uint32_t zspage_count, zspage_room, unused_zspage;

    /* only when it evicts */
    uint32_t *home; /* [handle]: its zspage, or the next unused handle */
    uint32_t handle_count, handle_room, unused_handle;
    struct zspage_positions *positions; /* [zspage] */
    uint32_t *owners;                   /* [handle] */
    uint16_t *slot_of;                  /* [handle] */
    uint32_t *slots;
    uint32_t slot_count, slot_room;
    struct index_list lru;

    uint8_t *group_tables;
    struct size_class classes[NOMINAL_CLASSES];
};

/* ---- size classes -------------------------------------------------------- */

static uint32_t nominal_class_bytes(uint32_t index)
{
    uint32_t size = LEAST_CLASS_BYTES + CLASS_STEP_BYTES * index;
    return size < PAGE_BYTES ? size : PAGE_BYTES;
}

static uint32_t nominal_class(uint32_t size)
{
    uint32_t bytes = size + HANDLE_BYTES;
    if (bytes <= LEAST_CLASS_BYTES)
        return 0;
    uint32_t index = (bytes - LEAST_CLASS_BYTES + CLASS_STEP_BYTES - 1) / CLASS_STEP_BYTES;
    return index < NOMINAL_CLASSES ? index : NOMINAL_CLASSES - 1;
}

/* Up to 6.2, get_pages_per_zspage(): the first chain with the highest whole percentage in use. */
static uint32_t chain_most_used(uint32_t size, uint32_t chain_size)
{
    uint32_t best = 1, best_percent = 0;
    for (uint32_t pages = 1; pages <= chain_size; pages++) {
        uint32_t bytes = pages * PAGE_BYTES;
        uint32_t percent = 100 * (bytes - bytes % size) / bytes;
        if (percent > best_percent) {
            best_percent = percent;
            best = pages;
        }
    }
    return best;
}

/* From 6.3, calculate_zspage_chain_size(): the first chain with the fewest bytes left over. */
static uint32_t chain_least_waste(uint32_t size, uint32_t chain_size)
{
    if ((size & (size - 1)) == 0)
        return 1;
    uint32_t best = 1, least = UINT32_MAX;
    for (uint32_t pages = 1; pages <= chain_size; pages++) {
        uint32_t waste = pages * PAGE_BYTES % size;
        if (waste < least) {
            least = waste;
            best = pages;
        }
    }
    return best;
}

/* Every nominal class joins the next larger one when both cut the same number of
 * pages into the same number of objects (can_merge()). */
static void build_classes(struct zsmalloc *zsmalloc, const struct zsmalloc_params *params)
{
    const struct size_class *larger = NULL;
    for (uint32_t index = NOMINAL_CLASSES; index-- > 0;) {
        uint32_t size = nominal_class_bytes(index), chain = (uint32_t)params->chain_size;
        uint32_t pages = params->class_selection == MOST_USED ? chain_most_used(size, chain)
                                                              : chain_least_waste(size, chain);
        uint32_t objects = pages * PAGE_BYTES / size;
        if (!larger || larger->pages != pages || larger->objects != objects) {
            struct size_class *class = &zsmalloc->classes[index];
            class->exists = true;
            class->size = (uint16_t)size;
            class->pages = (uint8_t)pages;
            class->objects = (uint16_t)objects;
            larger = class;
        }
        zsmalloc->class_of[index] = (uint8_t)(larger - zsmalloc->classes);
    }
}

static uint8_t fullness_group(enum fullness_rule rule, uint32_t inuse, uint32_t objects)
{
    if (inuse == 0)
        return GROUP_EMPTY;
    if (inuse == objects)
        return GROUP_FULL;
    if (rule == TEN_PERCENT_GROUPS)
        return (uint8_t)(100 * inuse / objects / 10 + 1);
    return inuse <= 3 * objects / 4 ? GROUP_ALMOST_EMPTY : GROUP_ALMOST_FULL;
}

/* A table per class instead of a division per call. */
static void build_group_tables(struct zsmalloc *zsmalloc)
{
    size_t bytes = 0;
    for (uint32_t index = 0; index < NOMINAL_CLASSES; index++)
        if (zsmalloc->classes[index].exists)
            bytes += zsmalloc->classes[index].objects + 1u;
    uint8_t *table = memory_zeroed(bytes, 1, "zsmalloc fullness tables");
    zsmalloc->group_tables = table;
    for (uint32_t index = 0; index < NOMINAL_CLASSES; index++) {
        struct size_class *class = &zsmalloc->classes[index];
        if (!class->exists)
            continue;
        class->group_of = table;
        for (uint32_t inuse = 0; inuse <= class->objects; inuse++)
            *table++ = fullness_group(zsmalloc->fullness, inuse, class->objects);
    }
}

struct zsmalloc_class zsmalloc_class_of_size(const void *state, uint32_t size)
{
    const struct zsmalloc *zsmalloc = state;
    uint32_t index = zsmalloc->class_of[nominal_class(size)];
    const struct size_class *class = &zsmalloc->classes[index];
    return (struct zsmalloc_class){index, class->size, class->pages, class->objects};
}

uint32_t zsmalloc_class_count(const void *state)
{
    const struct zsmalloc *zsmalloc = state;
    uint32_t count = 0;
    for (uint32_t index = 0; index < NOMINAL_CLASSES; index++)
        count += zsmalloc->classes[index].exists;
    return count;
}

/* ---- fullness lists ------------------------------------------------------- */

static bool group_is_listed(uint8_t group)
{
    return group != GROUP_EMPTY && group != GROUP_FULL;
}

static inline uint32_t fullest_partial(const struct size_class *class)
{
    if (!class->listed)
        return 0;
    return index_stack_head(&class->lists[31 - __builtin_clz(class->listed)]);
}

/* Take the zspage off its list, if it is on one; until zspage_place() nothing finds it. */
static void zspage_isolate(struct zsmalloc *zsmalloc, struct size_class *class, uint32_t index)
{
    struct zspage *zspage = &zsmalloc->zspages[index];
    if (group_is_listed(zspage->group)) {
        struct index_stack *list = &class->lists[zspage->group];
        index_stack_remove(list, zsmalloc->zspages, sizeof(*zspage), index);
        if (!list->length)
            class->listed = (uint16_t)(class->listed & ~(1u << zspage->group));
    }
    zspage->group = GROUP_EMPTY;
}

/* Put an isolated zspage on the list of a group.  Up to 6.3 insert_zspage() keeps a fuller
 * zspage at the head. */
static inline void zspage_enlist(struct zsmalloc *zsmalloc, struct size_class *class,
                                 uint32_t index, uint8_t group)
{
    struct zspage *zspage = &zsmalloc->zspages[index];
    zspage->group = group;
    if (!group_is_listed(group))
        return;
    struct index_stack *list = &class->lists[group];
    if (zsmalloc->fullness == FOUR_GROUPS && list->length &&
        zspage->inuse < zsmalloc->zspages[index_stack_head(list)].inuse)
        index_stack_add_behind_head(list, zsmalloc->zspages, sizeof(*zspage), index);
    else
        index_stack_add_head(list, zsmalloc->zspages, sizeof(*zspage), index);
    class->listed = (uint16_t)(class->listed | 1u << group);
}

/* The same on the list of its fullness. */
static void zspage_place(struct zsmalloc *zsmalloc, struct size_class *class, uint32_t index)
{
    zspage_enlist(zsmalloc, class, index, class->group_of[zsmalloc->zspages[index].inuse]);
}

/* fix_fullness_group(): a zspage moves only when its group changes. */
static inline void zspage_regroup(struct zsmalloc *zsmalloc, struct size_class *class,
                                  uint32_t index)
{
    const struct zspage *zspage = &zsmalloc->zspages[index];
    uint8_t group = class->group_of[zspage->inuse];
    if (group == zspage->group)
        return;
    zspage_isolate(zsmalloc, class, index);
    zspage_enlist(zsmalloc, class, index, group);
}

/* ---- zspages -------------------------------------------------------------- */

static uint32_t grown(uint32_t room)
{
    return room < 1024 ? 1024 : room > UINT32_MAX / 2 ? UINT32_MAX : room * 2;
}

/* An array of `room` elements of `size` bytes with room for twice as many. */
static void *array_grown(void *array, uint32_t room, size_t size, const char *what)
{
    return memory_mapped_resized(array, room * size, grown(room) * size, what);
}

static void zspage_room_grow(struct zsmalloc *zsmalloc)
{
    uint32_t room = zsmalloc->zspage_room;
    zsmalloc->zspages = array_grown(zsmalloc->zspages, room, sizeof(*zsmalloc->zspages), "zspages");
    if (zsmalloc->evicts)
        zsmalloc->positions =
            array_grown(zsmalloc->positions, room, sizeof(*zsmalloc->positions), "the zspage LRU");
    zsmalloc->zspage_room = grown(room);
}

static uint32_t slots_reserve(struct zsmalloc *zsmalloc, uint32_t objects)
{
    while (zsmalloc->slot_room - zsmalloc->slot_count < objects) {
        zsmalloc->slots = array_grown(zsmalloc->slots, zsmalloc->slot_room,
                                      sizeof(*zsmalloc->slots), "zsmalloc slots");
        zsmalloc->slot_room = grown(zsmalloc->slot_room);
    }
    uint32_t first = zsmalloc->slot_count;
    zsmalloc->slot_count += objects;
    return first;
}

/* An unused record; when it evicts one that owns as many slots as the class needs. */
static uint32_t zspage_record(struct zsmalloc *zsmalloc, struct size_class *class)
{
    uint32_t *unused = zsmalloc->evicts ? &class->unused : &zsmalloc->unused_zspage;
    uint32_t index = *unused;
    if (index) {
        *unused = zsmalloc->zspages[index].place;
        return index;
    }
    if (zsmalloc->zspage_count >= zsmalloc->zspage_room)
        zspage_room_grow(zsmalloc);
    index = zsmalloc->zspage_count++;
    if (zsmalloc->evicts)
        zsmalloc->positions[index].first_slot = slots_reserve(zsmalloc, class->objects);
    return index;
}

/* Chain the free slots in ascending order, as init_zspage() and, after a failed
 * eviction, restore_freelist() do. */
static void free_slots_rebuild(struct zsmalloc *zsmalloc, const struct size_class *class,
                               uint32_t index, bool all_free)
{
    struct zspage_positions *positions = &zsmalloc->positions[index];
    uint32_t *slots = &zsmalloc->slots[positions->first_slot];
    uint32_t next = SLOT_NONE;
    for (uint32_t slot = class->objects; slot-- > 0;) {
        if (!all_free && !(slots[slot] & SLOT_FREE))
            continue;
        slots[slot] = SLOT_FREE | next;
        next = slot;
    }
    positions->free_slot = (uint16_t)next;
}

static __attribute__((noinline)) uint32_t zspage_create(struct zsmalloc *zsmalloc,
                                                        struct size_class *class)
{
    uint32_t index = zspage_record(zsmalloc, class);
    struct zspage *zspage = &zsmalloc->zspages[index];
    zspage->inuse = 0;
    zspage->class = (uint8_t)(class - zsmalloc->classes);
    zspage->group = GROUP_EMPTY;
    zsmalloc->pages += class->pages;
    if (zsmalloc->evicts) {
        zsmalloc->positions[index].under_reclaim = false;
        free_slots_rebuild(zsmalloc, class, index, true);
        index_list_add_head(&zsmalloc->lru, zsmalloc->positions, sizeof(*zsmalloc->positions),
                            index);
    }
    return index;
}

/* Give an empty zspage back; it is on no fullness list any more, but on the LRU. */
static __attribute__((noinline)) void zspage_destroy(struct zsmalloc *zsmalloc,
                                                     struct size_class *class, uint32_t index)
{
    uint32_t *unused = zsmalloc->evicts ? &class->unused : &zsmalloc->unused_zspage;
    if (zsmalloc->evicts)
        index_list_remove(&zsmalloc->lru, zsmalloc->positions, sizeof(*zsmalloc->positions), index);
    zsmalloc->zspages[index].place = *unused;
    *unused = index;
    zsmalloc->pages -= class->pages;
}

static void zspage_move_to_lru_head(struct zsmalloc *zsmalloc, uint32_t index)
{
    if (zsmalloc->lru.head == index)
        return;
    size_t stride = sizeof(*zsmalloc->positions);
    index_list_remove(&zsmalloc->lru, zsmalloc->positions, stride, index);
    index_list_add_head(&zsmalloc->lru, zsmalloc->positions, stride, index);
}

/* ---- objects -------------------------------------------------------------- */

static void handle_room_grow(struct zsmalloc *zsmalloc)
{
    uint32_t room = zsmalloc->handle_room;
    zsmalloc->handle_room = grown(room);
    zsmalloc->home = array_grown(zsmalloc->home, room, sizeof(*zsmalloc->home), "handles");
    zsmalloc->owners =
        array_grown(zsmalloc->owners, room, sizeof(*zsmalloc->owners), "object owners");
    zsmalloc->slot_of =
        array_grown(zsmalloc->slot_of, room, sizeof(*zsmalloc->slot_of), "object positions");
}

/* The zspage that an object is in. */
static inline uint32_t object_home(const struct zsmalloc *zsmalloc, uint32_t handle)
{
    return zsmalloc->evicts ? zsmalloc->home[handle] : handle;
}

static uint32_t handle_take(struct zsmalloc *zsmalloc)
{
    uint32_t handle = zsmalloc->unused_handle;
    if (handle) {
        zsmalloc->unused_handle = zsmalloc->home[handle];
        return handle;
    }
    if (zsmalloc->handle_count >= zsmalloc->handle_room)
        handle_room_grow(zsmalloc);
    return zsmalloc->handle_count++;
}

static void slot_take(struct zsmalloc *zsmalloc, uint32_t index, uint32_t handle)
{
    struct zspage_positions *positions = &zsmalloc->positions[index];
    uint32_t *slot = &zsmalloc->slots[positions->first_slot + positions->free_slot];
    zsmalloc->slot_of[handle] = positions->free_slot;
    positions->free_slot = (uint16_t)(*slot & ~SLOT_FREE);
    *slot = handle;
}

static void slot_release(struct zsmalloc *zsmalloc, uint32_t index, uint32_t handle)
{
    struct zspage_positions *positions = &zsmalloc->positions[index];
    uint16_t slot = zsmalloc->slot_of[handle];
    zsmalloc->slots[positions->first_slot + slot] = SLOT_FREE | positions->free_slot;
    positions->free_slot = slot;
}

/* A handle of its own for an object that has been put into a zspage. */
static __attribute__((noinline)) uint32_t object_name(struct zsmalloc *zsmalloc, uint32_t index,
                                                      uint32_t owner)
{
    uint32_t handle = handle_take(zsmalloc);
    zsmalloc->home[handle] = index;
    slot_take(zsmalloc, index, handle);
    zsmalloc->owners[handle] = owner;
    zspage_move_to_lru_head(zsmalloc, index);
    return handle;
}

/* It is not used any more.  Returns the zspage that the object was in. */
static __attribute__((noinline)) uint32_t object_unname(struct zsmalloc *zsmalloc, uint32_t handle)
{
    uint32_t index = zsmalloc->home[handle];
    slot_release(zsmalloc, index, handle);
    zsmalloc->home[handle] = zsmalloc->unused_handle;
    zsmalloc->unused_handle = handle;
    return index;
}

/* This and zsmalloc_free() are flattened, but for what is rare: 35 instructions less a fault. */
__attribute__((flatten)) static enum allocator_result
zsmalloc_alloc(void *state, uint32_t size, uint32_t owner, uint32_t *handle)
{
    struct zsmalloc *zsmalloc = state;
    if (size == 0 || size > PAGE_BYTES)
        return zsmalloc->oversize;
    struct size_class *class = &zsmalloc->classes[zsmalloc->class_of[nominal_class(size)]];
    uint32_t index = fullest_partial(class);
    if (!index)
        index = zspage_create(zsmalloc, class);
    zsmalloc->zspages[index].inuse++;
    zspage_regroup(zsmalloc, class, index);
    *handle = zsmalloc->evicts ? object_name(zsmalloc, index, owner) : index;
    return ALLOCATOR_OK;
}

__attribute__((flatten)) static void zsmalloc_free(void *state, uint32_t handle)
{
    struct zsmalloc *zsmalloc = state;
    uint32_t index = zsmalloc->evicts ? object_unname(zsmalloc, handle) : handle;
    struct zspage *zspage = &zsmalloc->zspages[index];
    struct size_class *class = &zsmalloc->classes[zspage->class];
    zspage->inuse--;
    /* zsmalloc_shrink() is working on it and decides what becomes of it */
    if (zsmalloc->evicts && zsmalloc->positions[index].under_reclaim)
        return;
    zspage_regroup(zsmalloc, class, index);
    if (!zspage->inuse)
        zspage_destroy(zsmalloc, class, index);
}

static void zsmalloc_prefetch(const void *state, uint32_t handle)
{
    const struct zsmalloc *zsmalloc = state;
    if (zsmalloc->evicts)
        __builtin_prefetch(&zsmalloc->home[handle], 1);
    else
        __builtin_prefetch(&zsmalloc->zspages[handle], 1);
}

static void zsmalloc_prefetch_alloc(const void *state, uint32_t size)
{
    const struct zsmalloc *zsmalloc = state;
    uint32_t index = fullest_partial(&zsmalloc->classes[zsmalloc->class_of[nominal_class(size)]]);
    __builtin_prefetch(&zsmalloc->zspages[index], 1);
}

static uint64_t zsmalloc_total_pages(const void *state)
{
    return ((const struct zsmalloc *)state)->pages;
}

static uint32_t zsmalloc_lock_of(const void *state, uint32_t handle)
{
    const struct zsmalloc *zsmalloc = state;
    if (zsmalloc->lock_rule == LOCK_POOL)
        return 0;
    return zsmalloc->zspages[object_home(zsmalloc, handle)].class;
}

static uint32_t zsmalloc_locks(const void *state)
{
    return ((const struct zsmalloc *)state)->lock_rule == LOCK_POOL ? 1 : NOMINAL_CLASSES;
}

/* migrate_lock up to 6.1 and in 6.11 to 6.14, pool->lock from 6.15: read, so that the
 * object stays where its handle says, until its class or zspage is locked.  7.3
 * knows the class from the handle alone. */
static unsigned zsmalloc_locking(const void *state, enum allocator_step step)
{
    enum lock_rule rule = ((const struct zsmalloc *)state)->lock_rule;
    if (rule == LOCK_POOL || step == ALLOCATOR_ALLOCATES)
        return ALLOCATOR_TAKES_LOCK;
    if (step == ALLOCATOR_MAPS)
        return ALLOCATOR_TAKES_READ_SIDE;
    return rule == LOCK_PER_CLASS_DIRECT_FREE ? ALLOCATOR_TAKES_LOCK
                                              : ALLOCATOR_TAKES_LOCK | ALLOCATOR_TAKES_READ_SIDE;
}

/* zs_huge_class_size(): the first size beyond the largest class with several objects. */
static uint32_t zsmalloc_huge_from(const void *state)
{
    const struct zsmalloc *zsmalloc = state;
    for (uint32_t index = NOMINAL_CLASSES; index-- > 0;)
        if (zsmalloc->classes[index].exists && zsmalloc->classes[index].objects > 1)
            return zsmalloc->classes[index].size - HANDLE_BYTES + 1u;
    return PAGE_BYTES;
}

/* ---- writeback (6.2-6.4) -------------------------------------------------- */

/* Ask for every object in ascending position, up to the first that stays.  The
 * callback may allocate and free other objects here, so that nothing but the
 * index stays valid over it. */
static void zspage_evict_objects(struct zsmalloc *zsmalloc, const struct size_class *class,
                                 uint32_t index, allocator_evict_object evict, void *context)
{
    for (uint32_t slot = 0; slot < class->objects; slot++) {
        uint32_t handle = zsmalloc->slots[zsmalloc->positions[index].first_slot + slot];
        if (handle & SLOT_FREE)
            continue;
        if (!evict(context, zsmalloc->owners[handle], handle))
            return;
    }
}

static bool zspage_reclaim(struct zsmalloc *zsmalloc, uint32_t index, allocator_evict_object evict,
                           void *context)
{
    struct size_class *class = &zsmalloc->classes[zsmalloc->zspages[index].class];
    size_t stride = sizeof(*zsmalloc->positions);
    index_list_remove(&zsmalloc->lru, zsmalloc->positions, stride, index);
    zspage_isolate(zsmalloc, class, index);
    zsmalloc->positions[index].under_reclaim = true;

    zspage_evict_objects(zsmalloc, class, index, evict, context);

    zsmalloc->positions[index].under_reclaim = false;
    index_list_add_head(&zsmalloc->lru, zsmalloc->positions, stride, index);
    if (!zsmalloc->zspages[index].inuse) {
        zspage_destroy(zsmalloc, class, index);
        return true;
    }
    free_slots_rebuild(zsmalloc, class, index, false);
    zspage_place(zsmalloc, class, index);
    return false;
}

static enum allocator_shrink_result zsmalloc_shrink(void *state, allocator_evict_object evict,
                                                    void *context)
{
    struct zsmalloc *zsmalloc = state;
    if (!zsmalloc->evicts || !zsmalloc->lru.tail)
        return ALLOCATOR_CANNOT_SHRINK;
    for (int victim = 0; victim < SHRINK_VICTIMS && zsmalloc->lru.tail; victim++)
        if (zspage_reclaim(zsmalloc, zsmalloc->lru.tail, evict, context))
            return ALLOCATOR_SHRUNK;
    return ALLOCATOR_NOTHING_FREED;
}

/* ---- the books ------------------------------------------------------------ */

/* What check() counts on its own, to compare with what the instance keeps. */
struct audit {
    bool *unused_zspage; /* [zspage] */
    uint32_t *objects;   /* [zspage] */
    uint64_t listed[NOMINAL_CLASSES];
    uint64_t pages, live_zspages;
};

static void audit_unused_chain(const struct zsmalloc *zsmalloc, struct audit *audit, uint32_t index)
{
    for (; index && !audit->unused_zspage[index]; index = zsmalloc->zspages[index].place)
        audit->unused_zspage[index] = true;
}

/* Marks the handles that name no object; they cannot be told apart by themselves. */
static bool *unused_handles(const struct zsmalloc *zsmalloc)
{
    bool *unused = memory_zeroed(zsmalloc->handle_count, sizeof(*unused), "a list of handles");
    for (uint32_t handle = zsmalloc->unused_handle; handle && !unused[handle];
         handle = zsmalloc->home[handle])
        unused[handle] = true;
    return unused;
}

static const char *audit_handles(const struct zsmalloc *zsmalloc, struct audit *audit)
{
    const char *wrong = NULL;
    bool *unused = unused_handles(zsmalloc);
    for (uint32_t handle = 1; handle < zsmalloc->handle_count && !wrong; handle++) {
        if (unused[handle])
            continue;
        uint32_t index = zsmalloc->home[handle];
        if (index == 0 || index >= zsmalloc->zspage_count || audit->unused_zspage[index])
            wrong = "zsmalloc: an object lies in a zspage that does not exist";
        else if (zsmalloc->slots[zsmalloc->positions[index].first_slot +
                                 zsmalloc->slot_of[handle]] != handle)
            wrong = "zsmalloc: an object's position belongs to another object";
        else
            audit->objects[index]++;
    }
    free(unused);
    return wrong;
}

static const char *audit_zspages(const struct zsmalloc *zsmalloc, struct audit *audit)
{
    for (uint32_t index = 1; index < zsmalloc->zspage_count; index++) {
        if (audit->unused_zspage[index])
            continue;
        const struct zspage *zspage = &zsmalloc->zspages[index];
        const struct size_class *class = &zsmalloc->classes[zspage->class];
        bool reclaimed = zsmalloc->evicts && zsmalloc->positions[index].under_reclaim;
        if (!class->exists)
            return "zsmalloc: a zspage is of a class that does not exist";
        if ((zsmalloc->evicts && zspage->inuse != audit->objects[index]) ||
            zspage->inuse > class->objects)
            return "zsmalloc: a zspage does not hold as many objects as it says";
        if (!zspage->inuse && !reclaimed)
            return "zsmalloc: an empty zspage was kept";
        if (!reclaimed && zspage->group != class->group_of[zspage->inuse])
            return "zsmalloc: a zspage is in the wrong fullness group";
        audit->listed[zspage->class] += group_is_listed(zspage->group);
        audit->pages += class->pages;
        audit->live_zspages += !reclaimed;
    }
    return NULL;
}

static const char *audit_lists(const struct zsmalloc *zsmalloc, const struct size_class *class,
                               uint64_t expected)
{
    uint64_t found = 0;
    for (uint32_t group = 0; group < GROUPS; group++) {
        const struct index_stack *list = &class->lists[group];
        size_t length = index_stack_verified_length(list, zsmalloc->zspages, sizeof(struct zspage));
        if (length == SIZE_MAX)
            return "zsmalloc: a fullness list is torn";
        if ((class->listed >> group & 1u) != (length != 0))
            return "zsmalloc: the mark of a fullness list is wrong";
        for (uint32_t i = 0; i < list->length; i++) {
            const struct zspage *zspage = &zsmalloc->zspages[list->items[i]];
            if (list->items[i] &&
                (zspage->group != group || &zsmalloc->classes[zspage->class] != class))
                return "zsmalloc: a zspage is on the wrong fullness list";
        }
        found += length;
    }
    return found == expected ? NULL : "zsmalloc: a partial zspage is on no fullness list";
}

static const char *audit_classes(const struct zsmalloc *zsmalloc, const struct audit *audit)
{
    for (uint32_t index = 0; index < NOMINAL_CLASSES; index++) {
        const struct size_class *class = &zsmalloc->classes[index];
        const char *wrong = audit_lists(zsmalloc, class, audit->listed[index]);
        if (wrong)
            return wrong;
    }
    if (zsmalloc->pages != audit->pages)
        return "zsmalloc: the pool's pages are not the sum of its zspages";
    return NULL;
}

static const char *audit_positions(const struct zsmalloc *zsmalloc, const struct audit *audit)
{
    size_t length = index_list_verified_length(
        &zsmalloc->lru, zsmalloc->positions, sizeof(*zsmalloc->positions), zsmalloc->zspage_count);
    if (length != audit->live_zspages)
        return "zsmalloc: the LRU does not hold every zspage once";
    for (uint32_t index = zsmalloc->lru.head; index; index = zsmalloc->positions[index].lru.next) {
        const struct zspage_positions *positions = &zsmalloc->positions[index];
        uint32_t objects = zsmalloc->classes[zsmalloc->zspages[index].class].objects;
        uint32_t available = objects - zsmalloc->zspages[index].inuse, slot = positions->free_slot;
        for (; slot != SLOT_NONE && available; available--) {
            uint32_t content = slot < objects ? zsmalloc->slots[positions->first_slot + slot] : 0;
            if (!(content & SLOT_FREE))
                return "zsmalloc: an occupied position is on the chain of free ones";
            slot = content & ~SLOT_FREE;
        }
        if (slot != SLOT_NONE || available)
            return "zsmalloc: the chain of free positions is too short or too long";
    }
    return NULL;
}

static const char *zsmalloc_check(const void *state)
{
    const struct zsmalloc *zsmalloc = state;
    struct audit *audit = memory_zeroed(1, sizeof(*audit), "a zsmalloc audit");
    audit->unused_zspage = memory_zeroed(zsmalloc->zspage_count, sizeof(bool), "zspage marks");
    audit->objects = memory_zeroed(zsmalloc->zspage_count, sizeof(uint32_t), "zspage counts");
    audit_unused_chain(zsmalloc, audit, zsmalloc->unused_zspage);
    for (uint32_t index = 0; index < NOMINAL_CLASSES; index++)
        audit_unused_chain(zsmalloc, audit, zsmalloc->classes[index].unused);

    const char *wrong = audit_handles(zsmalloc, audit);
    if (!wrong)
        wrong = audit_zspages(zsmalloc, audit);
    if (!wrong)
        wrong = audit_classes(zsmalloc, audit);
    if (!wrong && zsmalloc->evicts)
        wrong = audit_positions(zsmalloc, audit);
    free(audit->unused_zspage);
    free(audit->objects);
    free(audit);
    return wrong;
}

/* ---- the instance --------------------------------------------------------- */

static void *zsmalloc_create(const struct allocator_setup *setup)
{
    const struct zsmalloc_params *params = setup->params;
    struct zsmalloc *zsmalloc = memory_zeroed(1, sizeof(*zsmalloc), "a zsmalloc pool");
    zsmalloc->evicts = setup->evicts && params->evicts;
    zsmalloc->oversize = params->oversize ? ALLOCATOR_INVALID : ALLOCATOR_TOO_LARGE;
    zsmalloc->fullness = (enum fullness_rule)params->fullness;
    zsmalloc->lock_rule = (enum lock_rule)params->locks;
    zsmalloc->zspage_count = zsmalloc->handle_count = 1;
    build_classes(zsmalloc, params);
    build_group_tables(zsmalloc);
    return zsmalloc;
}

static void zsmalloc_destroy(void *state)
{
    struct zsmalloc *zsmalloc = state;
    if (!zsmalloc)
        return;
    size_t zspages = zsmalloc->zspage_room, handles = zsmalloc->handle_room;
    memory_unmap(zsmalloc->zspages, zspages * sizeof(*zsmalloc->zspages));
    memory_unmap(zsmalloc->positions, zspages * sizeof(*zsmalloc->positions));
    memory_unmap(zsmalloc->home, handles * sizeof(*zsmalloc->home));
    memory_unmap(zsmalloc->owners, handles * sizeof(*zsmalloc->owners));
    memory_unmap(zsmalloc->slot_of, handles * sizeof(*zsmalloc->slot_of));
    memory_unmap(zsmalloc->slots, zsmalloc->slot_room * sizeof(*zsmalloc->slots));
    for (uint32_t index = 0; index < NOMINAL_CLASSES; index++)
        for (uint32_t group = 0; group < GROUPS; group++)
            free(zsmalloc->classes[index].lists[group].items);
    free(zsmalloc->group_tables);
    free(zsmalloc);
}

static const char *const class_selections[] = {"most_used", "least_waste", NULL};
static const char *const fullness_rules[] = {"four_groups", "ten_percent_groups", NULL};
static const char *const oversize_results[] = {"no_space", "invalid", NULL};
static const char *const lock_rules[] = {"per_class", "pool", "per_class_direct_free", NULL};

static const struct param zsmalloc_rows[] = {
    {.name = "chain_size",
     .type = PARAM_COUNT,
     .offset = offsetof(struct zsmalloc_params, chain_size),
     .initial = "8",
     .least = 1,
     .most = CHAIN_AT_MOST,
     .help = "most pages in a zspage",
     .source = "CONFIG_ZSMALLOC_CHAIN_SIZE, default 8 from 6.3; always 4 before"},
    {.name = "class_selection",
     .type = PARAM_ENUM,
     .offset = offsetof(struct zsmalloc_params, class_selection),
     .initial = "least_waste",
     .choices = class_selections,
     .help = "how a class chooses the pages of its zspages: the highest whole percentage in use, "
             "or the fewest bytes left over",
     .source = "get_pages_per_zspage() up to 6.2; calculate_zspage_chain_size() from 6.3"},
    {.name = "fullness",
     .type = PARAM_ENUM,
     .offset = offsetof(struct zsmalloc_params, fullness),
     .initial = "ten_percent_groups",
     .choices = fullness_rules,
     .help = "how finely zspages are sorted by fullness, and so which is filled next",
     .source = "enum fullness_group: four groups up to 6.3, twelve from 6.4"},
    {.name = "locks",
     .type = PARAM_ENUM,
     .offset = offsetof(struct zsmalloc_params, locks),
     .initial = "per_class",
     .choices = lock_rules,
     .help =
         "per_class: a lock a size class, and to find an object the read side of a lock of the "
         "whole pool; pool: one lock for everything; per_class_direct_free: as per_class, but a "
         "free takes the lock of its class alone",
     .source = "per_class up to 6.1 and 6.11 to 7.2, pool 6.2 to 6.10, per_class_direct_free 7.3"},
    {.name = "oversize",
     .type = PARAM_ENUM,
     .offset = offsetof(struct zsmalloc_params, oversize),
     .initial = "no_space",
     .choices = oversize_results,
     .help = "what a request above 4096 bytes gets: zswap counts no_space as reject_compress_poor, "
             "invalid as reject_alloc_fail",
     .source = "zs_malloc(): -EINVAL up to 6.8, -ENOSPC seen in 6.12"},
    {.name = "evicts",
     .type = PARAM_BOOL,
     .offset = offsetof(struct zsmalloc_params, evicts),
     .initial = "true",
     .help = "zspages can be written back where the allocator keeps the LRU",
     .source = "zs_reclaim_page(): 6.2 to 6.4"},
};

static bool zsmalloc_evicts(const void *state)
{
    return ((const struct zsmalloc *)state)->evicts;
}

static const struct allocator_hooks zsmalloc_hooks = {
    .create = zsmalloc_create,
    .destroy = zsmalloc_destroy,
    .alloc = zsmalloc_alloc,
    .free = zsmalloc_free,
    .total_pages = zsmalloc_total_pages,
    .shrink = zsmalloc_shrink,
    .evicts = zsmalloc_evicts,
    .registers_shrinker = true,
    .lock_of = zsmalloc_lock_of,
    .locks = zsmalloc_locks,
    .locking = zsmalloc_locking,
    .huge_from = zsmalloc_huge_from,
    .prefetch = zsmalloc_prefetch,
    .prefetch_alloc = zsmalloc_prefetch_alloc,
    .check = zsmalloc_check,
};

const struct policy zsmalloc_policy = {
    .name = "zsmalloc",
    .summary = "size classes over chains of pages: dense, any length up to a page",
    .source = "mm/zsmalloc.c, Linux 6.1 to 7.3",
    .params = PARAM_TABLE(zsmalloc_rows, struct zsmalloc_params),
    .hooks = &zsmalloc_hooks,
    .interface_version = POLICY_INTERFACE_VERSION,
};
