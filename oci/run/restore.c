/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container from an image: everything around its processes is made from config.json, as for a new one,
 * and they are restored into that by CRIU, a child of ours in the container's cgroup. What it restores is
 * our child, too.
 */
#include "run/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "cgroup/kill.h"
#include "criu/request.h"
#include "criu/session.h"
#include "run/container.h"
#include "run/create.h"
#include "run/external.h"
#include "run/image.h"
#include "run/restored.h"
#include "run/stage.h"
#include "sandbox/device_nodes.h"
#include "sandbox/mounts.h"
#include "sandbox/ns.h"
#include "sandbox/rootfs.h"
#include "spec/spec.h"

struct restore {
	struct create *create;
	const struct oci_criu_options *criu;
	struct image image;
	struct criu_session session;
	struct criu_request request;
	const char *stage; /* the container's folder, absolute */
	int handed[4];     /* those of the image, and of namespaces, which are ours */
	size_t n_handed;
};

/* The steps know struct create, which is in here. */
static struct restore *restore_of(struct create *c)
{
	return c->restore;
}

/* --- policies ------------------------------------------------------------------------------------ */

/* What is set anew from config.json; of all else the image holds what was. */
static bool restore_sets(const char *field)
{
	return str_starts(field, "linux.resources") || str_starts(field, "annotations") ||
	       str_eq(field, "process.oomScoreAdj");
}

static int restore_check_policies(struct create *c, struct error *e)
{
	const struct policy_change *change;

	for (change = c->guard.result.first; change; change = change->next) {
		if (change->mode != POLICY_ENFORCE || restore_sets(change->field))
			continue;
		error_say(e, EPERM,
			  "policy \"%s\", rule \"%s\": %s would be changed, and the image may "
			  "hold what it was",
			  change->policy, change->rule, change->field);
		error_hint(e, "restore it from a config.json that asks for no more than the "
			      "policies allow: `strake policy explain` shows it");
		return -EPERM;
	}
	return 0;
}

static int restore_apply_policies(struct create *c, struct error *e)
{
	int r = create_apply_policies(c, e);

	if (r == 0)
		r = restore_check_policies(c, e);
	return r == 0 ? image_check_spec(&c->spec, e) : r;
}

/* --- before CRIU --------------------------------------------------------------------------------- */

static int restore_open_image(struct create *c, struct error *e)
{
	struct restore *x = restore_of(c);
	int r = image_open(&x->image, c->rt, x->criu, true, e);

	if (r == 0)
		r = image_ask(&x->image, &c->arena, &x->request, e);
	x->request.kind = CRIU_RESTORE;
	x->request.config_file =
		image_config_file(spec_annotation(&c->spec, "org.criu.config"));
	return r;
}

static int restore_open_outside(struct create *c, struct error *e)
{
	struct sandbox *sb = create_describe_sandbox(c);
	int r;

	sb->foreign_userns = sb->own_userns;
	r = rootfs_clone(sb, e);
	if (r == 0)
		r = device_nodes_make(sb, e);
	return r < 0 ? r : mounts_open_sources(sb, e);
}

/*
 * CRIU is told paths, and is in another folder. What it covers, for itself alone, is where all containers have
 * their folders: nobody but root may look in there, and the root of a user namespace must.
 */
static int restore_find_stage(struct restore *x, struct error *e)
{
	struct create *c = x->create;
	char link[PATH_FD_MAX], path[PATH_MAX];
	ssize_t n = readlink(path_of_fd(link, c->container.dir_fd), path, sizeof(path));

	if (n < 0 || n == sizeof(path))
		return error_set(e, n < 0 ? errno : ENAMETOOLONG,
				 "find the container's folder");
	while (n > 1 && path[n - 1] != '/')
		n--;
	n -= n > 1;
	x->stage = arena_strndup(&c->arena, path, (size_t)n);
	x->request.root = x->stage ? arena_printf(&c->arena, "%s/" STAGE_ROOT, x->stage) : NULL;
	return x->request.root ? 0 : error_set(e, ENOMEM, "the container's folder");
}

