/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;
struct spec;

/*
 * Fields that config.json may hold, that are understood, and that nothing carries out yet. To go on
 * without them would be to promise what is not kept: -ENOTSUP with the field's name.
 */
int honour_check(const struct spec *s, struct error *e);
bool honour_mount_option(const char *name);
