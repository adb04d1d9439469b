/* The choices on the axis "allocator". */
#ifndef ZSIM_POLICIES_ALLOCATOR_POLICIES_H
#define ZSIM_POLICIES_ALLOCATOR_POLICIES_H

#include "policies/policy.h"

extern const struct policy zsmalloc_policy, zbud_policy, z3fold_policy;

#endif
