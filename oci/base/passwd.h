/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The fields of a line of /etc/passwd that are asked for, by their places (passwd(5)). */
enum passwd_field {
	PASSWD_NAME = 0,
	PASSWD_HOME = 5,
};

/*
 * A field of the first line with this uid in /etc/passwd as the caller sees that file: on the host, or in a
 * container's root. Without getpwuid(3), which a static program cannot have. The file may be an image's: never more
 * of it than a MiB is read, no longer line than 1 KiB is understood, and a FIFO or device is none. False, and dst "":
 * there is none, or it is empty or too long for dst.
 */
bool passwd_find(uint32_t uid, enum passwd_field field, char *dst, size_t size);
