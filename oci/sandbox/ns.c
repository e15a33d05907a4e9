/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "sandbox/sandbox.h"

/*
 * The root that the container is to leave would be everybody's, and pivot_root(2) takes along who has it. To
 * be in our own it need not join it.
 */
static int ns_check_mounts(int fd, const char *path, struct error *e)
{
	struct stat st, own;

	if (fstat(fd, &st) < 0 || stat("/proc/self/ns/mnt", &own) < 0)
		return error_set(e, errno, "linux.namespaces: look at the mount namespace %s",
				 path);
	if (st.st_dev != own.st_dev || st.st_ino != own.st_ino)
		return 0;
	error_say(e, EINVAL, "linux.namespaces: %s is the runtime's own mount namespace", path);
	error_hint(e, "leave \"mount\" out to have the container share it");
	return -EINVAL;
}

static int ns_open_path(enum spec_ns ns, const char *path, struct error *e)
{
	autoclose int fd = -1;
	int type, r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_set(e, errno, "linux.namespaces: open the %s namespace %s",
				 spec_ns_name(ns), path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0)
		return error_say(e, EINVAL, "linux.namespaces: %s is not a namespace", path);
	if ((uint64_t)type != spec_ns_flag(ns))
		return error_say(e, EINVAL, "linux.namespaces: %s is not a %s namespace", path,
				 spec_ns_name(ns));
	r = ns == SPEC_NS_MOUNT ? ns_check_mounts(fd, path, e) : 0;
	return r < 0 ? r : take_fd(&fd);
}

/*
 * Who makes one here must be able to return to his own, which belongs to a user namespace that he
 * may not even see: rootless engines keep the host's network.
 */
static bool ns_net_may_be_apart(const struct sandbox *sb)
{
	return sandbox_new_ns(sb, SPEC_NS_NETWORK) && !sandbox_has_ns(sb, SPEC_NS_USER) &&
	       proc_owns_ns("net");
}

int ns_open_paths(struct sandbox *sb, struct error *e)
{
	int i;

	for (i = 0; i < SPEC_NS_COUNT; i++) {
		const struct spec_namespace *n = &sb->spec->linux_.namespaces[i];

		if (!n->present || !n->path)
			continue;
		sb->ns_fd[i] = ns_open_path(i, n->path, e);
		if (sb->ns_fd[i] < 0)
			return sb->ns_fd[i];
	}
	sb->net_apart = ns_net_may_be_apart(sb);
	return 0;
}

void ns_close_paths(struct sandbox *sb)
{
	int i;

	for (i = 0; i < SPEC_NS_COUNT; i++) {
		mem_closep(&sb->ns_fd[i]);
		sb->ns_fd[i] = -1;
	}
}

uint64_t ns_clone_flags(const struct sandbox *sb)
{
	uint64_t flags = 0;
	int i;

	for (i = 0; i < SPEC_NS_COUNT; i++)
		if (i != SPEC_NS_CGROUP && i != SPEC_NS_TIME && sandbox_new_ns(sb, i))
			flags |= spec_ns_flag(i);
	return flags & ~(ns_net_apart(sb) ? (uint64_t)CLONE_NEWNET : 0);
}

bool ns_net_apart(const struct sandbox *sb)
{
	return sb->net_apart;
}

static int ns_open_socket(struct error *e)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? error_set(e, errno, "make a socket in the new network namespace") : fd;
}

int ns_make_net(int *ret_socket_fd, struct error *e)
{
	autoclose int own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	autoclose int new_fd = -1, socket_fd = -1;

	if (own_fd < 0 || unshare(CLONE_NEWNET) < 0)
		return error_set(e, errno, "make a new network namespace");
	new_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	socket_fd = ns_open_socket(e);
	if (setns(own_fd, CLONE_NEWNET) < 0)
		return error_set(e, errno, "return to our own network namespace");
	if (new_fd < 0)
		return error_set(e, errno, "open the new network namespace");
	if (socket_fd < 0)
		return socket_fd;
	*ret_socket_fd = take_fd(&socket_fd);
	return take_fd(&new_fd);
}

