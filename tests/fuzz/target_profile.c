/* Content profiles: what is read must give a length for every page. */
#include "tests/fuzz/fuzz.h"

#include "workloads/content/content.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_without_cache();
    return 0;
}

static void look_at(const struct content *content)
{
    for (uint32_t page = 0; page < content->pages; page++) {
        if (content_kind(content, page) > CONTENT_ZERO)
            fuzz_fail("page %u is of no kind", page);
        for (unsigned i = 0; i < compressor_count(); i++)
            if (content_knows(content, i) && content_length(content, page, i) > COMPRESSED_AT_MOST)
                fuzz_fail("page %u is too long", page);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct content_type *type = content_type_find("profile");
    struct arena arena = {0};
    void *params = arena_zeroed(&arena, type->params.struct_bytes);
    struct diagnostics errors = {0};
    char expected[160];
    params_set_defaults(&type->params, params);
    for (size_t i = 0; i < type->params.count; i++)
        if (type->params.rows[i].type == PARAM_STRING)
            params_set(&type->params.rows[i], params, fuzz_file(0, data, size), expected,
                       sizeof(expected));
    struct content *content =
        type->open(params, 8, &(struct source_position){.file = "fuzz"}, &errors);
    if (!content != (errors.count != 0))
        fuzz_fail("%s with %zu messages", content ? "opened" : "refused", errors.count);
    if (content)
        look_at(content);
    content_close(content);
    diagnostics_release(&errors);
    arena_release(&arena);
    return 0;
}
