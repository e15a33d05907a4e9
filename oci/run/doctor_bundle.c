/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/limits.h"
#include "oci.h"
#include "run/bundle.h"
#include "run/doctor.h"
#include "run/guard.h"
#include "run/rdt.h"
#include "sandbox/command.h"
#include "sandbox/lsm.h"
#include "sandbox/mount_idmap.h"
#include "sandbox/ns.h"
#include "sandbox/sandbox.h"
#include "spec/spec.h"

static void bundle_fails(struct doctor *d, const struct error *e)
{
	doctor_say(d, DOCTOR_FAILS, e->hint, "%s", e->text);
}

/* "nodev\ttmpfs" or "\text4"; a module may still be loaded at need. */
static bool bundle_filesystem_is_known(const char *type)
{
	autobuf text = { 0 };
	const char *at;
	size_t len = strlen(type);

	if (str_eq(type, "cgroup"))
		type = "cgroup2", len = strlen(type);
	if (file_read(AT_FDCWD, "/proc/filesystems", 1u << 16, &text, NULL) < 0 || !text.data)
		return true;
	for (at = text.data; (at = strchr(at, '\t')); at++)
		if (strncmp(at + 1, type, len) == 0 && at[1 + len] == '\n')
			return true;
	return false;
}

/* Made for real, and dropped: nothing else tells what a file system takes. */
static void bundle_idmap(struct doctor *d, const struct sandbox *sb, const struct spec_mount *m,
			 const char *source)
{
	unsigned int flags =
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (m->bind_rec ? AT_RECURSIVE : 0);
	autoclose int fd = open_tree(AT_FDCWD, source, flags);
	struct error e = ERROR_INIT;

	if (fd < 0) {
		doctor_say(d, DOCTOR_FAILS, "", "%s: open %s: %s", m->destination, source,
			   strerror(errno));
		return;
	}
	if (mount_idmap(sb, m, fd, &e) < 0)
		bundle_fails(d, &e);
	else
		doctor_say(d, DOCTOR_FINE, "", "the ids of %s can be mapped", source);
}

static void bundle_mount(struct doctor *d, const struct sandbox *sb, const struct spec_mount *m)
{
	char name[PATH_MAX + 1];
	const char *source;

	if (m->remount)
		return;
	if (!m->bind) {
		if (!bundle_filesystem_is_known(m->type))
			doctor_say(d, DOCTOR_LACKS, "it may be a module that is loaded at need",
				   "%s: the kernel has no file system of type \"%s\" now",
				   m->destination, m->type);
		return;
	}
	source = sandbox_host_path(sb, m->source, name, sizeof(name));
	if (access(source, F_OK) < 0)
		doctor_say(d, DOCTOR_FAILS, "make it, or leave the mount out",
			   "%s: the source %s of the bind mount: %s", m->destination, source,
			   strerror(errno));
	else if (m->idmap)
		bundle_idmap(d, sb, m, source);
}

static void bundle_rootfs_is_there(struct doctor *d, const char *path, const struct spec *s)
{
	autoclose int root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	const char *program = s->process.args.n ? s->process.args.v[0] : "";
	size_t i;

	if (root_fd < 0) {
		doctor_say(d, DOCTOR_FAILS, "unpack the image there", "root file system %s: %s",
			   path, strerror(errno));
		return;
	}
	/* A mount may bring the program along. */
	for (i = 0; i < s->n_mounts; i++)
		if (str_starts(program, s->mounts[i].destination))
			return;
	if (program[0] != '/')
		return;
	fd = path_open(root_fd, program, O_PATH, 0);
	if (fd < 0)
		doctor_say(d, DOCTOR_FAILS, "", "process.args[0]: %s in %s: %s", program, path,
			   strerror(-fd));
}

