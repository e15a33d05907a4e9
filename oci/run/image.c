/* SPDX-License-Identifier: Apache-2.0 */
#include "run/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "criu/log.h"
#include "oci.h"
#include "spec/spec.h"

/* --- folders ------------------------------------------------------------------------------------- */

static int image_make_folder(const char *path, struct error *e)
{
	char part[PATH_MAX];
	char *p;

	if (str_copy(part, sizeof(part), path) < 0)
		return error_set(e, ENAMETOOLONG, "%s", path);
	for (p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return error_set(e, errno, "make %s", part);
		*p = '/';
	}
	if (mkdir(part, 0700) < 0 && errno != EEXIST)
		return error_set(e, errno, "make %s", part);
	return 0;
}

static int image_open_folder(const char *path, bool make, struct error *e)
{
	int fd, r;

	r = make ? image_make_folder(path, e) : 0;
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set(e, errno, "open %s", path) : fd;
}

static int image_check_parent(const struct image *i, struct error *e)
{
	const char *parent = i->opt->parent;
	struct stat st;

	if (!parent)
		return 0;
	if (parent[0] == '/')
		return error_say(e, EINVAL,
				 "--parent-path %s: must be relative to the image's folder",
				 parent);
	if (fstatat(i->image_fd, parent, &st, 0) < 0)
		return error_set(e, errno, "--parent-path %s, seen from %s", parent,
				 i->opt->image);
	if (!S_ISDIR(st.st_mode))
		return error_say(e, ENOTDIR, "--parent-path %s: no folder", parent);
	return 0;
}

int image_open(struct image *i, const struct oci_runtime *rt,
	       const struct oci_criu_options *opt, bool restore, struct error *e)
{
	i->opt = opt;
	i->work = str_empty(opt->work) ? opt->image : opt->work;
	i->log_file = restore ? "restore.log" : "dump.log";
	if (rt->rootless || geteuid() != 0)
		return error_say(e, EPERM,
				 "a checkpoint can be made and restored by root alone");
	if (str_empty(opt->image))
		return error_say(e, EINVAL, "there is no folder for the image");
	i->image_fd = image_open_folder(opt->image, !restore, e);
	if (i->image_fd < 0)
		return error_prefix(e, "image");
	i->work_fd = image_open_folder(i->work, true, e);
	if (i->work_fd < 0)
		return error_prefix(e, "work folder");
	return image_check_parent(i, e);
}

static int image_reopen(const char *path, int at_fd, struct error *e)
{
	autoclose int fd = image_open_folder(path, false, e);

	if (fd < 0)
		return fd;
	return dup3(fd, at_fd, O_CLOEXEC) < 0 ? error_set(e, errno, "open %s again", path) : 0;
}

int image_open_again(const struct image *i, struct error *e)
{
	int r = image_reopen(i->opt->image, i->image_fd, e);

	return r < 0 ? r : image_reopen(i->work, i->work_fd, e);
}

void image_done(struct image *i)
{
	mem_closep(&i->image_fd);
	mem_closep(&i->work_fd);
	*i = IMAGE_NONE;
}

void image_explain(const struct image *i, struct error *e)
{
	criu_log_tell(i->work_fd, i->work, i->log_file, e);
}

/* --- options ------------------------------------------------------------------------------------- */

struct image_word {
	const char *name;
	int value;
};

static const struct image_word cgroup_modes[] = {
	{ "soft", CRIU_CGROUPS_SOFT },
	{ "full", CRIU_CGROUPS_FULL },
	{ "strict", CRIU_CGROUPS_STRICT },
	{ "ignore", CRIU_CGROUPS_IGNORE },
};

static const struct image_word network_locks[] = {
	{ "iptables", CRIU_LOCK_IPTABLES },
	{ "nftables", CRIU_LOCK_NFTABLES },
	{ "skip", CRIU_LOCK_SKIP },
};

static int image_word(const char *option, const char *word, const struct image_word *words,
		      size_t n, struct error *e)
{
	char known[128] = "";
	size_t i;

	for (i = 0; i < n; i++) {
		if (str_eq(words[i].name, word))
			return words[i].value;
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
			 i ? ", " : "", words[i].name);
	}
	return error_say(e, EINVAL, "%s \"%s\": must be one of %s", option, word, known);
}

