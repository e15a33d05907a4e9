/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct arena;
struct spec_mount;

/*
 * Resolves m->options into the members of struct spec_mount behind them, as mount(8) does: of two
 * contrary options the later one holds. What no table knows is the file system's and goes to
 * m->data. May be called again after the options have changed. 0 or -ENOMEM.
 */
int mount_options_resolve(struct arena *a, struct spec_mount *m);

/* The i-th option that is known here, in alphabetical order, or NULL: for `features`. */
const char *mount_option_name(size_t i);
