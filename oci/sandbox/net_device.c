/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/net_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/netlink.h"
#include "spec/spec.h"

#define ADDRESSES_MAX (1u << 20) /* bytes, of one device */

struct mover {
	int here_fd, there_fd; /* netlink, of the two namespaces */
	int ns_fd;             /* the container's */
	const struct spec_net_device *device;
	char name[IFNAMSIZ]; /* in the container */
};

static int mover_fail(const struct mover *m, int r, const char *words, const char *what,
		      struct error *e)
{
	error_set(e, -r, "linux.netDevices[\"%s\"]: %s%s%s%s", m->device->host_name, what,
		  str_empty(words) ? "" : " (", words, str_empty(words) ? "" : ")");
	if (r == -EPERM)
		error_hint(
			e,
			"CAP_NET_ADMIN is needed in the device's network namespace and in the "
			"container's");
	return r;
}

/* Its number, or -errno (-ENODEV). */
static int device_find(int netlink_fd, const char *name)
{
	struct ifreq rq = { 0 };

	if (str_copy(rq.ifr_name, sizeof(rq.ifr_name), name) < 0)
		return -ENODEV;
	return ioctl(netlink_fd, SIOCGIFINDEX, &rq) < 0 ? -errno : rq.ifr_ifindex;
}

/* "eth%d": the first number that is free there. */
static int device_choose_name(struct mover *m)
{
	const char *wanted = m->device->name ?: m->device->host_name;
	const char *number = strstr(wanted, "%d");
	int i;

	if (!number)
		return str_copy(m->name, sizeof(m->name), wanted);
	for (i = 0; i < 32768; i++) {
		int r = str_format(m->name, sizeof(m->name), "%.*s%d%s", (int)(number - wanted),
				   wanted, i, number + 2);

		if (r < 0)
			return r;
		if (device_find(m->there_fd, m->name) == -ENODEV)
			return 0;
	}
	return -EEXIST;
}

struct addresses {
	int index;
	struct buf *text; /* the messages, one behind the other */
};

static uint32_t address_flags(const struct nlmsghdr *h)
{
	const struct ifaddrmsg *a = NLMSG_DATA(h);
	struct rtattr *attr = IFA_RTA(a);
	int left = (int)IFA_PAYLOAD(h);

	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (attr->rta_type == IFA_FLAGS)
			return *(uint32_t *)RTA_DATA(attr);
	return a->ifa_flags;
}

static int address_keep(void *arg, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *a = NLMSG_DATA(h);
	struct addresses *all = arg;

	if (h->nlmsg_type != RTM_NEWADDR || (int)a->ifa_index != all->index ||
	    a->ifa_scope != RT_SCOPE_UNIVERSE || !(address_flags(h) & IFA_F_PERMANENT))
		return 0;
	return buf_add(all->text, h, NLMSG_ALIGN(h->nlmsg_len));
}

static int addresses_read(const struct mover *m, int index, struct buf *ret)
{
	struct ifaddrmsg a = { .ifa_family = AF_UNSPEC };
	struct addresses all = { index, ret };
	struct netlink_request rq;

	netlink_begin(&rq, RTM_GETADDR, &a, sizeof(a));
	return netlink_dump(m->here_fd, &rq, address_keep, &all);
}

/* What describes the address goes along; its label holds the old name, its times are none. */
static int address_add(const struct mover *m, int index, const struct nlmsghdr *h, char *words,
		       size_t size)
{
	struct ifaddrmsg a = *(const struct ifaddrmsg *)NLMSG_DATA(h);
	struct rtattr *attr = IFA_RTA(NLMSG_DATA(h));
	int left = (int)IFA_PAYLOAD(h), r = 0;
	struct netlink_request rq;

	a.ifa_index = (uint32_t)index;
	netlink_begin(&rq, RTM_NEWADDR, &a, sizeof(a));
	for (; r == 0 && RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
		if (attr->rta_type != IFA_LABEL && attr->rta_type != IFA_CACHEINFO)
			r = netlink_add(&rq, attr->rta_type, RTA_DATA(attr), RTA_PAYLOAD(attr));
	rq.head.nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	if (r == 0)
		r = netlink_do(m->there_fd, &rq, words, size);
	return r == -EEXIST ? 0 : r;
}

static int addresses_restore(const struct mover *m, int index, const struct buf *all,
			     struct error *e)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)all->data;
	size_t left = all->len;
	char words[160] = "";
	int r;

	for (; left && NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		r = address_add(m, index, h, words, sizeof(words));
		if (r < 0)
			return mover_fail(m, r, words, "give it its address back", e);
	}
	return 0;
}

