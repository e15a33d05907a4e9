/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "sandbox/sandbox.h"

/* Without CAP_SYS_RESOURCE the hard limit stays where it is: tighter than asked for, and said. */
static int identity_clamp_rlimit(struct sandbox *sb, const struct spec_rlimit *l,
				 struct error *e)
{
	struct rlimit now, want;
	char text[160];

	if (getrlimit((__rlimit_resource_t)l->resource, &now) < 0)
		return error_set(e, errno, "process.rlimits: %s", l->name);
	want.rlim_max = l->hard < now.rlim_max ? l->hard : now.rlim_max;
	want.rlim_cur = l->soft < want.rlim_max ? l->soft : want.rlim_max;
	if (setrlimit((__rlimit_resource_t)l->resource, &want) < 0)
		return error_set(e, errno, "process.rlimits: set %s", l->name);
	snprintf(text, sizeof(text),
		 "process.rlimits: %s stays at %llu, raising it needs CAP_SYS_RESOURCE",
		 l->name, (unsigned long long)want.rlim_max);
	if (sb->warn)
		sb->warn(sb->warn_arg, text);
	return 0;
}

int identity_set_rlimits(struct sandbox *sb, struct error *e)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < sb->process->n_rlimits; i++) {
		const struct spec_rlimit *l = &sb->process->rlimits[i];
		struct rlimit want = { l->soft, l->hard };

		if (setrlimit((__rlimit_resource_t)l->resource, &want) == 0)
			continue;
		if (errno != EPERM)
			return error_set(e, errno, "process.rlimits: set %s to %llu:%llu",
					 l->name, (unsigned long long)l->soft,
					 (unsigned long long)l->hard);
		r = identity_clamp_rlimit(sb, l, e);
	}
	return r;
}

int identity_join_keyring(struct sandbox *sb, struct error *e)
{
	char name[1100];
	int r;

	if (sb->no_new_keyring)
		return 0;
	snprintf(name, sizeof(name), "_ses.%s", sb->id);
	r = sys_keyctl_join(name);
	if (r >= 0 || r == -ENOSYS)
		return 0;
	error_set(e, -r, "join a new session keyring");
	if (r == -EDQUOT)
		error_hint(e, "raise kernel.keys.root_maxkeys, or use --no-new-keyring");
	return r;
}

void identity_make_cwd(const struct sandbox *sb)
{
	const char *cwd = sb->process->cwd;
	int fd;

	if (!sb->spec->root_readonly || str_eq(cwd, "/"))
		return;
	fd = path_mkdir_all(sb->root_fd, cwd, 0755);
	mem_closep(&fd);
}

static int identity_make_missing_cwd(const char *cwd, struct error *e)
{
	autoclose int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;

	fd = root_fd < 0 ? -errno : path_mkdir_all(root_fd, cwd, 0755);
	if (fd < 0 || fchdir(fd) < 0)
		return error_set(e, fd < 0 ? -fd : errno,
				 "process.cwd: chdir to %s, which is not there: make it", cwd);
	return 0;
}

/* A directory outside the root shows as "(unreachable)" in the raw call (CVE-2024-21626). */
static int identity_check_cwd(const char *cwd, struct error *e)
{
	char now[4096];
	int r = sys_getcwd(now, sizeof(now));

	if (r < 0)
		return error_set(e, -r, "process.cwd: %s", cwd);
	if (now[0] != '/')
		return error_say(e, EPERM, "process.cwd: %s lies outside the container", cwd);
	return 0;
}

int identity_enter_cwd(struct sandbox *sb, bool again, struct error *e)
{
	const char *cwd = sb->process->cwd;
	int r;

	if (chdir(cwd) < 0) {
		/* As root we may lack what the user has (NFS, FUSE): once more after the change. */
		if (!again && (errno == EACCES || errno == EPERM))
			return 0;
		if (errno != ENOENT || again)
			return error_set(e, errno, "process.cwd: chdir to %s", cwd);
		r = identity_make_missing_cwd(cwd, e);
		if (r < 0)
			return r;
	}
	return identity_check_cwd(cwd, e);
}

