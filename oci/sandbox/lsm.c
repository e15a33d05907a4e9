/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/procfs.h"
#include "sandbox/sandbox.h"

static bool lsm_apparmor_active(void)
{
	char line[8];

	return file_read_line(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", line,
			      sizeof(line)) == 0 &&
	       line[0] == 'Y';
}

static bool lsm_selinux_active(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 && fs.f_type == SELINUX_MAGIC;
}

static bool lsm_wants_apparmor(const struct spec_process *p)
{
	return !str_empty(p->apparmor_profile) && !str_eq(p->apparmor_profile, "unconfined");
}

static int lsm_check_process(const struct spec_process *p, struct error *e)
{
	if (lsm_wants_apparmor(p) && !lsm_apparmor_active())
		return error_say(
			e, ENOTSUP,
			"process.apparmorProfile is \"%s\", but AppArmor is not active",
			p->apparmor_profile);
	if (!str_empty(p->selinux_label) && !lsm_selinux_active())
		return error_say(e, ENOTSUP,
				 "process.selinuxLabel is \"%s\", but SELinux is not active",
				 p->selinux_label);
	return 0;
}

int lsm_check(const struct sandbox *sb, struct error *e)
{
	const char *label = sb->joining ? NULL : sb->spec->linux_.mount_label;

	if (!str_empty(label) && !lsm_selinux_active())
		return error_say(e, ENOTSUP,
				 "linux.mountLabel is \"%s\", but SELinux is not active",
				 label);
	return lsm_check_process(sb->process, e);
}

int lsm_prepare(struct sandbox *sb, struct error *e)
{
	const struct spec_process *p = sb->process;
	char name[64];

	if (!lsm_wants_apparmor(p) && str_empty(p->selinux_label))
		return 0;

	/* By number: "self" would need a symlink followed. Our own pid as this procfs counts it. */
	snprintf(name, sizeof(name), "%d/attr/%sexec", (int)getpid(),
		 lsm_wants_apparmor(p) ? "apparmor/" : "");
	sb->lsm_fd = procfs_open_file(sb, name, O_WRONLY, e);
	if (sb->lsm_fd == -ENOENT && lsm_wants_apparmor(p)) {
		snprintf(name, sizeof(name), "%d/attr/exec", (int)getpid());
		sb->lsm_fd = procfs_open_file(sb, name, O_WRONLY, e);
	}
	return sb->lsm_fd < 0 ? sb->lsm_fd : 0;
}

static ssize_t lsm_write(struct sandbox *sb, const char *verb, const char *label)
{
	char text[4096];
	int r;

	r = str_format(text, sizeof(text), "%s%s", verb, label);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	return write(sb->lsm_fd, text, strlen(text));
}

static int lsm_apply_apparmor(struct sandbox *sb, const char *profile, struct error *e)
{
	ssize_t n;

	n = lsm_write(sb, "exec ", profile);
	/*
	 * Under no_new_privs who is confined already may not leave his own profile, only add
	 * another to it.
	 */
	if (n < 0 && errno == EPERM)
		n = lsm_write(sb, "stack ", profile);
	return n < 0 ? error_set(e, errno, "process.apparmorProfile: apply \"%s\"", profile)
		     : 0;
}

int lsm_apply(struct sandbox *sb, struct error *e)
{
	const struct spec_process *p = sb->process;
	int r = 0;

	if (sb->lsm_fd < 0)
		return 0;
	if (lsm_wants_apparmor(p))
		r = lsm_apply_apparmor(sb, p->apparmor_profile, e);
	else if (lsm_write(sb, "", p->selinux_label) < 0)
		r = error_set(e, errno, "process.selinuxLabel: apply \"%s\"", p->selinux_label);
	if (r < 0)
		return r;
	mem_closep(&sb->lsm_fd);
	sb->lsm_fd = -1;
	return 0;
}
