/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/manager.h"
#include "oci.h"
#include "run/container.h"
#include "run/delete.h"
#include "run/teardown.h"
#include "run/timing.h"
#include "spec/check.h"
#include "spec/spec.h"

/* Whoever made it may have been killed a moment ago, and a process of his be ending still. */
#define DELETE_FORCED_LOCK_MS 2000

static int delete_check_status(const struct container *c, bool force, struct error *e)
{
	enum oci_status status;
	int r;

	r = container_status(c, &status, e);
	if (r < 0)
		return r;
	/* Created: as with other runtimes, its process, which has not been the payload's yet, is ended. */
	if (status == OCI_STOPPED || status == OCI_CREATED || force)
		return 0;
	error_say(e, EINVAL, "cannot delete container \"%s\": it is %s, not stopped",
		  c->state.id, oci_status_name(status));
	error_hint(e, "`strake kill` it first, or use delete --force");
	return -EINVAL;
}

int delete_container(struct container *c, const struct spec *spec, struct manager *m,
		     struct error *e)
{
	autoclose int init_fd = container_open_init(c);
	struct teardown t = {
		.rt = c->rt,
		.state = &c->state,
		.spec = spec,
		.manager = m,
		.dir_fd = c->dir_fd,
		.pid_fd = init_fd < 0 ? -1 : init_fd,
		.spare_cgroup = !c->state.ready && c->state.pid == 0,
		.poststop = c->state.ready && c->state.poststop && spec,
	};
	int r;

	m->unfinished = t.spare_cgroup;
	r = teardown_run(&t, e);
	timing_mark(c->rt->timing, "deleted");
	return r;
}

int oci_delete(const struct oci_runtime *rt, const char *id, bool force, struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	struct manager m = MANAGER_INIT;
	struct spec spec = { 0 };
	bool has_spec;
	int r;

	r = container_open(rt, id, force ? DELETE_FORCED_LOCK_MS : CONTAINER_LOCK_MS, &c, e);
	if (r == 0)
		r = delete_check_status(&c, force, e);
	if (r < 0)
		return r;
	/* Killed while it was made: no hook of it was due, and its config may be missing. */
	has_spec =
		c.state.ready && c.state.poststop && container_read_spec(&c, &spec, NULL) == 0;
	r = manager_open(&m, c.state.manager, c.state.cgroup, rt->rootless, e);
	if (r == 0 || r == -ENOENT)
		r = delete_container(&c, has_spec ? &spec : NULL, &m, e);
	manager_done(&m);
	spec_done(&spec);
	return r;
}

int oci_list(const struct oci_runtime *rt, int (*each)(void *arg, const char *id), void *arg,
	     struct error *e)
{
	int fd = container_open_root(rt, false, e), r = 0;
	struct dirent *d;
	DIR *dir;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		r = error_set(e, errno, "list %s", rt->root);
		close(fd);
		return r;
	}
	while (r == 0 && (d = readdir(dir)))
		if (spec_check_id(d->d_name, NULL) == 0)
			r = each(arg, d->d_name);
	closedir(dir);
	return r;
}
