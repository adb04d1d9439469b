#define _GNU_SOURCE
#include "workloads/capture/address_space.h"

#include <inttypes.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"

enum { PAGE_SHIFT = 12, NO_PAGE = 0 };

/* What an address leads to. */
enum cell_state {
    CELL_EMPTY,    /* not accessed since it was mapped */
    CELL_PRIVATE,  /* a page of this process, or one that it shares until a write */
    CELL_OBJECT,   /* a page of an object */
    CELL_LEFT_OUT, /* a page of a file, while those are not recorded */
};

struct cell {
    struct page_place place;
    uint8_t state; /* enum cell_state */
    bool copies;   /* a write makes a private copy */
};

struct page_group {
    uint64_t number; /* page of the address >> CAPTURE_GROUP_SHIFT */
    uint32_t base;   /* page number of its first page in own_space, or NATIVE_NONE */
    struct cell cells[CAPTURE_GROUP_PAGES];
};

struct object_group {
    uint64_t number; /* page of the offset >> CAPTURE_GROUP_SHIFT */
    uint32_t base;
};

/* ---- objects ------------------------------------------------------------------ */

void mapped_objects_start(struct mapped_objects *objects, struct recorder *recorder, bool files)
{
    *objects = (struct mapped_objects){.recorder = recorder,
                                       .files = files,
                                       .shared_space = NATIVE_NONE,
                                       .file_space = NATIVE_NONE};
}

void mapped_objects_stop(struct mapped_objects *objects)
{
    for (uint32_t i = 0; i < objects->count; i++) {
        free(objects->list[i]->name);
        free(objects->list[i]->groups);
        free(objects->list[i]);
    }
    free(objects->list);
    *objects = (struct mapped_objects){0};
}

static uint32_t add_object(struct mapped_objects *objects, const char *name, bool memory, bool dies)
{
    if (objects->count == objects->room) {
        objects->room = objects->room ? 2 * objects->room : 64;
        objects->list =
            memory_resized(objects->list, objects->room, sizeof(*objects->list), "mapped objects");
    }
    struct mapped_object *object = memory_zeroed(1, sizeof(*object), "a mapped object");
    *object = (struct mapped_object){.name = memory_string(name), .memory = memory, .dies = dies};
    objects->list[objects->count] = object;
    return objects->count++;
}

/* Pages of these are swapped like anonymous ones; those of a file are not. */
static bool is_memory(const char *path)
{
    struct statfs about;
    return strncmp(path, "/memfd:", 7) == 0 || strncmp(path, "/SYSV", 5) == 0 ||
           strncmp(path, "/dev/zero", 9) == 0 ||
           (statfs(path, &about) == 0 && about.f_type == TMPFS_MAGIC);
}

uint32_t mapped_objects_find(struct mapped_objects *objects, const char *path)
{
    for (uint32_t i = 0; i < objects->count; i++)
        if (strcmp(objects->list[i]->name, path) == 0)
            return i;
    return add_object(objects, path, is_memory(path), false);
}

uint32_t mapped_objects_new(struct mapped_objects *objects, bool dies)
{
    return add_object(objects, "", true, dies);
}