static bool identity_is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/*
 * The container's own null device in place of the caller's: nothing of the host's file system stays open, and
 * checkpoints, which hold no file of the host's, can be made. One that has none keeps what it got.
 */
static void identity_own_null(int fd)
{
	int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
	autoclose int own_fd = open("/dev/null", mode | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (own_fd >= 0 && fstat(own_fd, &st) == 0 && identity_is_null(&st))
		dup2(own_fd, fd);
}

int identity_own_stdio(struct sandbox *sb, struct error *e)
{
	struct stat st;
	int fd;

	for (fd = 0; fd <= 2; fd++) {
		if (fstat(fd, &st) < 0)
			continue;
		if (identity_is_null(&st))
			identity_own_null(fd);
		if (!(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
			continue;
		if (st.st_uid == sb->process->user.uid)
			continue;
		/* Somebody else's, or out of this user namespace: it keeps working as it is. */
		if (fchown(fd, sb->process->user.uid, st.st_gid) < 0 && errno != EPERM &&
		    errno != EINVAL && errno != EROFS)
			return error_set(e, errno, "give fd %d to uid %u", fd,
					 sb->process->user.uid);
	}
	return 0;
}

static int identity_set_groups(const struct sandbox *sb, struct error *e)
{
	const struct spec_user *u = &sb->process->user;

	if (sandbox_keeps_groups(sb))
		return 0;
	if (setgroups(u->n_additional_gids, u->additional_gids) == 0)
		return 0;
	/* "deny" in /proc/self/setgroups: there is nothing to give up, and nothing to get. */
	if (errno == EPERM && u->n_additional_gids == 0)
		return 0;
	return error_set(e, errno, "process.user.additionalGids: set");
}

static int identity_set_user(const struct spec_user *u, struct error *e)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_set(e, errno, "keep capabilities over the change of user");
	if (syscall(SYS_setresgid, u->gid, u->gid, u->gid) < 0)
		return error_set(e, errno, "process.user.gid: become %u", u->gid);
	if (syscall(SYS_setresuid, u->uid, u->uid, u->uid) < 0)
		return error_set(e, errno, "process.user.uid: become %u", u->uid);
	return 0;
}

int identity_drop_bounding(struct sandbox *sb, struct error *e)
{
	int r = sb->bounding_dropped
			? 0
			: capability_drop_bounding(sb->process->capabilities.bounding);

	sb->bounding_dropped = true;
	return r < 0 ? error_set(e, -r, "process.capabilities.bounding: drop the others") : 0;
}

int identity_assume(struct sandbox *sb, bool keep_admin, struct error *e)
{
	const struct spec_capabilities *c = &sb->process->capabilities;
	uint64_t eff, held, inh, permitted, inheritable, ambient, extra;
	int r;

	r = capability_get(&eff, &held, &inh);
	if (r < 0)
		return error_set(e, -r, "read our capabilities");

	permitted = c->permitted & c->bounding & held;
	inheritable = c->inheritable & c->bounding & (held | inh);
	ambient = c->ambient & permitted & inheritable;
	extra = keep_admin ? held & 1ull << CAP_SYS_ADMIN : 0;

	r = identity_set_groups(sb, e);
	if (r < 0)
		return r;
	r = identity_drop_bounding(sb, e);
	if (r < 0)
		return r;
	r = identity_set_user(&sb->process->user, e);
	if (r < 0)
		return r;
	r = capability_set((c->effective & permitted) | extra, permitted | extra, inheritable);
	if (r < 0)
		return error_set(e, -r, "process.capabilities: set");
	r = capability_set_ambient(ambient);
	if (r < 0)
		return error_set(e, -r, "process.capabilities.ambient: raise");
	if (sb->process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(e, errno, "process.noNewPrivileges: set");
	umask(sb->process->user.set_umask ? sb->process->user.umask : 0022);
	return 0;
}
