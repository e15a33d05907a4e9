/* SPDX-License-Identifier: Apache-2.0 */
#include "run/external.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "run/stage.h"
#include "sandbox/device_nodes.h"
#include "spec/spec.h"

#define EXTERNAL_NULL       "/dev/null" /* the name of what covers masked files */
#define EXTERNAL_MAX_TEXT   65536
#define EXTERNAL_MAX_MOUNTS (16u << 20) /* bytes of /proc/PID/mountinfo */

/* --- mounts -------------------------------------------------------------------------------------- */

/* Where a path of the spec leads inside the tree that root_fd is the root of. */
static const char *external_place(struct arena *a, int root_fd, const char *path)
{
	autoclose int fd = path_open(root_fd, path, O_PATH, 0);
	char link[PATH_FD_MAX], root[PATH_MAX] = "", place[PATH_MAX];
	ssize_t n = fd < 0 ? -1 : readlink(path_of_fd(link, fd), place, sizeof(place) - 1);
	ssize_t m = readlink(path_of_fd(link, root_fd), root, sizeof(root) - 1);

	if (n > 0 && m > 0) {
		place[n] = root[m] = '\0';
		if (m == 1)
			return arena_strdup(a, place);
		if (n > m && memcmp(place, root, (size_t)m) == 0 && place[m] == '/')
			return arena_strdup(a, place + m);
	}
	return path_clean(place, sizeof(place), path) < 0 ? NULL : arena_strdup(a, place);
}

static void external_add(struct criu_pairs *list, const char *key, const char *value)
{
	list->v[list->n++] = (struct criu_pair){ key, value };
}

static bool external_is_bind(const struct spec_mount *m)
{
	return m->bind && !m->remount;
}

/* Without a cgroup namespace what is mounted is the container's part of the host's tree. */
static bool external_is_cgroup(const struct spec *s, const struct spec_mount *m)
{
	return !m->bind && (str_eq(m->type, "cgroup") || str_eq(m->type, "cgroup2")) &&
	       !s->linux_.namespaces[SPEC_NS_CGROUP].present;
}

static int external_reserve(const struct spec *s, struct arena *a, struct criu_request *rq)
{
	rq->mounts.v =
		arena_array(a,
			    s->n_mounts + s->linux_.n_devices + s->linux_.masked_paths.n + 16,
			    sizeof(*rq->mounts.v));
	return rq->mounts.v ? 0 : -ENOMEM;
}

static void external_mask(struct arena *a, int root_fd, const char *path,
			  struct criu_request *rq)
{
	autoclose int fd = path_open(root_fd, path, O_PATH, 0);
	struct stat st;

	/* A directory is covered by a file system of the container's own. */
	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		external_add(&rq->mounts, external_place(a, root_fd, path), EXTERNAL_NULL);
}

/* In a user namespace these nodes are those of the host. */
static const char *const external_devices[] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
};

static const char *external_device(const struct spec *s, size_t i, const char *stage,
				   int nodes_fd, struct arena *a)
{
	char name[DEVICE_NODE_NAME];

	if (nodes_fd < 0 || faccessat(nodes_fd, device_node_name(name, i), F_OK, 0) < 0)
		return s->linux_.devices[i].path;
	return arena_printf(a, "%s/" STAGE_NODES "/%s", stage, name);
}

static void external_add_devices(const struct spec *s, const char *stage, int nodes_fd,
				 struct arena *a, struct criu_request *rq)
{
	size_t i;

	if (s->linux_.namespaces[SPEC_NS_USER].present)
		for (i = 0; i < ARRAY_SIZE(external_devices); i++)
			external_add(&rq->mounts, external_devices[i], external_devices[i]);
	for (i = 0; i < s->linux_.n_devices; i++)
		external_add(&rq->mounts, s->linux_.devices[i].path,
			     external_device(s, i, stage, nodes_fd, a));
}

static int external_dump_mounts(const struct spec *s, pid_t pid, struct arena *a,
				struct criu_request *rq, struct error *e)
{
	autoclose int root_fd = -1;
	char root[64];
	size_t i;

	snprintf(root, sizeof(root), "/proc/%d/root", pid);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return error_set(e, errno, "open the container's root %s", root);
	for (i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];
		const char *place;

		if (!external_is_bind(m) && !external_is_cgroup(s, m))
			continue;
		place = external_place(a, root_fd, m->destination);
		external_add(&rq->mounts, place, place);
	}
	for (i = 0; i < s->linux_.masked_paths.n; i++)
		external_mask(a, root_fd, s->linux_.masked_paths.v[i], rq);
	external_add_devices(s, NULL, -1, a, rq);
	return 0;
}