/* The first group whose number is not smaller. */
static size_t object_group_at(const struct mapped_object *object, uint64_t number)
{
    size_t low = 0, high = object->group_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (object->groups[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The number of the object's page; all its mappings lead to it. */
static uint32_t object_page(struct mapped_objects *objects, struct mapped_object *object,
                            uint32_t space, uint64_t offset)
{
    uint64_t number = offset >> CAPTURE_GROUP_SHIFT;
    size_t at = object_group_at(object, number);
    if (at == object->group_count || object->groups[at].number != number) {
        if (object->group_count == object->group_room) {
            object->group_room = object->group_room ? 2 * object->group_room : 4;
            object->groups = memory_resized(object->groups, object->group_room,
                                            sizeof(*object->groups), "pages of an object");
        }
        memmove(object->groups + at + 1, object->groups + at,
                (object->group_count++ - at) * sizeof(*object->groups));
        object->groups[at] = (struct object_group){
            .number = number, .base = recorder_numbers(objects->recorder, space)};
    }
    return object->groups[at].base + (uint32_t)(offset & (CAPTURE_GROUP_PAGES - 1));
}

static void object_unmapped(struct mapped_objects *objects, uint32_t task, uint32_t number)
{
    if (number == NO_OBJECT)
        return;
    struct mapped_object *object = objects->list[number];
    if (--object->mappings > 0 || !object->dies)
        return;
    for (size_t i = 0; i < object->group_count; i++)
        for (uint32_t j = 0; j < CAPTURE_GROUP_PAGES; j++) {
            struct page_place place = {.page = object->groups[i].base + j,
                                       .space = (uint16_t)objects->shared_space};
            if (recorder_page(objects->recorder, place)->references)
                recorder_drop(objects->recorder, task, place);
        }
}

/* ---- regions -------------------------------------------------------------------- */

/* The first region that ends after `page`. */
static size_t region_at(const struct address_space *space, uint64_t page)
{
    size_t low = 0, high = space->region_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (space->regions[middle].end <= page)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct mapped_region *find_region(const struct address_space *space, uint64_t page)
{
    size_t at = region_at(space, page);
    return at < space->region_count && space->regions[at].start <= page ? &space->regions[at]
                                                                        : NULL;
}

static void insert_region(struct address_space *space, struct mapped_region region)
{
    if (region.start >= region.end)
        return;
    if (space->region_count == space->region_room) {
        space->region_room = space->region_room ? 2 * space->region_room : 32;
        space->regions = memory_resized(space->regions, space->region_room, sizeof(*space->regions),
                                        "mapped regions");
    }
    size_t at = region_at(space, region.start);
    memmove(space->regions + at + 1, space->regions + at,
            (space->region_count - at) * sizeof(*space->regions));
    space->regions[at] = region;
    space->region_count++;
    if (region.object != NO_OBJECT)
        space->objects->list[region.object]->mappings++;
}

static void delete_region(struct address_space *space, size_t at)
{
    space->region_count--;
    memmove(space->regions + at, space->regions + at + 1,
            (space->region_count - at) * sizeof(*space->regions));
}

static void remove_regions(struct address_space *space, uint32_t task, uint64_t start, uint64_t end)
{
    for (size_t at = region_at(space, start);
         at < space->region_count && space->regions[at].start < end;) {
        struct mapped_region old = space->regions[at];
        delete_region(space, at);
        struct mapped_region before = old, after = old;
        before.end = old.start < start ? start : old.start;
        after.start = old.end > end ? end : old.end;
        after.offset += after.start - old.start;
        insert_region(space, before);
        insert_region(space, after);
        object_unmapped(space->objects, task, old.object);
        at = region_at(space, start);
    }
}

/* ---- addresses -------------------------------------------------------------------- */

static struct page_group **group_slot(struct page_group **groups, size_t slots, uint64_t number)
{
    size_t at = (size_t)random_splitmix(number) & (slots - 1);
    while (groups[at] && groups[at]->number != number)
        at = (at + 1) & (slots - 1);
    return &groups[at];
}

static struct page_group *find_group(const struct address_space *space, uint64_t number)
{
    return space->group_slots ? *group_slot(space->groups, space->group_slots, number) : NULL;
}

static struct page_group *add_group(struct address_space *space, uint64_t number)
{
    if (2 * space->group_count >= space->group_slots) {
        size_t slots = space->group_slots ? 2 * space->group_slots : 64;
        struct page_group **groups = memory_zeroed(slots, sizeof(struct page_group *), "pages");
        for (size_t i = 0; i < space->group_slots; i++)
            if (space->groups[i])
                *group_slot(groups, slots, space->groups[i]->number) = space->groups[i];
        free(space->groups);
        space->groups = groups;
        space->group_slots = slots;
    }
    struct page_group *group = memory_zeroed(1, sizeof(*group), "a group of pages");
    group->number = number;
    group->base = NATIVE_NONE;
    *group_slot(space->groups, space->group_slots, number) = group;
    space->group_count++;
    return group;
}

static inline struct page_group *group_of(struct address_space *space, uint64_t page)
{
    uint64_t number = page >> CAPTURE_GROUP_SHIFT;
    if (space->last && space->last->number == number)
        return space->last;
    struct page_group *group = find_group(space, number);
    space->last = group ? group : add_group(space, number);
    return space->last;
}

static void empty_cell(struct address_space *space, uint32_t task, struct cell *cell)
{
    if (cell->state == CELL_PRIVATE)
        recorder_drop(space->recorder, task, cell->place);
    *cell = (struct cell){0};
}

static void empty_group(struct address_space *space, uint32_t task, struct page_group *group,
                        uint64_t start, uint64_t end)
{
    uint64_t first = group->number << CAPTURE_GROUP_SHIFT;
    for (uint64_t i = 0; i < CAPTURE_GROUP_PAGES; i++)
        if (first + i >= start && first + i < end)
            empty_cell(space, task, &group->cells[i]);
}

static int by_number(const void *a, const void *b)
{
    const struct page_group *const *left = a, *const *right = b;
    return ((*left)->number > (*right)->number) - ((*left)->number < (*right)->number);
}

/* Every group that there is, by address: the order of the table is that of a hash. */
static struct page_group **sorted_groups(const struct address_space *space)
{
    struct page_group **sorted =
        memory_zeroed(space->group_count, sizeof(struct page_group *), "pages");
    size_t count = 0;
    for (size_t i = 0; i < space->group_slots; i++)
        if (space->groups[i])
            sorted[count++] = space->groups[i];
    if (count)
        qsort(sorted, count, sizeof(struct page_group *), by_number);
    return sorted;
}

static void empty_pages(struct address_space *space, uint32_t task, uint64_t start, uint64_t end)
{
    space->last_page = NO_PAGE;
    if ((end - start) >> CAPTURE_GROUP_SHIFT < space->group_count) {
        for (uint64_t number = start >> CAPTURE_GROUP_SHIFT; number << CAPTURE_GROUP_SHIFT < end;
             number++) {
            struct page_group *group = find_group(space, number);
            if (group)
                empty_group(space, task, group, start, end);
        }
        return;
    }
    struct page_group **sorted = sorted_groups(space);
    for (size_t i = 0; i < space->group_count; i++)
        empty_group(space, task, sorted[i], start, end);
    free(sorted);
}

/* ---- what system calls do ------------------------------------------------------------ */

static uint64_t page_up(uint64_t bytes)
{
    return (bytes >> PAGE_SHIFT) + ((bytes & ((1 << PAGE_SHIFT) - 1)) != 0);
}

void address_space_start(struct address_space *space, struct mapped_objects *objects,
                         const char *name)
{
    *space = (struct address_space){
        .recorder = objects->recorder, .objects = objects, .own_space = NATIVE_NONE};
    snprintf(space->name, sizeof(space->name), "%s", name);
}

void address_space_forget(struct address_space *space)
{
    for (size_t i = 0; i < space->group_slots; i++)
        free(space->groups[i]);
    free(space->groups);
    free(space->regions);
    *space = (struct address_space){0};
}

void address_space_stop(struct address_space *space, uint32_t task)
{
    empty_pages(space, task, 0, UINT64_MAX >> PAGE_SHIFT);
    remove_regions(space, task, 0, UINT64_MAX >> PAGE_SHIFT);
    address_space_forget(space);
}

void address_space_fork(struct address_space *parent, struct address_space *child)
{
    for (size_t i = 0; i < parent->region_count; i++)
        insert_region(child, parent->regions[i]);
    for (size_t i = 0; i < parent->group_slots; i++) {
        const struct page_group *from = parent->groups[i];
        if (!from)
            continue;
        struct page_group *to = add_group(child, from->number);
        memcpy(to->cells, from->cells, sizeof(to->cells));
        for (size_t j = 0; j < CAPTURE_GROUP_PAGES; j++)
            if (to->cells[j].state == CELL_PRIVATE)
                recorder_page(parent->recorder, to->cells[j].place)->references++;
    }
    child->heap_start = parent->heap_start;
    child->heap_end = parent->heap_end;
    child->has_stack = parent->has_stack;
    parent->last_page = NO_PAGE; /* its next write copies */
}

void address_space_unmap(struct address_space *space, uint32_t task, uint64_t address,
                         uint64_t length)
{
    uint64_t start = address >> PAGE_SHIFT, end = start + page_up(length);
    empty_pages(space, task, start, end);
    remove_regions(space, task, start, end);
}

void address_space_map(struct address_space *space, uint32_t task, uint64_t address,
                       uint64_t length, struct mapped_region what)
{
    address_space_unmap(space, task, address, length);
    what.start = address >> PAGE_SHIFT;
    what.end = what.start + page_up(length);
    insert_region(space, what);
}

void address_space_discard(struct address_space *space, uint32_t task, uint64_t address,
                           uint64_t length)
{
    uint64_t start = address >> PAGE_SHIFT;
    empty_pages(space, task, start, start + page_up(length));
}

static void move_cells(struct address_space *space, uint32_t task, uint64_t from, uint64_t to,
                       uint64_t pages)
{
    space->last_page = NO_PAGE;
    for (uint64_t i = 0; i < pages; i++) {
        struct page_group *group = find_group(space, (from + i) >> CAPTURE_GROUP_SHIFT);
        if (!group) {
            i = ((((from + i) >> CAPTURE_GROUP_SHIFT) + 1) << CAPTURE_GROUP_SHIFT) - from - 1;
            continue;
        }
        struct cell *old = &group->cells[(from + i) & (CAPTURE_GROUP_PAGES - 1)];
        if (old->state == CELL_EMPTY)
            continue;
        struct cell *new = &group_of(space, to + i)->cells[(to + i) & (CAPTURE_GROUP_PAGES - 1)];
        empty_cell(space, task, new);
        *new = *old;
        *old = (struct cell){0};
    }
}

void address_space_move(struct address_space *space, uint32_t task, uint64_t from,
                        uint64_t old_length, uint64_t to, uint64_t new_length)
{
    uint64_t start = from >> PAGE_SHIFT, target = to >> PAGE_SHIFT;
    uint64_t old_pages = page_up(old_length), new_pages = page_up(new_length);
    const struct mapped_region *region = find_region(space, start);
    struct mapped_region what = {.object = NO_OBJECT, .kind = NATIVE_REGION_ANONYMOUS};
    if (region) {
        what = *region;
        what.offset += start - region->start;
    }
    if (new_pages < old_pages)
        address_space_unmap(space, task, (start + new_pages) << PAGE_SHIFT,
                            (old_pages - new_pages) << PAGE_SHIFT);
    if (target != start) {
        uint64_t kept = new_pages < old_pages ? new_pages : old_pages;
        address_space_unmap(space, task, to, new_length);
        move_cells(space, task, start, target, kept);
    }
    what.start = target;
    what.end = target + new_pages;
    /* In this order: an object must not lose its last mapping on the way. */
    if (what.object != NO_OBJECT)
        space->objects->list[what.object]->mappings++;
    remove_regions(space, task, start, start + old_pages);
    insert_region(space, what);
    object_unmapped(space->objects, task, what.object);
}

void address_space_brk(struct address_space *space, uint32_t task, uint64_t result)
{
    if (!space->heap_start)
        space->heap_start = space->heap_end = result;
    uint64_t old = page_up(space->heap_end) << PAGE_SHIFT, new = page_up(result) << PAGE_SHIFT;
    if (new > old)
        address_space_map(space, task, old, new - old,
                          (struct mapped_region){.object = NO_OBJECT, .kind = NATIVE_REGION_HEAP});
    else if (new < old)
        address_space_unmap(space, task, new, old - new);
    space->heap_end = result;
}

/* ---- /proc/PID/maps ------------------------------------------------------------------- */

/* Put a region where no region is; the parts that are covered stay as they are. */
static void fill_holes(struct address_space *space, struct mapped_region what)
{
    uint64_t origin = what.start, offset = what.offset;
    for (uint64_t page = what.start; page < what.end;) {
        size_t at = region_at(space, page);
        bool more = at < space->region_count;
        if (more && space->regions[at].start <= page) {
            page = space->regions[at].end;
            continue;
        }
        struct mapped_region part = what;
        part.start = page;
        part.offset = offset + (page - origin);
        if (more && space->regions[at].start < what.end)
            part.end = space->regions[at].start;
        /* A stack grows downwards without a system call. */
        if (more && space->regions[at].start == part.end &&
            space->regions[at].kind == NATIVE_REGION_STACK && what.object == NO_OBJECT)
            part.kind = NATIVE_REGION_STACK;
        page = part.end;
        insert_region(space, part);
    }
}

void address_space_read_maps(struct address_space *space, FILE *maps)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, maps) > 0) {
        uint64_t start, end, offset;
        char rights[5];
        int name = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &start, &end, rights,
                   &offset, &name) < 4 ||
            name == 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        struct mapped_region region = {.start = start >> PAGE_SHIFT,
                                       .end = end >> PAGE_SHIFT,
                                       .offset = offset >> PAGE_SHIFT,
                                       .object = NO_OBJECT,
                                       .kind = NATIVE_REGION_ANONYMOUS,
                                       .shared = rights[3] == 's'};
        if (line[name] == '/') {
            region.object = mapped_objects_find(space->objects, line + name);
            region.kind = rights[2] == 'x' ? NATIVE_REGION_CODE : NATIVE_REGION_FILE;
        }
        fill_holes(space, region);
    }
    free(line);
}

