/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "cgroup/cgroup.h"
#include "cgroup/limits.h"
#include "cgroup/path.h"
#include "cgroup/pids.h"

/*
 * The threaded controllers (cpu, pids) could be enabled below a cgroup that holds processes,
 * but would turn it into a threaded domain, in which no ordinary child can live. So where the
 * kernel says EBUSY nothing is enabled at all: the child has no controllers, but works.
 */
struct create_obstacle {
	int errnum; /* 0: none */
	size_t len; /* of the path of the cgroup that does not pass the controller on */
};

struct create {
	struct cgroup cg;
	const struct cgroup_create_options *opt;
	bool made;        /* the cgroup itself is ours */
	size_t made_from; /* length of the shortest path that we made; 0: none */
	uint32_t have;    /* controllers that may be used in it */
	struct create_obstacle obstacle[CGROUP_CONTROLLERS];
};

static int create_dir_open(const struct create *c, const char *path)
{
	return path_open_strict(c->cg.mount_fd, path, O_RDONLY | O_DIRECTORY, 0, 0);
}

/* --- the directories ---------------------------------------------------------------------- */

static int create_failed(const char *path, int errnum, struct error *e)
{
	error_set(e, errnum, "make the cgroup %s%s", CGROUP_MOUNT, path);
	if (errnum == EROFS)
		error_hint(e,
			   "%s is mounted read-only, as it is inside of a container: mount it "
			   "writable, or run without cgroups (--cgroup-manager=disabled)",
			   CGROUP_MOUNT);
	else if (errnum == EACCES || errnum == EPERM)
		error_hint(e,
			   "the parent cgroup is not delegated to this user: run under a user "
			   "manager with Delegate=yes, or use --systemd-cgroup");
	else if (errnum == EAGAIN)
		error_hint(e, "a limit is reached: see cgroup.max.depth and "
			      "cgroup.max.descendants of the cgroups above");
	else if (errnum == ENOTDIR)
		error_hint(e, "a file of its parent has this name: choose another "
			      "linux.cgroupsPath");
	return -errnum;
}

