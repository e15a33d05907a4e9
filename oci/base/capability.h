/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* Capabilities as bit masks (capabilities(7)): bit n is capability number n. Names by libcap. */

/* "CAP_KILL" or "KILL", any case -> number, or -EINVAL. */
int capability_from_name(const char *name);

/* The number's name, "CAP_KILL", into dst (at least 32 bytes). Returns dst. */
const char *capability_name(unsigned int number, char *dst);

/* All capabilities that the running kernel knows. */
uint64_t capability_all(void);

/* The caller's own three sets, in one system call each: 0 or -errno. */
int capability_get(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable);
int capability_set(uint64_t effective, uint64_t permitted, uint64_t inheritable);

int capability_drop_bounding(uint64_t keep);  /* everything else leaves the bounding set */
int capability_set_ambient(uint64_t ambient); /* clears, then raises each; 0 or -errno */