static int restore_name_outside(struct create *c, struct error *e)
{
	struct restore *x = restore_of(c);
	int r;

	x->handed[x->n_handed++] = x->image.image_fd;
	x->handed[x->n_handed++] = x->image.work_fd;
	r = restore_find_stage(x, e);
	if (r == 0)
		r = external_of_restore(&c->spec, c->container.state.rootfs, x->stage,
					c->child.sandbox.nodes_fd, c->container.state.cgroup,
					&c->arena, &x->request, x->handed, &x->n_handed, e);
	return r == 0 ? external_load_stdio(x->image.image_fd, &c->arena, &x->request, e) : r;
}

static int restore_stage(void *arg, struct error *e)
{
	struct restore *x = arg;
	struct sandbox *sb = &x->create->child.sandbox;
	int r = stage_enter(sb, e);

	/* The image may lie in what is covered. */
	if (r == 0)
		r = image_open_again(&x->image, e);
	return r < 0 ? r : stage_make(sb, x->stage, e);
}

/* From here on it is on record who is at work, and in which cgroup: a delete finds all. */
static int restore_begin(struct create *c, struct error *e)
{
	struct restore *x = restore_of(c);
	const struct criu_start how = {
		.cgroup_fd = c->manager.cgroup.fd,
		.bound = true,
		.stdio = c->opt->stdio,
		.handed = x->handed,
		.n_handed = x->n_handed,
		.prepare = restore_stage,
		.arg = x,
	};
	struct state *s = &c->container.state;
	int r;

	r = criu_begin(&x->session, &how, e);
	if (r < 0)
		return r;
	c->pid = s->pid = x->session.pid;
	r = proc_start_time(c->pid, &s->start_time);
	return r < 0 ? error_set(e, -r, "look at criu's process")
		     : state_write(c->container.dir_fd, s, e);
}

/* --- CRIU at work -------------------------------------------------------------------------------- */

/* "3:cpu,cpuacct:/a": a hierarchy, and where in it the program is that we have put there. */
static int restore_add_cgroup(struct restore *x, char *line)
{
	struct criu_pairs *list = &x->request.cgroups;
	struct arena *a = &x->create->arena;
	char *controllers = strchr(line, ':'), *path;

	path = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!path || list->n == 32)
		return 0;
	*path++ = '\0';
	if (str_starts(++controllers, "name="))
		controllers += strlen("name=");
	list->v[list->n++] =
		(struct criu_pair){ arena_strdup(a, controllers), arena_strdup(a, path) };
	return a->failed ? -ENOMEM : 0;
}

static int restore_name_cgroups(struct create *c, struct error *e)
{
	struct restore *x = restore_of(c);
	autobuf text = { 0 };
	char name[64], *line, *rest;
	int r;

	x->request.cgroups.v = arena_array(&c->arena, 32, sizeof(*x->request.cgroups.v));
	if (!x->request.cgroups.v)
		return error_set(e, ENOMEM, "cgroups");
	snprintf(name, sizeof(name), "/proc/%d/cgroup", x->session.pid);
	r = file_read(AT_FDCWD, name, 65536, &text, e);
	rest = text.data;
	while (r == 0 && rest && (line = strsep(&rest, "\n")))
		r = restore_add_cgroup(x, line);
	return r;
}

/* The other side of the container's terminal, which CRIU has made anew. */
static int restore_send_console(struct restore *x, int fd, struct error *e)
{
	static const char name[] = "/dev/pts/0";
	int r;

	if (fd < 0)
		return error_say(e, EPROTO, "criu has sent no terminal");
	if (x->create->child.sandbox.console_fd < 0)
		return 0;
	r = fd_send(x->create->child.sandbox.console_fd, name, strlen(name), &fd, 1);
	return r < 0 ? error_set(e, -r, "send the terminal over the console socket") : 0;
}

/* Nothing runs there yet. What holds more than lo is the engine's affair. */
static int restore_raise_loopback(const struct restore *x, pid_t pid, struct error *e)
{
	const struct spec_namespace *net = &x->create->spec.linux_.namespaces[SPEC_NS_NETWORK];

	return net->present && !net->path && pid > 0 ? ns_raise_loopback_of(pid, e) : 0;
}