static bool image_has_program(const char *name)
{
	const char *dir, *end, *path = getenv("PATH");
	char file[PATH_MAX];

	for (dir = path ?: ""; *dir; dir = *end ? end + 1 : end) {
		end = strchrnul(dir, ':');
		if (str_format(file, sizeof(file), "%.*s/%s", (int)(end - dir), dir, name) ==
			    0 &&
		    access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/*
 * CRIU holds up connections by iptables unless it is told otherwise, and fails where there is none. Without
 * any to save there is none to hold up.
 */
static enum criu_network_lock image_find_lock(const struct oci_criu_options *opt)
{
	if (image_has_program("iptables-restore"))
		return CRIU_LOCK_DEFAULT;
	return opt->tcp_established ? CRIU_LOCK_NFTABLES : CRIU_LOCK_SKIP;
}

static int image_ask_words(const struct oci_criu_options *opt, struct criu_request *rq,
			   struct error *e)
{
	int r = CRIU_CGROUPS_SOFT;

	if (!str_empty(opt->cgroups_mode))
		r = image_word("--manage-cgroups-mode", opt->cgroups_mode, cgroup_modes,
			       ARRAY_SIZE(cgroup_modes), e);
	if (r < 0)
		return r;
	rq->cgroup_mode = (enum criu_cgroup_mode)r;
	r = image_find_lock(opt);
	if (!str_empty(opt->network_lock))
		r = image_word("--network-lock", opt->network_lock, network_locks,
			       ARRAY_SIZE(network_locks), e);
	if (r < 0)
		return r;
	rq->network_lock = (enum criu_network_lock)r;
	return 0;
}

/* Interfaces and addresses are the engine's: a network namespace is always saved without them. */
static int image_ask_empty(const struct oci_criu_options *opt, struct criu_request *rq,
			   struct error *e)
{
	char *const *name;

	rq->empty_ns = CLONE_NEWNET;
	for (name = opt->empty_ns; name && *name; name++)
		if (!str_eq(*name, "network"))
			return error_say(e, EINVAL,
					 "--empty-ns \"%s\": only network can be left empty",
					 *name);
	return 0;
}

static int image_ask_pages(const struct oci_criu_options *opt, struct arena *a,
			   struct criu_request *rq, struct error *e)
{
	const char *colon = opt->page_server ? strrchr(opt->page_server, ':') : NULL;
	uint32_t port = 0;

	if (str_empty(opt->page_server))
		return 0;
	if (!colon || colon == opt->page_server || str_to_u32(colon + 1, &port) < 0 ||
	    port == 0 || port > UINT16_MAX)
		return error_say(e, EINVAL, "--page-server \"%s\": must be ADDRESS:PORT",
				 opt->page_server);
	rq->page_host = arena_strndup(a, opt->page_server, (size_t)(colon - opt->page_server));
	rq->page_port = (int)port;
	return rq->page_host ? 0 : error_set(e, ENOMEM, "--page-server");
}

int image_ask(const struct image *i, struct arena *a, struct criu_request *rq, struct error *e)
{
	const struct oci_criu_options *opt = i->opt;
	int r;

	rq->images_fd = i->image_fd;
	rq->work_fd = i->work_fd;
	rq->log_file = i->log_file;
	rq->status_fd = opt->status_fd;
	rq->parent = opt->parent;
	rq->leave_running = opt->leave_running;
	rq->ext_unix_sk = opt->ext_unix_sk;
	rq->tcp_established = opt->tcp_established;
	rq->tcp_skip_in_flight = opt->tcp_skip_in_flight;
	rq->tcp_close = opt->tcp_close;
	rq->shell_job = opt->shell_job;
	rq->file_locks = opt->file_locks;
	rq->auto_dedup = opt->auto_dedup;
	rq->link_remap = opt->link_remap;
	rq->lazy_pages = opt->lazy_pages;
	rq->lsm_profile = opt->lsm_profile;
	rq->lsm_mount_context = opt->lsm_mount_context;
	r = image_ask_words(opt, rq, e);
	if (r == 0)
		r = image_ask_empty(opt, rq, e);
	return r == 0 ? image_ask_pages(opt, a, rq, e) : r;
}

const char *image_config_file(const char *annotation)
{
	static const char *const files[] = {
		"/etc/criu/strake.conf",
		"/etc/criu/crun.conf",
		"/etc/criu/runc.conf",
	};
	size_t i;

	if (annotation)
		return *annotation ? annotation : NULL;
	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (access(files[i], F_OK) == 0)
			return files[i];
	return NULL;
}

int image_check_spec(const struct spec *s, struct error *e)
{
	if (!s->linux_.namespaces[SPEC_NS_MOUNT].present)
		return error_say(
			e, ENOTSUP,
			"linux.namespaces: CRIU would save the mounts of the host with "
			"those of a container that has no mount namespace of its own");
	if (s->linux_.landlock.n)
		return error_say(e, ENOTSUP,
				 "the container is under Landlock, which CRIU cannot save: "
				 "restored, it would be without");
	if (!str_empty(s->linux_.seccomp.listener_path))
		return error_say(e, ENOTSUP,
				 "linux.seccomp.listenerPath: CRIU cannot save a filter "
				 "that asks an agent");
	return 0;
}
