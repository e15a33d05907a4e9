/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/capability.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sys.h"
#include "sandbox/idmap_helper.h"
#include "spec/spec.h"

/* The kernel takes the whole map in one write of less than a page (kernel/user_namespace.c). */
#define IDMAP_MAX 4095

int idmap_write_map(pid_t pid, const char *file, const struct spec_id_mapping *m, size_t n,
		    struct error *e)
{
	autobuf text = { .max = IDMAP_MAX };
	char path[48];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < n; i++)
		r = buf_addf(&text, "%u %u %u\n", m[i].container_id, m[i].host_id, m[i].size);
	if (r < 0) {
		error_set(e, -r, "linux: the %s of %zu mappings has more than %d bytes", file,
			  n, IDMAP_MAX);
		error_hint(e, "the kernel takes no more: use fewer mappings, or smaller ids");
		return r;
	}
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	r = file_write(AT_FDCWD, path, text.data ?: "");
	return r < 0 ? error_set(e, -r, "write the %s of the user namespace", file) : 0;
}

/* A process that holds a new user namespace until we close the pipe, or end. */
static pid_t holder_new(int *pid_fd, int pipe_fds[2])
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pid_fd,
		.exit_signal = SIGCHLD,
	};
	char c;
	pid_t pid;

	pid = sys_clone3(&args);
	if (pid)
		return pid;
	close(pipe_fds[1]);
	(void)!read(pipe_fds[0], &c, 1);
	_exit(0);
}

int idmap_open(const struct spec_id_mapping *uids, size_t n_uids,
	       const struct spec_id_mapping *gids, size_t n_gids, struct error *e)
{
	autoclose int read_fd = -1, write_fd = -1, pid_fd = -1, fd = -1;
	int pipe_fds[2], status, r;
	char path[48];
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_set(e, errno, "idmap: make a pipe");
	read_fd = pipe_fds[0];
	write_fd = pipe_fds[1];
	pid = holder_new(&pid_fd, pipe_fds);
	if (pid < 0)
		return error_set(e, -pid, "idmap: make a user namespace to hold the maps");
	r = idmap_write_map(pid, "gid_map", gids, n_gids, e);
	if (r == 0)
		r = idmap_write_map(pid, "uid_map", uids, n_uids, e);
	if (r == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			r = error_set(e, errno, "idmap: open %s", path);
	}
	mem_closep(&write_fd);
	write_fd = -1;
	proc_reap(pid_fd, &status);
	return r < 0 ? r : take_fd(&fd);
}

static bool idmap_privileged(void)
{
	uint64_t effective, permitted, inheritable;

	return capability_get(&effective, &permitted, &inheritable) == 0 &&
	       (effective & 1ull << CAP_SETGID);
}

/* All that a user may map by himself: his own id, to whichever he likes. */
static bool idmap_is_own(const struct spec_id_mapping *m, size_t n, uint32_t own)
{
	return n == 1 && m->size == 1 && m->host_id == own;
}

static int idmap_write_gids(pid_t pid, const struct spec_linux *l, struct error *e)
{
	char path[48];
	int r;

	if (!idmap_privileged()) {
		if (!idmap_is_own(l->gid_mappings, l->n_gid_mappings, getegid()))
			return idmap_ask_helper("newgidmap", pid, l->gid_mappings,
						l->n_gid_mappings, e);
		snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
		r = file_write(AT_FDCWD, path, "deny");
		if (r < 0)
			return error_set(e, -r, "deny setgroups in the user namespace");
	}
	return idmap_write_map(pid, "gid_map", l->gid_mappings, l->n_gid_mappings, e);
}

int idmap_write(pid_t pid, const struct spec *s, struct error *e)
{
	const struct spec_linux *l = &s->linux_;
	int r = idmap_write_gids(pid, l, e);

	if (r < 0)
		return r;
	if (!idmap_privileged() && !idmap_is_own(l->uid_mappings, l->n_uid_mappings, geteuid()))
		return idmap_ask_helper("newuidmap", pid, l->uid_mappings, l->n_uid_mappings,
					e);
	return idmap_write_map(pid, "uid_map", l->uid_mappings, l->n_uid_mappings, e);
}

/* EINVAL: the id has no mapping. */
static int idmap_become(uint32_t uid, uint32_t gid, bool keep_groups, struct error *e)
{
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		return errno == EINVAL ? -EINVAL
				       : error_set(e, errno,
						   "become gid %u of the user namespace", gid);
	if (!keep_groups && setgroups(0, NULL) < 0 && errno != EPERM)
		return error_set(e, errno, "drop groups in the user namespace");
	if (syscall(SYS_setresuid, uid, uid, uid) < 0)
		return errno == EINVAL ? -EINVAL
				       : error_set(e, errno,
						   "become uid %u of the user namespace", uid);
	return 0;
}

int idmap_become_root(const struct spec_user *fallback, bool keep_groups, struct error *e)
{
	int r = idmap_become(0, 0, keep_groups, e);

	if (r == -EINVAL)
		r = idmap_become(fallback->uid, fallback->gid, keep_groups, e);
	if (r == -EINVAL)
		return error_set(e, EINVAL,
				 "neither root nor user %u:%u exists in the user namespace",
				 fallback->uid, fallback->gid);
	return r;
}
