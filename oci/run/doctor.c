/* SPDX-License-Identifier: Apache-2.0 */
#include "run/doctor.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroup/bus.h"
#include "cgroup/cgroup.h"
#include "cgroup/path.h"
#include "oci.h"
#include "run/rdt.h"

#define KEYS_NEEDED 1

void doctor_say(struct doctor *d, enum doctor_verdict v, const char *advice, const char *fmt,
		...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	d->failed |= v == DOCTOR_FAILS;
	d->tell(d->arg, v, text, advice);
}

static bool doctor_read_u64(const char *path, uint64_t *ret)
{
	char line[64];

	return file_read_line(AT_FDCWD, path, line, sizeof(line)) == 0 &&
	       str_to_u64(line, ret) == 0;
}

/* --- kernel -------------------------------------------------------------------------------------- */

static void doctor_kernel(struct doctor *d)
{
	struct utsname u;
	unsigned int major = 0, minor = 0;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	if (major > 5 || (major == 5 && minor >= 14))
		doctor_say(d, DOCTOR_FINE, "", "kernel %s", u.release);
	else
		doctor_say(d, DOCTOR_FAILS, "boot a kernel from 5.14 on",
			   "kernel %s is too old", u.release);
}

/* A sandbox around us may deny what the kernel has. */
static void doctor_mounts(struct doctor *d)
{
	autoclose int fd = fsopen("tmpfs", FSOPEN_CLOEXEC);
	struct mount_attr a = { 0 };

	if (fd >= 0 || errno == EPERM)
		doctor_say(d, DOCTOR_FINE, "", "detached mounts (fsopen, mount_setattr)");
	else
		doctor_say(d, DOCTOR_FAILS,
			   "we may be in a sandbox whose filter is older than the call",
			   "fsopen: %s", strerror(errno));
	if (mount_setattr(-1, "", 0, &a, sizeof(a)) < 0 && errno == ENOSYS)
		doctor_say(d, DOCTOR_FAILS,
			   "we may be in a sandbox whose filter is older than the call",
			   "mount_setattr: %s", strerror(errno));
}

static void doctor_seccomp(struct doctor *d)
{
	char actions[256];

	if (file_read_line(AT_FDCWD, "/proc/sys/kernel/seccomp/actions_avail", actions,
			   sizeof(actions)) < 0)
		doctor_say(d, DOCTOR_LACKS, "boot a kernel with CONFIG_SECCOMP_FILTER",
			   "no seccomp: containers with linux.seccomp are refused");
	else if (!strstr(actions, "user_notif"))
		doctor_say(d, DOCTOR_LACKS, "", "seccomp without SCMP_ACT_NOTIFY");
	else
		doctor_say(d, DOCTOR_FINE, "", "seccomp: %s", actions);
}

static void doctor_lsm(struct doctor *d)
{
	struct statfs fs;
	char line[8];

	if (file_read_line(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", line,
			   sizeof(line)) == 0 &&
	    line[0] == 'Y')
		doctor_say(d, DOCTOR_FINE, "", "AppArmor is active");
	else if (statfs("/sys/fs/selinux", &fs) == 0 && fs.f_type == SELINUX_MAGIC)
		doctor_say(d, DOCTOR_FINE, "", "SELinux is active");
	else
		doctor_say(
			d, DOCTOR_LACKS, "",
			"neither AppArmor nor SELinux is active: containers that name a profile or a "
			"label are refused");
}

/* --- namespaces ---------------------------------------------------------------------------------- */

static void doctor_namespace_limits(struct doctor *d)
{
	static const char *const kinds[] = {
		"mnt", "pid", "net", "ipc", "uts", "cgroup", "time"
	};
	char path[64];
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kinds[i]);
		if (access(path, F_OK) < 0)
			doctor_say(d, DOCTOR_LACKS, "", "this kernel has no %s namespaces",
				   kinds[i]);
		else if (doctor_read_u64(path, &n) && n == 0)
			doctor_say(d, DOCTOR_LACKS, "raise it by sysctl", "%s is 0", path);
	}
}

