/* Every type of page contents there is: one line each. */
#include <string.h>

#include "workloads/content/content_source.h"

const struct content_type *const content_types[] = {
    &content_type_rule, &content_type_emulator, &content_type_profile, &content_type_uniform, NULL,
};

const struct content_type *content_type_find(const char *name)
{
    for (size_t i = 0; content_types[i]; i++)
        if (strcmp(content_types[i]->name, name) == 0)
            return content_types[i];
    return NULL;
}
