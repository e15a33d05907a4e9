/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

struct error;
struct spec_mount;

/*
 * A new instance of a file system as a detached mount (fsopen(2), fsmount(2), Linux 5.2): type,
 * source and data of a spec mount, with the flags `attr` (MOUNT_ATTR_*) and the SELinux label of its files,
 * if any (linux.mountLabel). Returns its fd or -errno; the
 * kernel's own explanation, where it gives one, is in the error's text.
 */
int filesystem_mount(const struct spec_mount *m, uint64_t attr, const char *label,
		     struct error *e);