static int external_restore_mounts(const struct spec *s, const char *rootfs, const char *stage,
				   int nodes_fd, const char *cgroup, struct arena *a,
				   struct criu_request *rq, struct error *e)
{
	autoclose int root_fd = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	if (root_fd < 0)
		return error_set(e, errno, "root.path: open %s", rootfs);
	for (i = 0; i < s->n_mounts; i++) {
		const struct spec_mount *m = &s->mounts[i];
		const char *place = external_place(a, root_fd, m->destination);

		if (external_is_bind(m))
			external_add(&rq->mounts, place,
				     arena_printf(a, "%s/" EXTERNAL_STAGED "%zu", stage, i));
		else if (external_is_cgroup(s, m))
			external_add(&rq->mounts, place,
				     arena_printf(a, CGROUP_MOUNT "%s", cgroup));
	}
	external_add(&rq->mounts, EXTERNAL_NULL, EXTERNAL_NULL);
	external_add_devices(s, stage, nodes_fd, a, rq);
	return 0;
}

/* --- namespaces ---------------------------------------------------------------------------------- */

/* Of these two CRIU takes what it finds for what it left. */
static const struct {
	enum spec_ns ns;
	const char *name; /* in the image */
} external_namespaces[] = {
	{ SPEC_NS_NETWORK, "extRootNetNS" },
	{ SPEC_NS_PID, "extRootPidNS" },
};

static int external_dump_namespaces(const struct spec *s, pid_t pid, struct arena *a,
				    struct criu_request *rq, struct error *e)
{
	size_t i;

	rq->external = arena_array(a, 8, sizeof(*rq->external));
	if (!rq->external)
		return error_set(e, ENOMEM, "namespaces");
	for (i = 0; i < ARRAY_SIZE(external_namespaces); i++) {
		enum spec_ns ns = external_namespaces[i].ns;
		const char *name = spec_ns_proc_name(ns);
		char path[64];
		struct stat st;

		if (!s->linux_.namespaces[ns].path)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
		if (stat(path, &st) < 0)
			return error_set(e, errno, "look at the container's namespace %s",
					 path);
		rq->external[rq->n_external++] =
			arena_printf(a, "%s[%" PRIu64 "]:%s", name, (uint64_t)st.st_ino,
				     external_namespaces[i].name);
	}
	return 0;
}

static const char *external_namespace_name(enum spec_ns ns)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(external_namespaces); i++)
		if (external_namespaces[i].ns == ns)
			return external_namespaces[i].name;
	return NULL;
}

static int external_restore_namespaces(const struct spec *s, struct arena *a,
				       struct criu_request *rq, int *fds, size_t *n_fds,
				       struct error *e)
{
	size_t i;

	rq->namespaces.v = arena_array(a, SPEC_NS_COUNT, sizeof(*rq->namespaces.v));
	if (!rq->namespaces.v)
		return error_set(e, ENOMEM, "namespaces");
	for (i = 0; i < SPEC_NS_COUNT; i++) {
		const char *path = s->linux_.namespaces[i].path;
		const char *name = external_namespace_name((enum spec_ns)i);
		int fd;

		if (!path)
			continue;
		if (i == SPEC_NS_CGROUP || i == SPEC_NS_MOUNT || i == SPEC_NS_USER)
			return error_say(e, ENOTSUP,
					 "linux.namespaces: CRIU cannot restore into a %s "
					 "namespace that is there already (%s)",
					 spec_ns_name((enum spec_ns)i), path);
		if (!name) {
			external_add(&rq->namespaces, spec_ns_proc_name((enum spec_ns)i), path);
			continue;
		}
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return error_set(e, errno, "open the %s namespace %s",
					 spec_ns_name((enum spec_ns)i), path);
		fds[(*n_fds)++] = fd;
		rq->inherited[rq->n_inherited++] = (struct criu_fd){ name, fd };
	}
	return 0;
}

/* --- standard files ------------------------------------------------------------------------------ */