/* Whoever may make one and not change it (no CAP_NET_ADMIN, nested in a container) has it as it is. */
int ns_raise_loopback(int socket_fd, struct error *e)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (ioctl(socket_fd, SIOCSIFFLAGS, &lo) < 0 && errno != EPERM)
		return error_set(e, errno, "bring up lo in the new network namespace");
	return 0;
}

int ns_raise_loopback_of(pid_t pid, struct error *e)
{
	autoclose int own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	autoclose int its_fd = -1, socket_fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	its_fd = own_fd < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (its_fd < 0 || setns(its_fd, CLONE_NEWNET) < 0)
		return error_set(e, errno, "enter the network namespace of process %d", pid);
	socket_fd = ns_open_socket(e);
	if (setns(own_fd, CLONE_NEWNET) < 0)
		return error_set(e, errno, "return to our own network namespace");
	return socket_fd < 0 ? socket_fd : ns_raise_loopback(socket_fd, e);
}

int ns_join(struct sandbox *sb, struct error *e)
{
	int i;

	for (i = 0; i < SPEC_NS_COUNT; i++) {
		if (i == SPEC_NS_USER || i == SPEC_NS_PID || sb->ns_fd[i] < 0)
			continue;
		if (setns(sb->ns_fd[i], (int)spec_ns_flag(i)) < 0)
			return error_set(e, errno, "join the %s namespace %s", spec_ns_name(i),
					 sb->spec->linux_.namespaces[i].path);
	}
	return 0;
}

static int ns_write_offset(const char *clock, const struct spec_time_offset *o, struct error *e)
{
	char line[96];
	int r;

	if (!o->present)
		return 0;
	snprintf(line, sizeof(line), "%s %lld %u\n", clock, (long long)o->secs, o->nanosecs);
	r = file_write(AT_FDCWD, "/proc/self/timens_offsets", line);
	if (r < 0)
		return error_set(e, -r, "linux.timeOffsets.%s: set %lld s", clock,
				 (long long)o->secs);
	return 0;
}

/* Into the new time namespace itself, not only our children: setns to what unshare prepared. */
static int ns_enter_time(struct sandbox *sb, struct error *e)
{
	autoclose int fd = -1;
	int r;

	if (unshare(CLONE_NEWTIME) < 0)
		return error_set(e, errno, "make a new time namespace");
	r = ns_write_offset("monotonic", &sb->spec->linux_.offset_monotonic, e);
	if (r == 0)
		r = ns_write_offset("boottime", &sb->spec->linux_.offset_boottime, e);
	if (r < 0)
		return r;
	fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		return error_set(e, errno, "enter the new time namespace");
	return 0;
}

int ns_unshare_late(struct sandbox *sb, struct error *e)
{
	if (sandbox_new_ns(sb, SPEC_NS_NETWORK) && !ns_net_apart(sb)) {
		autoclose int socket_fd = ns_open_socket(e);
		int r = socket_fd < 0 ? socket_fd : ns_raise_loopback(socket_fd, e);

		if (r < 0)
			return r;
	}
	if (sandbox_new_ns(sb, SPEC_NS_CGROUP) && unshare(CLONE_NEWCGROUP) < 0)
		return error_set(e, errno, "make a new cgroup namespace");
	if (sandbox_new_ns(sb, SPEC_NS_TIME))
		return ns_enter_time(sb, e);
	return 0;
}

int ns_join_target(struct sandbox *sb, struct error *e)
{
	int flags = (int)sb->target_flags;

	/* That one is for children to come. Ours has been born there already, or will be. */
	if (!sb->born_last)
		flags &= ~CLONE_NEWPID;
	if (flags && setns(sb->target_fd, flags) < 0)
		return error_set(e, errno, "join the container's namespaces");
	return 0;
}

int ns_set_names(struct sandbox *sb, struct error *e)
{
	const struct spec *s = sb->spec;

	if (s->hostname && sethostname(s->hostname, strlen(s->hostname)) < 0)
		return error_set(e, errno, "hostname: set \"%s\"", s->hostname);
	if (s->domainname && setdomainname(s->domainname, strlen(s->domainname)) < 0)
		return error_set(e, errno, "domainname: set \"%s\"", s->domainname);
	return 0;
}