static void doctor_userns(struct doctor *d)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	enum doctor_verdict bad = d->rt->rootless ? DOCTOR_FAILS : DOCTOR_LACKS;
	const char *advice = "";
	uint64_t n = 1;
	pid_t pid = sys_clone3(&args);
	int r;

	if (pid == 0)
		_exit(0);
	if (pid > 0) {
		autoclose int fd = proc_open(pid);

		if (fd >= 0)
			proc_reap(fd, &r);
		doctor_say(d, DOCTOR_FINE, "", "user namespaces");
		return;
	}
	r = -(int)pid;
	if (doctor_read_u64("/proc/sys/user/max_user_namespaces", &n) && n == 0)
		advice = "sysctl user.max_user_namespaces=15000";
	else if (doctor_read_u64("/proc/sys/kernel/unprivileged_userns_clone", &n) && n == 0)
		advice = "sysctl kernel.unprivileged_userns_clone=1";
	else if (doctor_read_u64("/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
				 &n) &&
		 n)
		advice =
			"sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile "
			"that allows userns";
	else if (r == EPERM)
		advice = "in a chroot, or in a sandbox that denies it, none can be made";
	doctor_say(d, bad, advice, "no user namespace can be made: %s", strerror(r));
}

/* --- rootless ------------------------------------------------------------------------------------ */

static void doctor_helper(struct doctor *d, const char *name)
{
	static const char *const folders[] = { "/usr/bin", "/bin", "/usr/local/bin",
					       "/usr/sbin" };
	char path[128];
	struct stat st;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (stat(path, &st) < 0)
			continue;
		/* With file capabilities it needs no bit. */
		doctor_say(d, DOCTOR_FINE, "", "%s%s", path,
			   st.st_mode & S_ISUID ? ""
						: " (not set-user-id: by file capabilities)");
		return;
	}
	doctor_say(d, DOCTOR_LACKS, "install the package uidmap",
		   "no %s: a user can map no ids but his own", name);
}

/* The line of this user in /etc/subuid: "sailor:100000:65536" or by number. */
static bool doctor_range_line(const char *line, const char *name, uid_t uid, uint64_t *ret)
{
	size_t len = strcspn(line, ":");
	const char *count = strchr(line + len, ':') ? strchr(line + len + 1, ':') : NULL;
	char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	if (!count || !((strlen(number) == len && memcmp(line, number, len) == 0) ||
			(strlen(name) == len && memcmp(line, name, len) == 0)))
		return false;
	*ret = strtoull(count + 1, NULL, 10);
	return *ret > 0;
}

static void doctor_range(struct doctor *d, const char *file, const char *name)
{
	autobuf text = { 0 };
	const char *line;
	uint64_t n;

	if (file_read(AT_FDCWD, file, 1u << 20, &text, NULL) == 0)
		for (line = text.data ?: ""; *line;
		     line += strcspn(line, "\n"), line += *line == '\n')
			if (doctor_range_line(line, name, geteuid(), &n)) {
				doctor_say(d, DOCTOR_FINE, "", "%s: %llu ids", file,
					   (unsigned long long)n);
				return;
			}
	doctor_say(d, DOCTOR_LACKS,
		   "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
		   "USER",
		   "%s has no range for user %u", file, geteuid());
}

static void doctor_rootless(struct doctor *d)
{
	const char *name = getenv("USER") ?: "";

	if (!d->rt->rootless || geteuid() == 0)
		return;
	doctor_helper(d, "newuidmap");
	doctor_helper(d, "newgidmap");
	doctor_range(d, "/etc/subuid", name);
	doctor_range(d, "/etc/subgid", name);
}

/* --- keys ---------------------------------------------------------------------------------------- */

/* "    0:     8 7/7 6/1000000 107/25000000": of each user, what he has and what he may have. */
static void doctor_keys(struct doctor *d)
{
	autobuf text = { 0 };
	unsigned int uid, usage, n, n_used, have, may;
	const char *line;

	if (file_read(AT_FDCWD, "/proc/key-users", 1u << 20, &text, NULL) < 0) {
		doctor_say(d, DOCTOR_LACKS, "", "no session keyrings on this kernel");
		return;
	}
	for (line = text.data ?: ""; *line;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		if (sscanf(line, "%u: %u %u/%u %u/%u", &uid, &usage, &n, &n_used, &have,
			   &may) != 6 ||
		    uid != geteuid())
			continue;
		if (may < have + KEYS_NEEDED)
			doctor_say(
				d, DOCTOR_FAILS,
				uid ? "sysctl kernel.keys.maxkeys=20000, or run with --no-new-keyring"
				    : "sysctl kernel.keys.root_maxkeys=1000000, or run with "
				      "--no-new-keyring",
				"all %u keys of user %u are in use: no session keyring can be made",
				may, uid);
		else
			doctor_say(d, DOCTOR_FINE, "", "session keyrings: %u of %u keys in use",
				   have, may);
	}
}