/* ---- accesses ---------------------------------------------------------------------------- */

/* A number for a new page of this process at an address; false when there are no
 * more spaces.  The number that belongs to the address may still be in use: by a
 * page that mremap() moved away, or that a forked child keeps. */
static bool place_private(struct address_space *space, struct page_group *group, uint64_t page,
                          struct page_place *place)
{
    if (space->own_space == NATIVE_NONE) {
        space->own_space = recorder_space(space->recorder, space->name);
        if (space->own_space == NATIVE_NONE)
            return false;
    }
    place->space = (uint16_t)space->own_space;
    place->page = group->base + (uint32_t)(page & (CAPTURE_GROUP_PAGES - 1));
    if (group->base == NATIVE_NONE || recorder_page(space->recorder, *place)->references) {
        group->base = recorder_numbers(space->recorder, space->own_space);
        place->page = group->base + (uint32_t)(page & (CAPTURE_GROUP_PAGES - 1));
    }
    return true;
}

static void make_private(struct address_space *space, struct page_group *group, uint64_t page,
                         struct cell *cell, enum native_region_kind kind)
{
    struct page_place place;
    if (!place_private(space, group, page, &place)) {
        cell->state = CELL_LEFT_OUT;
        return;
    }
    recorder_birth(space->recorder, place, kind);
    *cell = (struct cell){.place = place, .state = CELL_PRIVATE};
}

