/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/manager.h"

#define UNIT_FIND_MS 10000

/*
 * Root of a user namespace, as rootless engines make it, may be an ordinary user to the systemd
 * whose sockets he sees; then they belong to somebody else.
 */
static bool unit_is_users(bool rootless)
{
	static const char *const sockets[] = { "/run/systemd/private",
					       "/run/dbus/system_bus_socket" };
	struct stat st;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sockets) && !rootless; i++)
		if (stat(sockets[i], &st) == 0)
			return st.st_uid != 0;
	return rootless;
}

static struct unit *unit_alloc(bool rootless, int cancel_fd)
{
	struct unit *u = calloc(1, sizeof(*u));
	bool user = unit_is_users(rootless);

	if (!u)
		return NULL;
	arena_init(&u->arena, 1u << 20);
	u->user = user;
	u->options = (struct bus_options){ .user = user, .cancel_fd = cancel_fd };
	u->anchor = ANCHOR_NONE;
	u->state_fd = -1;
	return u;
}

void unit_free(struct unit *u)
{
	if (!u)
		return;
	anchor_end(&u->anchor);
	bus_close(u->bus);
	arena_done(&u->arena);
	free(u);
}

int unit_sub_path(const struct unit *u, char *dst, struct error *e)
{
	if (str_format(dst, CGROUP_PATH_MAX, "%s/" UNIT_SUB, u->path) < 0)
		return error_say(e, ENAMETOOLONG, "the cgroup of unit %s: path too long",
				 u->name.name);
	return 0;
}

/* --- asking ------------------------------------------------------------------------------- */

int unit_connect(struct unit *u, struct error *e)
{
	return u->bus ? 0 : bus_open(&u->options, &u->bus, e);
}

bool unit_is_not_on_bus(const struct unit *u, const struct bus_event *why)
{
	return !u->options.direct && !u->options.address && why->kind == BUS_ERROR &&
	       (str_eq(why->name, "org.freedesktop.DBus.Error.NameHasNoOwner") ||
		str_eq(why->name, "org.freedesktop.DBus.Error.ServiceUnknown"));
}

int unit_connect_direct(struct unit *u, struct error *e)
{
	log_debug("systemd is not on %s: it is asked directly", bus_name(u->bus));
	bus_close(u->bus);
	u->bus = NULL;
	u->options.direct = true;
	return unit_connect(u, e);
}

static int unit_await(struct unit *u, const char *what, uint32_t serial, uint64_t deadline,
		      struct bus_event *ret, struct error *e)
{
	uint64_t begin = proc_now_ms();

	for (;;) {
		int r = bus_next(u->bus, deadline, ret, e);

		if (r < 0)
			return r;
		if (r == 0)
			return error_say(e, ETIMEDOUT,
					 "%s: no answer to %s for unit %s in %llu ms",
					 bus_name(u->bus), what, u->name.name,
					 (unsigned long long)(proc_now_ms() - begin));
		if (ret->serial == serial && ret->kind != BUS_JOB)
			return ret->kind == BUS_ERROR;
	}
}

int unit_ask(struct unit *u, const char *method, const struct bus_arg *args, size_t n,
	     uint64_t deadline, struct bus_event *ret, struct error *e)
{
	uint32_t serial = 0;
	int r;

	for (;;) {
		r = unit_connect(u, e);
		if (r == 0)
			r = bus_call(u->bus, method, args, n, &serial, e);
		if (r == 0)
			r = unit_await(u, method, serial, deadline, ret, e);
		if (r <= 0 || !unit_is_not_on_bus(u, ret))
			return r;
		r = unit_connect_direct(u, e);
		if (r < 0)
			return r;
	}
}

static const struct {
	const char *name;
	int errnum;
	const char *hint;
} refusals[] = {
	{ "org.freedesktop.systemd1.UnitExists", EEXIST,
	  "it belongs to another container, or its processes are still ending: `systemctl status` "
	  "of it tells; choose another id or linux.cgroupsPath" },
	{ "org.freedesktop.systemd1.NoSuchUnit", ENOENT, NULL },
	{ "org.freedesktop.DBus.Error.AccessDenied", EACCES,
	  "only root may ask the system's manager; a user asks his own (--rootless=true)" },
	{ "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", EACCES,
	  "only root may ask the system's manager; a user asks his own (--rootless=true)" },
	{ "org.freedesktop.DBus.Error.NoReply", ETIMEDOUT, NULL },
	{ "org.freedesktop.DBus.Error.LimitsExceeded", EAGAIN, NULL },
};

int unit_refused(const struct unit *u, const char *method, const struct bus_event *why,
		 struct error *e)
{
	char shown[512];
	size_t i = 0;