/* --- cgroups ------------------------------------------------------------------------------------- */

static void doctor_controllers(struct doctor *d)
{
	static const char *const wanted[] = {
		"cpu", "cpuset", "io", "memory", "pids", "hugetlb"
	};
	char line[512], missing[128] = "", *word, *save = NULL;
	bool has[ARRAY_SIZE(wanted)] = { false };
	size_t i;

	if (file_read_line(AT_FDCWD, CGROUP_MOUNT "/cgroup.controllers", line, sizeof(line)) <
	    0)
		return;
	for (word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
		for (i = 0; i < ARRAY_SIZE(wanted); i++)
			has[i] |= str_eq(word, wanted[i]);
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!has[i])
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				 " %s", wanted[i]);
	if (missing[0])
		doctor_say(
			d, DOCTOR_LACKS,
			"where cgroup v1 holds them, boot with cgroup_no_v1=all; in a container or a "
			"user's session they must be delegated",
			"controllers that are not there, so that their limits are refused:%s",
			missing);
	else
		doctor_say(d, DOCTOR_FINE, "",
			   "controllers: cpu cpuset io memory pids hugetlb");
}

static void doctor_cgroups(struct doctor *d)
{
	char own[CGROUP_PATH_MAX], path[CGROUP_PATH_MAX + 64];
	struct error e = ERROR_INIT;
	struct statfs fs;

	if (str_eq(d->rt->cgroup_manager, "disabled"))
		return;
	if (statfs(CGROUP_MOUNT, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC) {
		doctor_say(
			d, DOCTOR_FAILS,
			"boot with systemd.unified_cgroup_hierarchy=1, or use --cgroup-manager=disabled",
			"no cgroup2 file system is mounted at " CGROUP_MOUNT);
		return;
	}
	doctor_say(d, DOCTOR_FINE, "", "cgroup version 2 at " CGROUP_MOUNT);
	doctor_controllers(d);
	if (cgroup_path_of(0, own, &e) < 0) {
		doctor_say(d, DOCTOR_FAILS, e.hint, "%s", e.text);
		return;
	}
	snprintf(path, sizeof(path), CGROUP_MOUNT "%s/..", str_eq(own, "/") ? "" : own);
	if (!str_eq(d->rt->cgroup_manager, "systemd") && access(path, W_OK) < 0)
		doctor_say(d, d->rt->rootless ? DOCTOR_LACKS : DOCTOR_FAILS,
			   "use --cgroup-manager=systemd, which asks the user's own manager",
			   "no cgroup can be made beside our own, %s: %s", own,
			   strerror(errno));
}

static void doctor_systemd(struct doctor *d)
{
	bool wanted = str_eq(d->rt->cgroup_manager, "systemd");
	struct bus_options opt = { .user = d->rt->rootless, .cancel_fd = -1 };
	struct error e = ERROR_INIT;
	struct bus *bus = NULL;

	if (bus_open(&opt, &bus, &e) == 0)
		doctor_say(d, DOCTOR_FINE, "", "systemd answers on %s", bus_name(bus));
	else
		doctor_say(d, wanted ? DOCTOR_FAILS : DOCTOR_LACKS,
			   e.hint[0] ? e.hint : "use --cgroup-manager=cgroupfs",
			   "--cgroup-manager=systemd would fail: %s", e.text);
	bus_close(bus);
}

static void doctor_rdt(struct doctor *d)
{
	autoclose int fd = rdt_open(NULL);

	if (fd >= 0)
		doctor_say(d, DOCTOR_FINE, "", "Intel RDT: resctrl is mounted");
}

void doctor_look_at_machine(struct doctor *d)
{
	doctor_kernel(d);
	doctor_mounts(d);
	doctor_namespace_limits(d);
	doctor_userns(d);
	doctor_rootless(d);
	doctor_cgroups(d);
	doctor_systemd(d);
	doctor_seccomp(d);
	doctor_lsm(d);
	doctor_keys(d);
	doctor_rdt(d);
}
