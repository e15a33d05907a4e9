/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct sandbox;

/*
 * Landlock layers that a node policy adds (spec->linux_.landlock), for this process and all that come of
 * it; needs no_new_privs or CAP_SYS_ADMIN, and the container's root in place. What the kernel's ABI does
 * not know is left out with a warning, or an error where the layer is `required`.
 */
int landlock_apply(const struct sandbox *sb, struct error *e);