static int device_send(const struct mover *m, int index, struct error *e)
{
	struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	struct netlink_request rq;
	char words[160] = "", what[64];
	int r;

	netlink_begin(&rq, RTM_NEWLINK, &link, sizeof(link));
	r = netlink_add(&rq, IFLA_NET_NS_FD, &m->ns_fd, sizeof(m->ns_fd));
	if (r == 0)
		r = netlink_add(&rq, IFLA_IFNAME, m->name, strlen(m->name) + 1);
	if (r == 0)
		r = netlink_do(m->here_fd, &rq, words, sizeof(words));
	if (r == 0)
		return 0;
	snprintf(what, sizeof(what), "move it into the container as %s", m->name);
	return mover_fail(m, r, words, what, e);
}

static int device_raise(const struct mover *m, int index, struct error *e)
{
	struct ifinfomsg link = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = index,
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP,
	};
	struct netlink_request rq;
	char words[160] = "";
	int r;

	netlink_begin(&rq, RTM_NEWLINK, &link, sizeof(link));
	r = netlink_do(m->there_fd, &rq, words, sizeof(words));
	return r < 0 ? mover_fail(m, r, words, "bring it up", e) : 0;
}

static int device_move(struct mover *m, struct error *e)
{
	autobuf addresses = { .max = ADDRESSES_MAX };
	int index, r;

	index = device_find(m->here_fd, m->device->host_name);
	if (index < 0)
		return mover_fail(m, index, "", "find it", e);
	r = device_choose_name(m);
	if (r < 0)
		return mover_fail(m, r, "", "name it", e);
	/* The kernel would give it another name, or refuse in few words. */
	if (device_find(m->there_fd, m->name) >= 0)
		return error_say(
			e, EEXIST,
			"linux.netDevices[\"%s\"]: the container has a device %s already",
			m->device->host_name, m->name);
	r = addresses_read(m, index, &addresses);
	if (r < 0)
		return mover_fail(m, r, "", "read its addresses", e);
	r = device_send(m, index, e);
	if (r < 0)
		return r;
	index = device_find(m->there_fd, m->name);
	if (index < 0)
		return mover_fail(m, index, "", "find it in the container", e);
	r = addresses_restore(m, index, &addresses, e);
	return r < 0 ? r : device_raise(m, index, e);
}

/* A socket belongs to the namespace it was made in. */
static int mover_open(struct mover *m, pid_t pid, struct error *e)
{
	autoclose int own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	m->ns_fd = open(path, O_RDONLY | O_CLOEXEC);
	m->here_fd = netlink_open();
	if (own_fd < 0 || m->ns_fd < 0 || m->here_fd < 0)
		return error_set(e, m->here_fd < 0 ? -m->here_fd : errno,
				 "linux.netDevices: open the network namespaces");
	if (setns(m->ns_fd, CLONE_NEWNET) < 0)
		return error_set(e, errno,
				 "linux.netDevices: look into the container's network");
	m->there_fd = netlink_open();
	if (setns(own_fd, CLONE_NEWNET) < 0)
		return error_set(e, errno, "return to our own network namespace");
	if (m->there_fd < 0)
		return error_set(e, -m->there_fd, "linux.netDevices: make a socket");
	return 0;
}

int net_devices_move(const struct spec_linux *l, pid_t pid, struct error *e)
{
	struct mover m = { .here_fd = -1, .there_fd = -1, .ns_fd = -1 };
	size_t i;
	int r;

	if (l->n_net_devices == 0)
		return 0;
	r = mover_open(&m, pid, e);
	for (i = 0; r == 0 && i < l->n_net_devices; i++) {
		m.device = &l->net_devices[i];
		r = device_move(&m, e);
	}
	mem_closep(&m.here_fd);
	mem_closep(&m.there_fd);
	mem_closep(&m.ns_fd);
	return r;
}