/*
 * Under policies what comes back may hold no more than they leave of config.json. CRIU lets it run after
 * this, whatever we say: what does not hold is killed first.
 */
static int restore_check(const struct restore *x, struct error *e)
{
	const struct create *c = x->create;
	int r;

	if (c->guard.set.n == 0)
		return 0;
	r = restored_check(&c->manager.cgroup, x->session.pid, &c->spec, e);
	if (r < 0)
		cgroup_kill(&c->manager.cgroup, SIGKILL, NULL);
	return r;
}

static int restore_notified(void *arg, const char *where, pid_t pid, int passed_fd,
			    struct error *e)
{
	struct restore *x = arg;

	if (str_eq(where, "setup-namespaces"))
		return create_run_hooks(x->create, pid, e); /* they make networks */
	if (str_eq(where, "orphan-pts-master"))
		return restore_send_console(x, passed_fd, e);
	if (str_eq(where, "post-restore"))
		return restore_raise_loopback(x, pid, e);
	if (str_eq(where, "pre-resume"))
		return restore_check(x, e);
	return 0;
}

static int restore_serve(struct create *c, struct error *e)
{
	struct restore *x = restore_of(c);
	const struct criu_events events = {
		.notify = restore_notified,
		.arg = x,
		.cancel_fd = c->rt->cancel_fd,
	};
	pid_t pid = 0;
	int r;

	unlinkat(x->image.work_fd, x->image.log_file, 0);
	r = criu_serve(&x->session, &x->request, &events, &pid, e);
	if (r < 0) {
		if (c->spec.linux_.namespaces[SPEC_NS_USER].present)
			error_hint(e,
				   "its own root reads the image, and opens what its output "
				   "goes to: may it (chmod)? The whole log is %s/%s",
				   x->image.work, x->image.log_file);
		image_explain(&x->image, e);
		return error_prefix(e, "restore");
	}
	c->pid_fd = proc_open(pid);
	if (c->pid_fd < 0)
		return error_set(e, -c->pid_fd, "open the restored process %d", pid);
	c->pid = pid;
	/* Its clocks go on where they were, by a namespace that CRIU makes unless there is one. */
	c->container.state.own_time = access("/proc/self/ns/time", F_OK) == 0;
	return 0;
}

/* clang-format off: one step a line */
static const struct create_step restore_steps[] = {
	{ "config", create_read_bundle },
	{ "policy", restore_apply_policies },
	{ "image", restore_open_image },
	{ "state", create_make_folder },
	{ "cgroup", create_begin_cgroup },
	{ "ask", create_ask_systemd },
	{ "outside", restore_open_outside },
	{ "console", create_open_console },
	{ "await", create_await_cgroup },
	{ "names", restore_name_outside },
	{ "criu", restore_begin },
	{ "seccomp", create_make_filter },
	{ "limits", create_set_limits },
	{ "save", create_save },
	{ "hierarchies", restore_name_cgroups },
	{ "restore", restore_serve },
	{ "record", create_record },
};
/* clang-format on */

static void restore_done(struct restore *x)
{
	size_t i;

	for (i = 2; i < x->n_handed; i++)
		close(x->handed[i]);
	criu_end(&x->session);
	image_done(&x->image);
}

int restore_container(struct create *c, const struct oci_runtime *rt,
		      const struct oci_create_options *opt, const struct oci_criu_options *criu,
		      struct oci_process *ret, struct error *e)
{
	struct restore x = {
		.create = c,
		.criu = criu,
		.image = IMAGE_NONE,
		.session = CRIU_SESSION_NONE,
	};
	int r;

	create_init(c, rt, opt, true);
	c->restore = &x;
	/* There is no child of ours that would have a last word. */
	c->heard = true;
	r = create_walk(c, restore_steps, ARRAY_SIZE(restore_steps), e);
	restore_done(&x);
	c->restore = NULL;
	if (r < 0)
		return r;
	ret->pid = c->pid;
	ret->pid_fd = take_fd(&c->pid_fd);
	return 0;
}