	while (i < ARRAY_SIZE(refusals) && !str_eq(refusals[i].name, why->name))
		i++;
	error_say(e, i < ARRAY_SIZE(refusals) ? refusals[i].errnum : EIO,
		  "systemd refuses %s of unit %s, by %s: %s (%.100s)", method, u->name.name,
		  bus_name(u->bus), str_show(shown, sizeof(shown), why->text), why->name);
	if (i == ARRAY_SIZE(refusals))
		return -EIO;
	if (refusals[i].hint)
		error_hint(e, "%s", refusals[i].hint);
	return -refusals[i].errnum;
}

/* --- where it is -------------------------------------------------------------------------- */

static int unit_check_parent(const struct unit *u, struct error *e)
{
	if (!u->parent || cgroup_path_below(u->path, u->parent))
		return 0;
	error_say(e, EPERM, "the cgroup %s is outside of %s, where policy keeps containers",
		  u->path, u->parent);
	error_hint(e, "choose a slice below it in linux.cgroupsPath, slice:prefix:name");
	return -EPERM;
}

/* A user's units are below the cgroup of his manager; the system's are below the root. */
static int unit_manager_path(struct unit *u, char *dst, struct error *e)
{
	const struct bus_arg property[] = { { BUS_TEXT, .text = BUS_MANAGER },
					    { BUS_TEXT, .text = "ControlGroup" } };
	uint64_t deadline = proc_now_ms() + UNIT_FIND_MS;
	struct bus_event answer = { 0 };
	int r;

	dst[0] = '\0';
	if (!u->user)
		return 0;
	r = unit_ask(u, BUS_GET, property, ARRAY_SIZE(property), deadline, &answer, e);
	if (r > 0)
		return unit_refused(u, "ControlGroup", &answer, e);
	if (r < 0)
		return r;
	if (answer.text[0] && !cgroup_path_is_clean(answer.text))
		return error_say(e, EPROTO, "%s: systemd's own cgroup is \"%.200s\"",
				 bus_name(u->bus), answer.text);
	return str_copy(dst, CGROUP_PATH_MAX, str_eq(answer.text, "/") ? "" : answer.text);
}

static int unit_place(struct unit *u, struct error *e)
{
	char base[CGROUP_PATH_MAX], slice[CGROUP_PATH_MAX];
	int r;

	r = unit_manager_path(u, base, e);
	if (r == 0)
		r = cgroup_slice_path(u->name.slice, slice, sizeof(slice), e);
	if (r < 0)
		return r;
	if (str_format(u->path, sizeof(u->path), "%s%s/%s", base,
		       str_eq(slice, "/") ? "" : slice, u->name.name) < 0)
		return error_say(e, ENAMETOOLONG, "the cgroup of unit %s: path too long",
				 u->name.name);
	return unit_check_parent(u, e);
}

int unit_new(const struct manager_request *rq, struct unit **ret, struct error *e)
{
	struct unit *u = unit_alloc(rq->rootless, rq->cancel_fd);
	int r;

	if (!u)
		return error_set(e, ENOMEM, "unit");
	u->parent = rq->parent;
	u->state_fd = rq->state_fd;
	r = cgroup_unit_parse(rq->cgroups_path, rq->id, u->user, &u->name, e);
	if (r == 0 && u->name.is_slice) {
		error_say(e, EINVAL,
			  "linux.cgroupsPath \"%.200s\": %s is a slice, in which "
			  "systemd lets no process live",
			  rq->cgroups_path, u->name.name);
		error_hint(e, "a container is a scope: give a name that does not end in "
			      "\".slice\" as the third part, and the slice as the first");
		r = -EINVAL;
	}
	if (r == 0)
		r = unit_place(u, e);
	if (r < 0) {
		unit_free(u);
		return r;
	}
	*ret = u;
	return 0;
}

/* "/system.slice/strake-c1.scope/container" -> the scope. */
static int unit_from_path(struct unit *u, const char *sub_path)
{
	char *slash;

	if (!str_ends(sub_path, "/" UNIT_SUB) ||
	    str_copy(u->path, sizeof(u->path), sub_path) < 0)
		return -EINVAL;
	u->path[strlen(u->path) - strlen("/" UNIT_SUB)] = '\0';
	slash = strrchr(u->path, '/');
	if (!slash || !str_ends(slash, ".scope") || !cgroup_path_is_clean(u->path))
		return -EINVAL;
	return str_copy(u->name.name, sizeof(u->name.name), slash + 1);
}

int unit_find(const char *sub_path, bool rootless, struct unit **ret, struct error *e)
{
	struct unit *u = unit_alloc(rootless, -1);
	char shown[128];

	if (!u)
		return error_set(e, ENOMEM, "unit");
	if (unit_from_path(u, sub_path) < 0) {
		unit_free(u);
		return error_say(e, EINVAL, "\"%s\" is no cgroup of a scope of ours",
				 str_show(shown, sizeof(shown), sub_path));
	}
	u->ours = true;
	*ret = u;
	return 0;
}