static void bundle_limits(struct doctor *d, const struct spec *s)
{
	struct limits_plan plan = { 0 };
	struct error e = ERROR_INIT;
	char line[512] = "";
	uint32_t have;
	size_t i;

	if (limits_plan(d->arena, &s->linux_.resources, &plan, &e) < 0) {
		bundle_fails(d, &e);
		return;
	}
	(void)file_read_line(AT_FDCWD, CGROUP_MOUNT "/cgroup.controllers", line, sizeof(line));
	have = cgroup_controllers_parse(line);
	for (i = 0; i < plan.n; i++) {
		const struct limits_step *step = &plan.steps[i];

		if (step->controller == CGROUP_CONTROLLERS || have & 1u << step->controller ||
		    step->flags & LIMITS_SKIP_MISSING ||
		    limits_first_of(&plan, step->controller) != step)
			continue;
		doctor_say(d, DOCTOR_FAILS,
			   "remove the limit, or make the controller available",
			   "%s needs the controller %s, which is not there", step->json,
			   cgroup_controller_name(step->controller));
	}
}

static void bundle_apparmor(struct doctor *d, const char *profile)
{
	autobuf text = { 0 };
	char line[300];

	if (str_empty(profile) || str_eq(profile, "unconfined") ||
	    file_read(AT_FDCWD, "/sys/kernel/security/apparmor/profiles", 1u << 20, &text,
		      NULL) < 0)
		return;
	snprintf(line, sizeof(line), "%s (", profile);
	if (!text.data || !strstr(text.data, line))
		doctor_say(d, DOCTOR_FAILS, "load it by apparmor_parser",
			   "process.apparmorProfile: \"%s\" is not loaded", profile);
}

static void bundle_hooks(struct doctor *d, const struct spec *s)
{
	size_t i, n;

	for (i = 0; i < SPEC_HOOK_STAGES; i++)
		for (n = 0; i != SPEC_HOOK_START_CONTAINER && n < s->hooks[i].n; n++)
			if (access(s->hooks[i].v[n].path, X_OK) < 0)
				doctor_say(d, DOCTOR_FAILS, "install it, or leave the hook out",
					   "hooks.%s[%zu]: %s: %s", spec_hook_stage_name(i), n,
					   s->hooks[i].v[n].path, strerror(errno));
}

static void bundle_devices_of_network(struct doctor *d, const struct spec_linux *l)
{
	size_t i;

	for (i = 0; i < l->n_net_devices; i++)
		if (if_nametoindex(l->net_devices[i].host_name) == 0)
			doctor_say(d, DOCTOR_FAILS, "",
				   "linux.netDevices: there is no device %s",
				   l->net_devices[i].host_name);
}

static void bundle_look(struct doctor *d, const char *path, struct spec *s, int bundle_fd)
{
	struct sandbox sb = SANDBOX_INIT;
	struct error e = ERROR_INIT;
	size_t i;

	sb.spec = s;
	sb.process = &s->process;
	sb.bundle = path;
	sb.bundle_fd = bundle_fd;
	if (ns_open_paths(&sb, &e) < 0 || lsm_check(&sb, &e) < 0)
		bundle_fails(d, &e);
	bundle_rootfs_is_there(d, bundle_rootfs(d->arena, path, s) ?: "", s);
	for (i = 0; i < s->n_mounts; i++)
		bundle_mount(d, &sb, &s->mounts[i]);
	if (!str_eq(d->rt->cgroup_manager, "disabled"))
		bundle_limits(d, s);
	bundle_apparmor(d, s->process.apparmor_profile);
	bundle_hooks(d, s);
	bundle_devices_of_network(d, &s->linux_);
	if (s->linux_.intel_rdt.present) {
		autoclose int fd = rdt_open(&e);

		if (fd < 0)
			bundle_fails(d, &e);
	}
	ns_close_paths(&sb);
}

int doctor_look_at_bundle(struct doctor *d, const char *bundle, const char *config)
{
	autoclose int bundle_fd = -1;
	autobuf text = { 0 };
	struct guard guard = { 0 };
	struct error e = ERROR_INIT;
	struct spec s = { 0 };
	const char *path = "";
	int r;

	r = bundle_read(NULL, d->arena, bundle, config, &path, &bundle_fd, &text, &s, &e);
	if (r < 0) {
		bundle_fails(d, &e);
	} else {
		doctor_say(d, DOCTOR_FINE, "", "%s/%s", path, config ?: "config.json");
		if (guard_create(&guard, d->rt, "doctor", path, &s, d->arena, &e) < 0)
			bundle_fails(d, &e);
		bundle_look(d, path, &s, bundle_fd);
	}
	guard_done(&guard);
	spec_done(&s);
	return r;
}
