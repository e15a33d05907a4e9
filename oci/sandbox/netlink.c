/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

#define NETLINK_BUFFER 32768 /* what the kernel puts into one message of a dump, at most */

int netlink_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), one = 1;

	if (fd < 0)
		return -errno;
	/* Words with the refusal; a kernel that has none refuses in numbers. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	return fd;
}

void netlink_begin(struct netlink_request *rq, uint16_t type, const void *fixed, size_t len)
{
	memset(rq, 0, sizeof(*rq));
	rq->head.nlmsg_type = type;
	rq->head.nlmsg_flags = NLM_F_REQUEST;
	rq->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(&rq->head), fixed, len);
}

int netlink_add(struct netlink_request *rq, uint16_t type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(rq->head.nlmsg_len);
	struct rtattr *a = (struct rtattr *)((char *)rq + at);

	if (at + RTA_SPACE(len) > sizeof(*rq))
		return -EMSGSIZE;
	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	rq->head.nlmsg_len = (uint32_t)(at + RTA_LENGTH(len));
	return 0;
}

static int netlink_send(int fd, struct netlink_request *rq, int flags)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	rq->head.nlmsg_flags |= (uint16_t)flags;
	n = sendto(fd, rq, rq->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
	return n < 0 ? -errno : 0;
}

/* Only the kernel may answer. */
static ssize_t netlink_receive(int fd, void *buffer, size_t size)
{
	struct sockaddr_nl from = { 0 };
	struct iovec part = { buffer, size };
	struct msghdr m = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t n;

	do {
		n = recvmsg(fd, &m, 0);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0)
		return -errno;
	return m.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

static void netlink_words(const struct nlmsghdr *h, char *text, size_t size)
{
	const struct nlmsgerr *answer = NLMSG_DATA(h);
	size_t skip = sizeof(*answer);
	struct rtattr *a;
	int left;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += answer->msg.nlmsg_len - sizeof(answer->msg);
	if (NLMSG_LENGTH(skip) > h->nlmsg_len)
		return;
	a = (struct rtattr *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(skip));
	left = (int)(h->nlmsg_len - NLMSG_LENGTH(skip));
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == NLMSGERR_ATTR_MSG)
			str_show(text, size, RTA_DATA(a));
}

int netlink_do(int fd, struct netlink_request *rq, char *text, size_t size)
{
	char buffer[4096] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	const struct nlmsghdr *h = (const struct nlmsghdr *)buffer;
	const struct nlmsgerr *answer;
	ssize_t n;
	int r;

	if (size)
		text[0] = '\0';
	r = netlink_send(fd, rq, NLM_F_ACK);
	if (r < 0)
		return r;
	n = netlink_receive(fd, buffer, sizeof(buffer));
	if (n < 0)
		return (int)n;
	if (!NLMSG_OK(h, (size_t)n) || h->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	answer = NLMSG_DATA(h);
	if (answer->error && size)
		netlink_words(h, text, size);
	return answer->error;
}

/* 1: that was the last one. */
static int netlink_each_of(const struct nlmsghdr *h, size_t n, netlink_each each, void *arg)
{
	int r;

	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 1;
		if (h->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(h))->error ?: 1;
		r = each(arg, h);
		if (r < 0)
			return r;
	}
	return 0;
}

int netlink_dump(int fd, struct netlink_request *rq, netlink_each each, void *arg)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n;
	int r;

	r = netlink_send(fd, rq, NLM_F_DUMP);
	while (r == 0) {
		n = netlink_receive(fd, buffer, sizeof(buffer));
		if (n < 0)
			return (int)n;
		r = netlink_each_of((const struct nlmsghdr *)buffer, (size_t)n, each, arg);
	}
	return r < 0 ? r : 0;
}
