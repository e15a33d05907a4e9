/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* A little of rtnetlink(7): requests about links and addresses, one at a time. */

struct netlink_request {
	struct nlmsghdr head;
	char body[1024];
};

/* An AF_NETLINK socket of the caller's network namespace, or -errno. */
int netlink_open(void);

/* Begins a request of this type with its fixed part. */
void netlink_begin(struct netlink_request *rq, uint16_t type, const void *fixed, size_t len);

/* Adds an attribute; -EMSGSIZE where it does not fit. */
int netlink_add(struct netlink_request *rq, uint16_t type, const void *data, size_t len);

/* Sends it and waits for the acknowledgement. 0 or -errno; the kernel's own words in `text`, if any. */
int netlink_do(int fd, struct netlink_request *rq, char *text, size_t size);

/* Sends it and calls `each` for every answer; stops at its first negative. 0 or -errno. */
typedef int (*netlink_each)(void *arg, const struct nlmsghdr *h);
int netlink_dump(int fd, struct netlink_request *rq, netlink_each each, void *arg);
