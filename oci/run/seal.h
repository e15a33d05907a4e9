/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

struct error;

/*
 * Until execve, /proc/PID/exe of a container's process leads to the executable it was forked from, and
 * a "#!/proc/self/exe" in an image even runs that inside: a way to overwrite it on the host
 * (CVE-2019-5736). So a child of ours takes on a sealed copy in its first instructions: every mapping
 * of the executable is replaced by the same bytes of the copy, then its exe link
 * (PR_SET_MM_MAP, prctl(2)). Nothing is executed a second time, and the caller stays as it is.
 *
 * The copy is the very file seen through a read-only mount that no path leads to, so that its page
 * cache is shared; where we may not mount, a sealed memfd.
 */
struct seal {
	int fd;       /* the copy, for reading; -1 */
	int mount_fd; /* its mount, or -1 */

	/* Our data as they are now: pages that parent and child share, so the container does not pay. */
	void *data;
	size_t data_len;
};

#define SEAL_NONE ((struct seal){ .fd = -1, .mount_fd = -1 })

/* In the parent, right before it makes the child: what its data become in between is lost to that. */
int seal_open(struct seal *s, struct error *e);

/*
 * In both, before the payload runs: then the mount is out of everybody's reach. Who closes its last descriptor waits
 * for RCU; the child, which closes what it has left of the host, is the one with time for that.
 */
void seal_done(struct seal *s);

/* In the child, which has one thread. */
int seal_take_on(struct seal *s, struct error *e);
