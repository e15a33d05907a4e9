/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct buf;
struct error;

/*
 * An overlay's options, as mount(2) takes them, about its layers ("lowerdir="). Called in workers, whose
 * working directory is free.
 */

/*
 * Takes the folder that all layers are in from their names, and puts it into `ret`, with a slash at its
 * end: seen from there the names are the same as before, and shorter. -E2BIG: they have none in common.
 */
int overlay_take_folder(struct buf *data, char *ret, size_t size, struct error *e);

/* On `target`, its layers with the owners that the user namespace `userns_fd` gives their files. */
int overlay_mount_mapped(const char *target, unsigned long flags, struct buf *data,
			 int userns_fd, struct error *e);
