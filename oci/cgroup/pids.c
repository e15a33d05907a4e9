/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/pids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/tree.h"

/* The kernel's own ceiling on process numbers, seven digits and a newline each. */
#define PIDS_TEXT_MAX (8u * 4194304u)

static int pids_read(int dir_fd, void *arg, struct error *e)
{
	struct buf *text = arg;
	autoclose int fd = -1;
	int r;

	fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : buf_read_fd(text, fd);

	/*
	 * A threaded cgroup does not list processes: its domain, which is above, does. One that
	 * vanished has none.
	 */
	if (r == -EOPNOTSUPP || r == -ENOENT || r == -ENODEV)
		return 0;
	return r < 0 ? error_set(e, -r, "read cgroup.procs") : 0;
}

static int pids_compare(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* The same process twice: it was moved down while we walked. */
static size_t pids_unique(pid_t *v, size_t n)
{
	size_t out = 0, i;

	for (i = 0; i < n; i++)
		if (out == 0 || v[out - 1] != v[i])
			v[out++] = v[i];
	return out;
}

static int pids_parse(char *text, struct cgroup_pids *ret, struct error *e)
{
	size_t n = 0, i;
	pid_t *v;
	char *p;

	for (p = text; *p; p++)
		n += *p == '\n';
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return error_set(e, ENOMEM, "list processes");
	for (i = 0, p = text; i < n; i++) {
		v[i] = (pid_t)strtol(p, &p, 10);
		p += *p == '\n';
	}
	qsort(v, n, sizeof(*v), pids_compare);
	ret->v = v;
	ret->n = pids_unique(v, n);
	return 0;
}

int cgroup_pids(const struct cgroup *cg, struct cgroup_pids *ret, struct error *e)
{
	struct tree_visit visit = { .enter = pids_read };
	struct cgroup_pids pids = { 0 };
	struct buf text;
	int r;

	buf_init(&text, PIDS_TEXT_MAX);
	visit.arg = &text;
	r = tree_walk(cg, &visit, e);
	if (r == 0)
		r = pids_parse(text.data ? text.data : (char *)"", &pids, e);
	buf_done(&text);
	if (r < 0)
		return r;

	/* A zero stands for a process that our pid namespace does not show. */
	if (pids.n && pids.v[0] == 0) {
		cgroup_pids_done(&pids);
		error_say(e, ESRCH, "%s%s holds processes of another pid namespace",
			  CGROUP_MOUNT, cg->path);
		error_hint(e, "run this in the pid namespace in which the container was made");
		return -ESRCH;
	}
	*ret = pids;
	return 0;
}

void cgroup_pids_done(struct cgroup_pids *p)
{
	free(p->v);
	*p = (struct cgroup_pids){ 0 };
}

const char *cgroup_pids_show(const struct cgroup_pids *p, char *dst, size_t size)
{
	const size_t spare = sizeof(", and 4194304 more");
	size_t len = 0, i;

	dst[0] = '\0';
	for (i = 0; i < p->n; i++) {
		char path[32], comm[32], shown[32], one[96];
		char state = proc_state(p->v[i]);

		snprintf(path, sizeof(path), "/proc/%d/comm", (int)p->v[i]);
		if (file_read_line(AT_FDCWD, path, comm, sizeof(comm)) < 0)
			strcpy(comm, "?");
		snprintf(one, sizeof(one), "%s%d (%s, %c)", i ? ", " : "", (int)p->v[i],
			 str_show(shown, sizeof(shown), comm), state ? state : '?');
		if (len + strlen(one) + spare >= size)
			break;
		strcpy(dst + len, one);
		len += strlen(one);
	}
	if (i < p->n)
		snprintf(dst + len, size - len, "%sand %zu more", i ? ", " : "", p->n - i);
	return dst;
}
