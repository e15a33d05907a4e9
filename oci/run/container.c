/* SPDX-License-Identifier: Apache-2.0 */
#include "run/container.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/freeze.h"
#include "run/config.h"
#include "spec/check.h"
#include "spec/parse.h"

const char *oci_status_name(enum oci_status status)
{
	static const char *const names[] = {
		[OCI_CREATING] = "creating", [OCI_CREATED] = "created",
		[OCI_RUNNING] = "running",   [OCI_PAUSED] = "paused",
		[OCI_STOPPED] = "stopped",
	};

	return names[status];
}

static int container_make_root(const char *path, struct error *e)
{
	char part[PATH_MAX];
	char *p;

	if (str_copy(part, sizeof(part), path) < 0)
		return error_set(e, ENAMETOOLONG, "--root %s", path);
	for (p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0711) < 0 && errno != EEXIST)
			return error_set(e, errno, "make %s", part);
		*p = '/';
	}
	if (mkdir(part, 0700) < 0 && errno != EEXIST)
		return error_set(e, errno, "make the state folder %s", path);
	return 0;
}

int container_open_root(const struct oci_runtime *rt, bool make, struct error *e)
{
	int fd, r;

	fd = open(rt->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && make) {
		r = container_make_root(rt->root, e);
		if (r < 0)
			return r;
		fd = open(rt->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? error_set(e, errno, "open the state folder %s", rt->root) : fd;
}

static int container_lock(int dir_fd, const char *id, int timeout_ms, struct error *e)
{
	/* A process that was killed holds it until it has ended. */
	int r = lock_take(dir_fd, timeout_ms);

	if (r != 0)
		return r < 0 ? error_set(e, -r, "lock container \"%s\"", id) : 0;
	error_say(e, EBUSY, "container \"%s\" is being created, started or deleted right now",
		  id);
	error_hint(e, "wait for the other command, or end it");
	return -EBUSY;
}

/* Who held the lock may have removed it, and somebody may have made another of that name. */
static bool container_is_there(int root_fd, const char *id, int dir_fd)
{
	struct stat ours, there;

	return fstat(dir_fd, &ours) == 0 &&
	       fstatat(root_fd, id, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

void container_unlock(const struct container *c)
{
	flock(c->dir_fd, LOCK_UN);
}

int container_lock_again(const struct container *c)
{
	autoclose int root_fd = -1;

	if (flock(c->dir_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	root_fd = container_open_root(c->rt, false, NULL);
	return root_fd >= 0 && container_is_there(root_fd, c->state.id, c->dir_fd) ? 0
										   : -ENOENT;
}

int container_open(const struct oci_runtime *rt, const char *id, int lock_ms,
		   struct container *ret, struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	autoclose int root_fd = -1;
	int r;

	r = spec_check_id(id, e);
	if (r < 0)
		return r;
	c.rt = rt;
	root_fd = container_open_root(rt, false, NULL);
	c.dir_fd = root_fd < 0 ? -1
			       : openat(root_fd, id,
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c.dir_fd < 0 && (root_fd == -ENOENT || errno == ENOENT || errno == ENOTDIR))
		return error_say(e, ENOENT, "container \"%s\" does not exist", id);
	if (c.dir_fd < 0)
		return error_set(e, root_fd < 0 ? -root_fd : errno,
				 "open container \"%s\" in %s", id, rt->root);
	if (lock_ms >= 0) {
		r = container_lock(c.dir_fd, id, lock_ms, e);
		if (r < 0)
			return r;
		if (!container_is_there(root_fd, id, c.dir_fd))
			return error_say(e, ENOENT, "container \"%s\" does not exist", id);
	}
	r = state_read(c.dir_fd, &c.state, e);
	if (r == -ENOENT) {
		/* Killed between making the folder and the first write: there is nothing else. */
		c.state = (struct state){ .id = "",
					  .cgroup = "",
					  .bundle = "",
					  .rootfs = "",
					  .created = "",
					  .oci_version = "" };
		arena_init(&c.state.arena, STATE_MAX);
		c.state.id = arena_strdup(&c.state.arena, id);
		r = c.state.id ? 0 : error_set(e, ENOMEM, "container \"%s\"", id);
	}
	if (r < 0)
		return error_prefix(e, "container \"%s\"", id);
	*ret = c;
	c = CONTAINER_INIT;
	return 0;
}

void container_done(struct container *c)
{
	mem_closep(&c->dir_fd);
	state_done(&c->state);
	*c = CONTAINER_INIT;
}

int container_open_init(const struct container *c)
{
	autoclose int fd = -1;

	if (c->state.pid <= 0)
		return -ESRCH;
	fd = proc_open_checked(c->state.pid, c->state.start_time);
	if (fd < 0)
		return fd;
	/* A zombie waits for its parent, not for us. */
	return proc_wait_exit(fd, 0) == 0 ? take_fd(&fd) : -ESRCH;
}

int container_open_cgroup(const struct container *c, struct cgroup *ret, struct error *e)
{
	if (str_empty(c->state.cgroup))
		return error_say(e, ENOTSUP, "container \"%s\" has no cgroup", c->state.id);
	return cgroup_open(c->state.cgroup, ret, e);
}

static bool container_is_paused(const struct container *c)
{
	autocgroup cg = CGROUP_NONE;

	return container_open_cgroup(c, &cg, NULL) == 0 && cgroup_is_frozen(&cg, NULL) == 1;
}

int container_status(const struct container *c, enum oci_status *ret, struct error *e)
{
	autoclose int init_fd = container_open_init(c);

	if (init_fd < 0 && init_fd != -ESRCH)
		return error_set(e, -init_fd, "look at the process of container \"%s\"",
				 c->state.id);
	if (!c->state.ready)
		*ret = c->state.pid && init_fd < 0 ? OCI_STOPPED : OCI_CREATING;
	else if (init_fd < 0)
		*ret = OCI_STOPPED;
	else if (faccessat(c->dir_fd, STATE_SOCKET, F_OK, 0) == 0)
		*ret = OCI_CREATED;
	else
		*ret = container_is_paused(c) ? OCI_PAUSED : OCI_RUNNING;
	return 0;
}

int container_read_spec(const struct container *c, struct spec *ret, struct error *e)
{
	autobuf text = { 0 };
	int r;

	r = file_read(c->dir_fd, STATE_CONFIG, SPEC_MAX_BYTES, &text, e);
	if (r == 0)
		r = config_read_again(c->rt, STATE_CONFIG, text.data, text.len, ret, e);
	return r < 0 ? error_prefix(e, "container \"%s\"", c->state.id) : 0;
}

void container_write_state(struct json_writer *w, const struct state *s, enum oci_status status,
			   pid_t pid)
{
	size_t i;

	json_write_object(w);
	json_put_string(w, "ociVersion", s->oci_version);
	json_put_string(w, "id", s->id);
	json_put_string(w, "status", oci_status_name(status));
	if (status != OCI_STOPPED)
		json_put_i64(w, "pid", pid);
	json_put_string(w, "bundle", s->bundle);
	if (s->annotations.n) {
		json_write_key(w, "annotations");
		json_write_object(w);
		for (i = 0; i < s->annotations.n; i++)
			json_put_string(w, s->annotations.v[i].key, s->annotations.v[i].value);
		json_write_end(w);
	}
	json_write_end(w);
}

int container_state_json(const struct state *s, enum oci_status status, pid_t pid,
			 struct buf *ret)
{
	autojson *w = json_writer_new(false);

	if (!w)
		return -ENOMEM;
	container_write_state(w, s, status, pid);
	return json_writer_end(w, ret);
}

/* "/system.slice/strake-c1.scope/container": the part that ends in ".scope", the last of them. */
static const char *container_scope(struct arena *a, const struct state *s)
{
	static const char suffix[] = ".scope/";
	const char *at, *end = NULL, *start;

	if (s->manager != MANAGER_SYSTEMD)
		return NULL;
	for (at = s->cgroup; (at = strstr(at, suffix)); at++)
		end = at + strlen(".scope");
	if (!end)
		return NULL;
	for (start = end; start > s->cgroup && start[-1] != '/'; start--)
		;
	return arena_printf(a, "%.*s", (int)(end - start), start);
}

int oci_state(const struct oci_runtime *rt, const char *id, struct arena *a,
	      struct oci_state *ret, struct error *e)
{
	autocontainer c = CONTAINER_INIT;
	struct spec_pair *pairs;
	const struct state *s = &c.state;
	size_t i;
	int r;

	r = container_open(rt, id, CONTAINER_UNLOCKED, &c, e);
	if (r < 0)
		return r;
	*ret = (struct oci_state){ 0 };
	r = container_status(&c, &ret->status, e);
	if (r < 0)
		return r;
	ret->id = arena_strdup(a, s->id);
	ret->pid = ret->status == OCI_STOPPED ? 0 : s->pid;
	ret->bundle = arena_strdup(a, s->bundle);
	ret->rootfs = arena_strdup(a, s->rootfs);
	ret->created = arena_strdup(a, s->created);
	ret->owner = s->owner;
	ret->oci_version = arena_strdup(a, s->oci_version);
	ret->cgroup = arena_strdup(a, s->cgroup);
	ret->scope = container_scope(a, s);
	pairs = arena_array(a, s->annotations.n, sizeof(*pairs));
	for (i = 0; pairs && i < s->annotations.n; i++) {
		pairs[i].key = arena_strdup(a, s->annotations.v[i].key);
		pairs[i].value = arena_strdup(a, s->annotations.v[i].value);
	}
	ret->annotations = pairs;
	ret->n_annotations = s->annotations.n;
	return a->failed ? error_set(e, ENOMEM, "container \"%s\"", id) : 0;
}