/* The page of an object, in the space that shared memory or files have. */
static void show_object(struct address_space *space, const struct mapped_region *region,
                        uint64_t page, struct cell *cell)
{
    struct mapped_objects *objects = space->objects;
    struct mapped_object *object = objects->list[region->object];
    cell->copies = !region->shared;
    uint32_t *number = object->memory ? &objects->shared_space : &objects->file_space;
    if (*number == NATIVE_NONE && (object->memory || objects->files))
        *number = recorder_space(space->recorder, object->memory ? "shared memory" : "files");
    if (*number == NATIVE_NONE) {
        cell->state = CELL_LEFT_OUT;
        return;
    }
    cell->state = CELL_OBJECT;
    cell->place.space = (uint16_t)*number;
    cell->place.page =
        object_page(objects, object, *number, region->offset + (page - region->start));
    if (!recorder_page(space->recorder, cell->place)->references)
        recorder_birth(space->recorder, cell->place,
                       object->memory ? NATIVE_REGION_SHARED : region->kind);
}

/* The first access to an address since it was mapped. */
static void fill_cell(struct address_space *space, struct page_group *group, uint64_t page,
                      struct cell *cell, bool write)
{
    struct mapped_region *region = find_region(space, page);
    if (!region && space->refresh) {
        space->refresh(space->refresh_context, space);
        region = find_region(space, page);
    }
    if (region && region->object != NO_OBJECT) {
        show_object(space, region, page, cell);
        return;
    }
    /* The loader's first store is a call: it is on the stack. */
    if (region && write && !space->has_stack) {
        region->kind = NATIVE_REGION_STACK;
        space->has_stack = true;
    }
    make_private(space, group, page, cell, region ? region->kind : NATIVE_REGION_ANONYMOUS);
}