/* Makes `path`, whose parent exists. 0, also where it exists; -ENOENT: no parent. */
static int create_one(struct create *c, const char *path)
{
	char parent[CGROUP_PATH_MAX];
	autoclose int fd = -1;
	const char *name = strrchr(path, '/') + 1;

	memcpy(parent, path, (size_t)(name - path));
	parent[name - path] = '\0';
	fd = path_open_strict(c->cg.mount_fd, parent, O_PATH | O_DIRECTORY, 0, 0);
	if (fd < 0)
		return fd;
	if (mkdirat(fd, name, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	if (c->made_from == 0)
		c->made_from = strlen(path);
	c->made = strcmp(path, c->cg.path) == 0;
	return 0;
}

/* Nearly always the parents are there: tried first, and only then from the top. */
static int create_dirs(struct create *c, struct error *e)
{
	char path[CGROUP_PATH_MAX];
	const char *end = c->cg.path;
	int r;

	r = create_one(c, c->cg.path);
	while (r == -ENOENT && *end) {
		end += 1 + strcspn(end + 1, "/");
		memcpy(path, c->cg.path, (size_t)(end - c->cg.path));
		path[end - c->cg.path] = '\0';
		r = create_one(c, path);
		if (r == 0 && *end)
			r = -ENOENT;
	}
	if (r == 0) {
		c->cg.fd = create_dir_open(c, c->cg.path);
		r = c->cg.fd < 0 ? c->cg.fd : 0;
	}
	return r < 0 ? create_failed(c->cg.path, -r, e) : 0;
}

/* Takes back what we made, the deepest first; what others put below keeps its parents. */
static void create_undo(struct create *c)
{
	size_t len = strlen(c->cg.path);

	while (c->made_from && len >= c->made_from) {
		c->cg.path[len] = '\0';
		unlinkat(c->cg.mount_fd, c->cg.path + 1, AT_REMOVEDIR);
		len = (size_t)(strrchr(c->cg.path, '/') - c->cg.path);
	}
}

/* --- a cgroup that was there before ------------------------------------------------------- */

static int create_occupied(struct create *c, struct error *e)
{
	struct cgroup_pids pids = { 0 };
	char list[512] = "";

	if (cgroup_pids(&c->cg, &pids, NULL) == 0 && pids.n)
		cgroup_pids_show(&pids, list, sizeof(list));
	cgroup_pids_done(&pids);
	error_say(e, EBUSY, "the cgroup %s%s already holds processes: %s", CGROUP_MOUNT,
		  c->cg.path, *list ? list : "ended meanwhile");
	error_hint(
		e,
		"it belongs to another container or service, or is left over: choose another "
		"linux.cgroupsPath, or end these processes");
	return -EBUSY;
}

static int create_check_vacant(struct create *c, struct error *e)
{
	uint64_t populated = 0, frozen = 0;
	char text[256];
	int r;

	r = cgroup_read(&c->cg, "cgroup.events", text, sizeof(text), e);
	if (r < 0)
		return r;
	cgroup_key_u64(text, "populated", &populated);
	cgroup_key_u64(text, "frozen", &frozen);
	if (populated)
		return create_occupied(c, e);
	if (!frozen)
		return 0;
	error_say(e, EBUSY, "the cgroup %s%s exists and is frozen: nothing would start in it",
		  CGROUP_MOUNT, c->cg.path);
	error_hint(
		e,
		"thaw it or the cgroup above it that is frozen (cgroup.freeze), or remove it");
	return -EBUSY;
}

/* --- controllers -------------------------------------------------------------------------- */

static int create_read_bits(int dir_fd, const char *file, uint32_t *ret)
{
	char text[256];
	int r;

	r = file_read_line(dir_fd, file, text, sizeof(text));
	if (r == 0)
		*ret = cgroup_controllers_parse(text);
	return r;
}

static int create_write_bits(int dir_fd, uint32_t bits)
{
	char text[128] = "";
	size_t len = 0, i;

	for (i = 0; i < CGROUP_CONTROLLERS; i++)
		if (bits & CGROUP_BIT(i))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s+%s",
						len ? " " : "", cgroup_controller_name(i));
	return file_write(dir_fd, "cgroup.subtree_control", text);
}

static void create_note(struct create *c, uint32_t bits, int errnum, size_t len)
{
	size_t i;

	for (i = 0; i < CGROUP_CONTROLLERS; i++)
		if ((bits & CGROUP_BIT(i)) && c->obstacle[i].errnum == 0)
			c->obstacle[i] = (struct create_obstacle){ errnum, len };
}

static uint32_t create_wanted(const struct create *c)
{
	return c->opt->controllers ? c->opt->controllers : UINT32_MAX;
}

/* Lets one ancestor pass on to its children all that it has itself. */
static void create_enable(struct create *c, int dir_fd, size_t len)
{
	uint32_t has = 0, passes = 0, missing;
	size_t i;
	int r;

	if (create_read_bits(dir_fd, "cgroup.controllers", &has) < 0 ||
	    create_read_bits(dir_fd, "cgroup.subtree_control", &passes) < 0)
		return;
	missing = has & ~passes & create_wanted(c);
	if (!missing)
		return;
	r = create_write_bits(dir_fd, missing);
	if (r == -EBUSY || r == -EACCES || r == -EPERM || r == -EROFS) {
		create_note(c, missing, -r, len);
		return;
	}
	/* One that the kernel refuses must not take the others with it. */
	for (i = 0; r < 0 && i < CGROUP_CONTROLLERS; i++) {
		int one =
			missing & CGROUP_BIT(i) ? create_write_bits(dir_fd, CGROUP_BIT(i)) : 0;

		if (one < 0)
			create_note(c, CGROUP_BIT(i), -one, len);
	}
}

static int create_enable_at(struct create *c, size_t len, struct error *e)
{
	char path[CGROUP_PATH_MAX];
	autoclose int fd = -1;

	memcpy(path, c->cg.path, len);
	path[len] = '\0';
	fd = create_dir_open(c, path);
	if (fd < 0)
		return error_set(e, -fd, "open the cgroup %s%s", CGROUP_MOUNT, path);
	create_enable(c, fd, len);
	return 0;
}

static bool create_lacks(const struct create *c, uint32_t root)
{
	return (root & ~c->have & create_wanted(c)) != 0;
}

/* Mostly it is the parent alone that does not pass on what it has; else from the root ("") down. */
static int create_enable_all(struct create *c, uint32_t root, struct error *e)
{
	const char *end = c->cg.path;
	int r;

	r = create_enable_at(c, (size_t)(strrchr(c->cg.path, '/') - c->cg.path), e);
	if (r == 0)
		r = cgroup_controllers(&c->cg, &c->have, e);
	if (r < 0 || !create_lacks(c, root))
		return r;
	while (*end && r == 0) {
		r = create_enable_at(c, (size_t)(end - c->cg.path), e);
		end += 1 + strcspn(end + 1, "/");
	}
	return r < 0 ? r : cgroup_controllers(&c->cg, &c->have, e);
}

/* A process can live in an ordinary cgroup only; we make no threads' trees of others ours. */
static int create_check_type(struct create *c, struct error *e)
{
	char type[32];
	int r;

	r = cgroup_read(&c->cg, "cgroup.type", type, sizeof(type), e);
	if (r < 0)
		return r;
	if (strcmp(type, "domain invalid") != 0 && strcmp(type, "threaded") != 0)
		return 0;
	error_say(e, ENOTSUP, "no container can live in the cgroup %s%s: its type is \"%s\"",
		  CGROUP_MOUNT, c->cg.path, type);
	error_hint(e, "a cgroup above holds processes and controllers, or threads: move the "
		      "processes into a child of it, or choose another linux.cgroupsPath");
	return -ENOTSUP;
}

static void create_hint(const struct create *c, enum cgroup_controller k, struct error *e)
{
	const struct create_obstacle *o = &c->obstacle[k];

	switch (o->errnum) {
	case 0:
		error_hint(e,
			   "the kernel does not have it, cgroup v1 holds it, or, inside of a "
			   "container or a user's session, it is not delegated (with systemd: "
			   "Delegate=yes on the unit above)");
		break;
	case EBUSY:
		error_hint(e,
			   "that cgroup holds processes itself, and then can pass nothing on: "
			   "move them into a child of it, or choose another linux.cgroupsPath");
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		error_hint(
			e,
			"that cgroup belongs to somebody else: have the controller delegated "
			"(with systemd: Delegate=yes), or drop the limit");
		break;
	default:
		error_hint(
			e,
			"enable it by hand in the file cgroup.subtree_control there, or drop "
			"the limit");
	}
}

static int create_check_needs(const struct create *c, struct error *e)
{
	uint32_t lacking = c->opt->plan ? c->opt->plan->controllers & ~c->have : 0;
	const struct create_obstacle *o;
	enum cgroup_controller k = 0;
	const char *name;

	if (!lacking)
		return 0;
	while (!(lacking & CGROUP_BIT(k)))
		k++;
	o = &c->obstacle[k];
	name = cgroup_controller_name(k);
	if (o->errnum)
		error_set(e, o->errnum,
			  "%s needs the controller \"%s\", which cannot be enabled in "
			  "%s%.*s/cgroup.subtree_control",
			  limits_first_of(c->opt->plan, k)->json, name, CGROUP_MOUNT,
			  (int)o->len, c->cg.path);
	else
		error_say(e, ENOTSUP,
			  "%s needs the controller \"%s\", which is not listed in "
			  "%s/cgroup.controllers",
			  limits_first_of(c->opt->plan, k)->json, name, CGROUP_MOUNT);
	create_hint(c, k, e);
	if (e)
		e->errnum = ENOTSUP;
	return -ENOTSUP;
}

/*
 * What the root has and the new cgroup has not was not passed on somewhere. In the usual case,
 * all was enabled long ago and two short files say so.
 */
static int create_controllers(struct create *c, struct error *e)
{
	uint32_t root = 0;
	int r;

	r = create_read_bits(c->cg.mount_fd, "cgroup.controllers", &root);
	if (r < 0)
		return error_set(e, -r, "read %s/cgroup.controllers", CGROUP_MOUNT);
	r = cgroup_controllers(&c->cg, &c->have, e);
	if (r < 0)
		return r;
	if (create_lacks(c, root)) {
		r = create_enable_all(c, root, e);
		if (r == 0)
			r = create_check_type(c, e);
		if (r < 0)
			return r;
	}
	return create_check_needs(c, e);
}

int cgroup_create(const char *path, const struct cgroup_create_options *opt, struct cgroup *ret,
		  struct error *e)
{
	struct create c = { .cg = CGROUP_NONE, .opt = opt };
	int r;

	if (!cgroup_path_is_clean(path) || strcmp(path, "/") == 0)
		return error_say(e, EINVAL, "no path for a container's cgroup");
	strcpy(c.cg.path, path);
	c.cg.mount_fd = cgroup_mount_open(e);
	if (c.cg.mount_fd < 0)
		return c.cg.mount_fd;

	r = create_dirs(&c, e);
	if (r == 0 && !c.made && !opt->reuse)
		r = create_check_vacant(&c, e);
	if (r == 0 && opt->from_parent)
		r = cgroup_attach(&c.cg, opt->from_parent, e);
	if (r == 0)
		r = create_controllers(&c, e);
	if (r < 0) {
		create_undo(&c);
		cgroup_done(&c.cg);
		return r;
	}
	*ret = c.cg;
	return 0;
}

/* --- delegation --------------------------------------------------------------------------- */

int cgroup_delegate(const struct cgroup *cg, uid_t uid, gid_t gid, struct error *e)
{
	/* What the kernel lists since 4.14, should sysfs not be there. */
	char text[1024] = "cgroup.procs\ncgroup.threads\ncgroup.subtree_control";
	char *save = NULL, *file;

	file_read_line(AT_FDCWD, "/sys/kernel/cgroup/delegate", text, sizeof(text));
	if (cg->fd < 0)
		return 0;
	if (fchown(cg->fd, uid, gid) < 0)
		return error_set(e, errno, "give %s%s to uid %u", CGROUP_MOUNT, cg->path, uid);
	for (file = strtok_r(text, "\n", &save); file; file = strtok_r(NULL, "\n", &save)) {
		if (fchownat(cg->fd, file, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT)
			return error_set(e, errno, "give %s%s/%s to uid %u", CGROUP_MOUNT,
					 cg->path, file, uid);
	}
	return 0;
}
