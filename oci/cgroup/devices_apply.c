/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sys.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"

/* By its name we know a program of ours from those of systemd and of others. */
#define PROGRAM_NAME "strake_device"

/* As many as the kernel lets be attached to one cgroup (BPF_CGROUP_MAX_PROGS). */
#define PROGRAMS_MAX 64

struct programs {
	uint32_t n;
	uint32_t id[PROGRAMS_MAX];
};

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return sys_bpf((int)cmd, attr, sizeof(*attr));
}

static int program_load(const struct bpf_insn *insns, size_t n)
{
	union bpf_attr attr;
	int fd, tries = 0;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uintptr_t) "Apache-2.0";
	memcpy(attr.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));

	/* The verifier gives up for a pending signal. */
	do
		fd = bpf(BPF_PROG_LOAD, &attr);
	while (fd == -EAGAIN && ++tries < 8);
	return fd;
}

static int program_open(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	return bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

static int program_info(int fd, struct bpf_prog_info *ret)
{
	union bpf_attr attr;

	memset(ret, 0, sizeof(*ret));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(*ret);
	attr.info.info = (uintptr_t)ret;
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

static int programs_query(int cgroup_fd, struct programs *ret)
{
	union bpf_attr attr;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ret->id;
	attr.query.prog_cnt = PROGRAMS_MAX;
	r = bpf(BPF_PROG_QUERY, &attr);
	if (r == 0)
		ret->n = attr.query.prog_cnt;
	return r;
}

/* Leaves only ours. One that ended meanwhile, or that we may not look at, is not ours. */
static int programs_query_ours(int cgroup_fd, struct programs *ret)
{
	struct programs all;
	uint32_t i;
	int r;

	r = programs_query(cgroup_fd, &all);
	if (r < 0)
		return r;
	ret->n = 0;
	for (i = 0; i < all.n; i++) {
		autoclose int fd = program_open(all.id[i]);
		struct bpf_prog_info info;

		if (fd >= 0 && program_info(fd, &info) == 0 &&
		    strcmp(info.name, PROGRAM_NAME) == 0)
			ret->id[ret->n++] = all.id[i];
	}
	return 0;
}

/* replaced_fd -1: beside what is there. */
static int program_attach(int cgroup_fd, int fd, int replaced_fd)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup_fd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (replaced_fd >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)replaced_fd;
	}
	return bpf(BPF_PROG_ATTACH, &attr);
}

static int program_detach(int cgroup_fd, uint32_t id)
{
	autoclose int fd = program_open(id);
	union bpf_attr attr;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup_fd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return bpf(BPF_PROG_DETACH, &attr);
}

static int programs_detach(int cgroup_fd, const struct programs *p, uint32_t from)
{
	uint32_t i;
	int r = 0;

	for (i = from; i < p->n && r == 0; i++)
		r = program_detach(cgroup_fd, p->id[i]);
	return r;
}

/* That an attach succeeded is not believed: the kernel is asked what is attached now. */
static int program_verify(int cgroup_fd, int fd)
{
	struct bpf_prog_info info;
	struct programs all;
	uint32_t i;
	int r;

	r = program_info(fd, &info);
	if (r < 0)
		return r;
	r = programs_query(cgroup_fd, &all);
	if (r < 0)
		return r;
	for (i = 0; i < all.n; i++)
		if (all.id[i] == info.id)
			return 0;
	return -ENOENT;
}

static int apply_program(const struct cgroup *cg, const struct devices_filter *f,
			 const struct programs *old)
{
	autofree struct bpf_insn *insns = NULL;
	autoclose int fd = -1, old_fd = -1;
	size_t n;
	int r;

	insns = calloc(DEVICES_INSNS(f->n), sizeof(*insns));
	if (!insns)
		return -ENOMEM;
	devices_compile(f, insns, &n);
	fd = program_load(insns, n);
	if (fd < 0)
		return fd;
	if (old->n) {
		old_fd = program_open(old->id[0]);
		if (old_fd < 0)
			return old_fd;
	}
	r = program_attach(cg->fd, fd, old_fd);
	if (r == 0)
		r = programs_detach(cg->fd, old, 1);
	return r < 0 ? r : program_verify(cg->fd, fd);
}

/* Without the right to load programs, mknod and foreign devices are out of reach anyway. */
static bool apply_is_unprivileged(void)
{
	char map[64];

	if (geteuid() != 0)
		return true;
	return file_read_line(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map)) == 0 &&
	       !strstr(map, " 4294967295");
}

int devices_apply(const struct cgroup *cg, const struct spec_device_rule *rules, size_t n,
		  struct error *e)
{
	struct devices_filter filter;
	struct programs old;
	int r;

	r = devices_normalise(rules, n, &filter, e);
	if (r < 0)
		return r;
	r = programs_query_ours(cg->fd, &old);
	if (r == 0)
		r = devices_allow_all(&filter) ? programs_detach(cg->fd, &old, 0)
					       : apply_program(cg, &filter, &old);
	if (r == 0)
		return 0;
	if ((r == -EPERM || r == -EACCES) && apply_is_unprivileged())
		return 1;
	/* Nothing to keep anybody from, and nothing that keeps him. */
	if (devices_allow_all(&filter) && (r == -ENOSYS || r == -EINVAL))
		return 0;

	error_set(e, -r, "attach the device filter (linux.resources.devices) to %s%s",
		  CGROUP_MOUNT, cg->path);
	if (r == -ENOSYS || r == -EINVAL)
		error_hint(e, "the kernel needs CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF");
	else if (r == -EPERM || r == -EACCES)
		error_hint(e, "CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN, are needed");
	else if (r == -E2BIG || r == -ENOSPC)
		error_hint(e, "give fewer device rules, or detach programs of others");
	else if (r == -ENOENT)
		error_hint(
			e,
			"it was attached and is gone: does somebody else manage this cgroup?");
	return r;
}

int devices_attached(const struct cgroup *cg, struct error *e)
{
	struct programs ours;
	int r;

	r = programs_query_ours(cg->fd, &ours);
	if (r < 0)
		return error_set(e, -r, "ask for the device filter of %s%s", CGROUP_MOUNT,
				 cg->path);
	return (int)ours.n;
}
