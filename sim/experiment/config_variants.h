/* What an experiment varies: "variants", "sweep", "seeds", --set and --seeds. */
#ifndef ZSIM_EXPERIMENT_CONFIG_VARIANTS_H
#define ZSIM_EXPERIMENT_CONFIG_VARIANTS_H

#include "sim/experiment/config_fields.h"

/* Put "PATH=VALUE" strings into the document.  VALUE is JSON, or a bare word
 * for a string. */
void variants_override(struct decoder *decoder, struct config_node *tree,
                       const char *const *overrides, uint32_t count);

/* Add axes of "PATH=VALUE,VALUE" to "sweep", replacing those that the document
 * has under the same path.  Commas inside brackets, braces and quotes belong to a
 * value. */
void variants_add_axes(struct decoder *decoder, struct config_node *tree, const char *const *axes,
                       uint32_t count);

/* Every variant combined with every point of the sweep: name, set, tree. */
void variants_expand(struct decoder *decoder, const struct config_node *tree,
                     const char *const *overrides, uint32_t override_count,
                     struct experiment *experiment);

/* experiment->seeds from `option` ("1..10", "1,2,5") or else from the document. */
void variants_seeds(struct decoder *decoder, const struct config_node *tree, const char *option,
                    struct experiment *experiment);

#endif