/* The mount that an open file is on, as the kernel counts them; -1: it does not say. */
static int external_mount_of(pid_t pid, int fd)
{
	char path[64], text[512];
	const char *at;
	int id = -1;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	if (file_read_line(AT_FDCWD, path, text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, "mnt_id:");
	return at && sscanf(at, "mnt_id: %d", &id) == 1 ? id : -1;
}

static bool external_mount_is_ours(const char *mountinfo, int id)
{
	const char *line;
	int known;

	for (line = mountinfo; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%d ", &known) == 1 && known == id)
			return true;
	}
	return false;
}

/* "pipe:[123]" as /proc shows it; a file that lies outside has the name that CRIU gives to such. */
static const char *external_stdio_name(pid_t pid, int fd, const char *mountinfo,
				       struct arena *a)
{
	char path[64], link[PATH_MAX];
	struct stat st;
	ssize_t n;
	int id;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, link, sizeof(link));
	if (n <= 0 || stat(path, &st) < 0)
		return "";
	id = link[0] == '/' ? external_mount_of(pid, fd) : -1;
	if (id < 0 || external_mount_is_ours(mountinfo, id))
		return arena_strndup(a, link, (size_t)n);
	return arena_printf(a, "file[%x:%" PRIx64 "]", (unsigned int)id, (uint64_t)st.st_ino);
}

int external_save_stdio(int image_fd, pid_t pid, struct arena *a, struct criu_request *rq,
			struct error *e)
{
	autojson *w = json_writer_new(false);
	autobuf text = { .max = EXTERNAL_MAX_TEXT }, mounts = { 0 };
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	r = file_read(AT_FDCWD, path, EXTERNAL_MAX_MOUNTS, &mounts, e);
	if (r < 0)
		return r;
	if (!w)
		return error_set(e, ENOMEM, EXTERNAL_STDIO);
	json_write_array(w);
	for (fd = 0; fd <= 2; fd++) {
		const char *name = external_stdio_name(pid, fd, mounts.data, a);

		json_write_string(w, name);
		if (name && str_starts(name, "file["))
			rq->external[rq->n_external++] = name;
	}
	json_write_end(w);
	r = json_writer_end(w, &text);
	return r < 0 ? error_set(e, -r, EXTERNAL_STDIO)
		     : file_replace(image_fd, EXTERNAL_STDIO, text.data, text.len, 0600, e);
}

int external_load_stdio(int image_fd, struct arena *a, struct criu_request *rq, struct error *e)
{
	autobuf text = { 0 };
	const struct json *j;
	struct json *doc = NULL;
	int fd = 0, r;

	r = file_read(image_fd, EXTERNAL_STDIO, EXTERNAL_MAX_TEXT, &text, e);
	if (r == 0)
		r = json_parse(a, EXTERNAL_STDIO, text.data, text.len, &doc, e);
	if (r < 0)
		return r;
	if (!doc || doc->type != JSON_ARRAY)
		return error_say(e, EINVAL, EXTERNAL_STDIO ": must be an array");
	for (j = doc->child; j && fd <= 2; j = j->next, fd++) {
		bool file = j->type == JSON_STRING && str_starts(j->text, "file[");

		if (file || (j->type == JSON_STRING && str_starts(j->text, "pipe:")))
			rq->inherited[rq->n_inherited++] = (struct criu_fd){ j->text, fd };
		rq->any_mode |= file;
	}
	return 0;
}

/* --- both ---------------------------------------------------------------------------------------- */

int external_of_dump(const struct spec *s, pid_t pid, struct arena *a, struct criu_request *rq,
		     struct error *e)
{
	int r;

	if (external_reserve(s, a, rq) < 0)
		return error_set(e, ENOMEM, "mounts");
	r = external_dump_mounts(s, pid, a, rq, e);
	if (r == 0)
		r = external_dump_namespaces(s, pid, a, rq, e);
	return r == 0 && a->failed ? error_set(e, ENOMEM, "mounts") : r;
}

int external_of_restore(const struct spec *s, const char *rootfs, const char *stage,
			int nodes_fd, const char *cgroup, struct arena *a,
			struct criu_request *rq, int *fds, size_t *n_fds, struct error *e)
{
	int r;

	rq->inherited = arena_array(a, 3 + SPEC_NS_COUNT, sizeof(*rq->inherited));
	if (!rq->inherited || external_reserve(s, a, rq) < 0)
		return error_set(e, ENOMEM, "mounts");
	r = external_restore_mounts(s, rootfs, stage, nodes_fd, cgroup, a, rq, e);
	if (r == 0)
		r = external_restore_namespaces(s, a, rq, fds, n_fds, e);
	return r == 0 && a->failed ? error_set(e, ENOMEM, "mounts") : r;
}
