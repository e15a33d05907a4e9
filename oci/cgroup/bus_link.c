/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the static libdbus-1 calls of the world outside. The Makefile renames these symbols in our
 * copy of the archive (oci/cgroup/bus_link.symbols), and here is what they mean to us: no names are
 * looked up (a static program has no NSS, and there is only one user: the one who runs it), no
 * other transport than unix sockets is opened, and no wait is without an end.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define LINK_CONNECT_S 10

int bus_link_connect(int fd, const struct sockaddr *addr, socklen_t len);
uid_t bus_link_geteuid(void);
int bus_link_getpwnam_r(const char *name, struct passwd *p, char *buf, size_t size,
			struct passwd **ret);
int bus_link_getpwuid_r(uid_t uid, struct passwd *p, char *buf, size_t size,
			struct passwd **ret);
int bus_link_getgrouplist(const char *user, gid_t gid, gid_t *groups, int *n);
int bus_link_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			 struct addrinfo **ret);
void bus_link_freeaddrinfo(struct addrinfo *a);
const char *bus_link_gai_strerror(int code);
int bus_link_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host,
			 socklen_t host_size, char *service, socklen_t service_size, int flags);
int bus_link_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int bus_link_sd_listen_fds(int unset_environment);
int bus_link_sd_is_socket(int fd, int family, int type, int listening);

/* A bus that is stopped takes connections until its queue is full, and then no more. */
int bus_link_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct timeval limit = { .tv_sec = LINK_CONNECT_S }, none = { 0 };
	int r, saved;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	r = connect(fd, addr, len);
	saved = r < 0 ? errno : 0;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
	errno = saved == EAGAIN ? ETIMEDOUT : saved;
	return r;
}

/*
 * Who we tell the bus that we are must be who it sees. In a user namespace these are two, and
 * uid_map tells the other: lines of "inside outside length".
 */
uid_t bus_link_geteuid(void)
{
	unsigned long long inside, outside, len;
	uid_t uid = geteuid();
	char text[4096], *p = text;
	int fd, used;
	ssize_t n;

	fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (; sscanf(p, "%llu %llu %llu%n", &inside, &outside, &len, &used) == 3; p += used)
		if (uid >= inside && uid - inside < len)
			return (uid_t)(outside + (uid - inside));
	return uid;
}

int bus_link_getpwnam_r(const char *name, struct passwd *p, char *buf, size_t size,
			struct passwd **ret)
{
	(void)name, (void)p, (void)buf, (void)size;
	*ret = NULL;
	return 0;
}

int bus_link_getpwuid_r(uid_t uid, struct passwd *p, char *buf, size_t size,
			struct passwd **ret)
{
	(void)uid, (void)p, (void)buf, (void)size;
	*ret = NULL;
	return 0;
}

int bus_link_getgrouplist(const char *user, gid_t gid, gid_t *groups, int *n)
{
	(void)user, (void)gid, (void)groups;
	*n = 0;
	return 0;
}

int bus_link_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			 struct addrinfo **ret)
{
	(void)node, (void)service, (void)hints, (void)ret;
	return EAI_FAIL;
}

void bus_link_freeaddrinfo(struct addrinfo *a)
{
	(void)a;
}

const char *bus_link_gai_strerror(int code)
{
	(void)code;
	return "not supported";
}

int bus_link_getnameinfo(const struct sockaddr *addr, socklen_t len, char *host,
			 socklen_t host_size, char *service, socklen_t service_size, int flags)
{
	(void)addr, (void)len, (void)host, (void)host_size;
	(void)service, (void)service_size, (void)flags;
	return EAI_FAIL;
}

/*
 * Asked to learn whether the socket can pass descriptors, which costs one more exchange with the bus
 * before the first message. We pass none.
 */
int bus_link_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	(void)fd, (void)addr, (void)len;
	errno = EOPNOTSUPP;
	return -1;
}

/* For servers that systemd starts. We are none. */
int bus_link_sd_listen_fds(int unset_environment)
{
	(void)unset_environment;
	return 0;
}

int bus_link_sd_is_socket(int fd, int family, int type, int listening)
{
	(void)fd, (void)family, (void)type, (void)listening;
	return 0;
}
