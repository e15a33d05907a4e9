/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "kube/tree.h"

struct pass;

/* What people see of a Database: a new reference, complete, with `now` in epoch seconds. */
json_t *status_make(const struct pass *p, int64_t now);