/* The first write to a page that is shown until then. */
static void copy_page(struct address_space *space, uint32_t task, struct page_group *group,
                      uint64_t page, struct cell *cell)
{
    struct cell old = *cell;
    enum native_region_kind kind = NATIVE_REGION_FILE;
    if (old.state != CELL_LEFT_OUT) {
        recorder_touch(space->recorder, task, old.place, false);
        kind = recorder_page(space->recorder, old.place)->kind;
    }
    make_private(space, group, page, cell, kind);
    if (old.state == CELL_PRIVATE)
        recorder_drop(space->recorder, task, old.place);
}

static bool must_copy(const struct address_space *space, const struct cell *cell)
{
    if (cell->state == CELL_PRIVATE)
        return recorder_page(space->recorder, cell->place)->references > 1;
    return cell->copies;
}

void address_space_touch(struct address_space *space, uint32_t task, uint64_t address, bool write)
{
    struct recorder *recorder = space->recorder;
    uint64_t page = address >> PAGE_SHIFT;
    recorder->counts.accesses++;
    if (page == space->last_page && recorder->entries == space->last_entries &&
        (!write || space->last_written))
        return;
    struct page_group *group = group_of(space, page);
    struct cell *cell = &group->cells[page & (CAPTURE_GROUP_PAGES - 1)];
    if (cell->state == CELL_EMPTY)
        fill_cell(space, group, page, cell, write);
    if (write && must_copy(space, cell))
        copy_page(space, task, group, page, cell);
    if (cell->state == CELL_LEFT_OUT) {
        recorder->counts.file_accesses++;
        return;
    }
    recorder_touch(recorder, task, cell->place, write);
    space->last_page = page;
    space->last_entries = recorder->entries;
    space->last_written = recorder_page(recorder, cell->place)->written;
}
