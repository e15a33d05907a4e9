/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroup/path.h"

void cgroup_done(struct cgroup *cg)
{
	if (cg->fd >= 0)
		close(cg->fd);
	if (cg->mount_fd >= 0)
		close(cg->mount_fd);
	*cg = CGROUP_NONE;
}

int cgroup_mount_open(struct error *e)
{
	autoclose int fd = -1;
	struct statfs sb;

	fd = open(CGROUP_MOUNT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(e, errno, "open %s", CGROUP_MOUNT);
	if (fstatfs(fd, &sb) < 0)
		return error_set(e, errno, "statfs %s", CGROUP_MOUNT);
	if (sb.f_type != CGROUP2_SUPER_MAGIC) {
		error_say(e, ENOTSUP, "no cgroup2 file system is mounted at %s", CGROUP_MOUNT);
		error_hint(e, "this host uses cgroup v1 or the hybrid layout: boot it with "
			      "systemd.unified_cgroup_hierarchy=1, or run without cgroups "
			      "(--cgroup-manager=disabled)");
		return -ENOTSUP;
	}
	return take_fd(&fd);
}

int cgroup_open(const char *path, struct cgroup *ret, struct error *e)
{
	autocgroup cg = CGROUP_NONE;
	char shown[128];

	/* Also what a state file kept comes through here. */
	if (!cgroup_path_is_clean(path))
		return error_say(e, EINVAL, "\"%s\" is no clean path of a cgroup",
				 str_show(shown, sizeof(shown), path));
	cg.mount_fd = cgroup_mount_open(e);
	if (cg.mount_fd < 0)
		return cg.mount_fd;
	cg.fd = path_open_strict(cg.mount_fd, path, O_RDONLY | O_DIRECTORY, 0, 0);
	if (cg.fd < 0)
		return error_set(e, -cg.fd, "open the cgroup %s%s", CGROUP_MOUNT, path);
	strcpy(cg.path, path);
	*ret = cg;
	cg = CGROUP_NONE;
	return 0;
}

static int cgroup_absent(struct error *e)
{
	error_say(e, ENOTSUP, "the container has no cgroup");
	error_hint(
		e,
		"it was made without one: by --cgroup-manager=disabled, or rootless where no "
		"cgroup is delegated to the user");
	return -ENOTSUP;
}

static bool cgroup_goes_up(const char *sub)
{
	const char *p;

	for (p = sub; (p = strstr(p, "..")); p += 2)
		if ((p == sub || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

int cgroup_open_below(const struct cgroup *cg, const char *sub, struct cgroup *ret,
		      struct error *e)
{
	char rest[CGROUP_PATH_MAX], path[CGROUP_PATH_MAX], shown[128];

	if (cg->fd < 0)
		return cgroup_absent(e);
	if (cgroup_goes_up(sub))
		return error_say(e, EINVAL,
				 "the sub-cgroup \"%s\": `..` components are not allowed",
				 str_show(shown, sizeof(shown), sub));
	if (path_clean(rest, sizeof(rest), sub) < 0 ||
	    str_format(path, sizeof(path), "%s%s", strcmp(cg->path, "/") == 0 ? "" : cg->path,
		       strcmp(rest, "/") == 0 ? "" : rest) < 0)
		return error_say(e, ENAMETOOLONG, "the sub-cgroup \"%s\": too long",
				 str_show(shown, sizeof(shown), sub));
	return cgroup_open(*path ? path : "/", ret, e);
}

/* --- files -------------------------------------------------------------------------------- */

/* "/sys/fs/cgroup/c1/memory.max" in pieces, for messages. */
#define CGROUP_FILE_FMT        "%s%s/%s"
#define CGROUP_FILE_ARG(cg, f) CGROUP_MOUNT, strcmp((cg)->path, "/") == 0 ? "" : (cg)->path, (f)

int cgroup_file_open(const struct cgroup *cg, const char *file, int flags, struct error *e)
{
	int fd;

	if (cg->fd < 0)
		return cgroup_absent(e);
	fd = openat(cg->fd, file, flags | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_set(e, errno, "open " CGROUP_FILE_FMT, CGROUP_FILE_ARG(cg, file));
	return fd;
}

/*
 * Fills dst. The kernel hands out as much as fits into a page at once, so what is much shorter
 * than that was everything, and the read that would only say so is saved.
 */
static ssize_t cgroup_read_fd(int fd, char *dst, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, dst + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
		if (n < 2048)
			break;
	}
	return (ssize_t)len;
}

int cgroup_read(const struct cgroup *cg, const char *file, char *dst, size_t size,
		struct error *e)
{
	autoclose int fd = -1;
	ssize_t n;

	fd = cgroup_file_open(cg, file, O_RDONLY, e);
	if (fd < 0)
		return fd;
	n = cgroup_read_fd(fd, dst, size);
	if (n >= 0 && (size_t)n == size)
		n = -EFBIG;
	if (n < 0)
		return error_set(e, (int)-n, "read " CGROUP_FILE_FMT,
				 CGROUP_FILE_ARG(cg, file));
	if (n > 0 && dst[n - 1] == '\n')
		n--;
	dst[n] = '\0';
	return (int)n;
}

int cgroup_write(const struct cgroup *cg, const char *file, const char *value, struct error *e)
{
	autoclose int fd = -1;
	const char *text = *value ? value : "\n"; /* nothing written would be nothing done */
	char shown[128];
	ssize_t n;

	fd = cgroup_file_open(cg, file, O_WRONLY, e);
	if (fd < 0)
		return fd;
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(e, errno, "write \"%s\" to " CGROUP_FILE_FMT,
				 str_show(shown, sizeof(shown), value),
				 CGROUP_FILE_ARG(cg, file));
	return 0;
}

int cgroup_read_u64(const struct cgroup *cg, const char *file, uint64_t *ret, struct error *e)
{
	char text[64];
	int r;

	r = cgroup_read(cg, file, text, sizeof(text), e);
	if (r < 0)
		return r;
	if (strcmp(text, "max") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	r = str_to_u64(text, ret);
	if (r < 0)
		return error_say(e, -r, CGROUP_FILE_FMT " says \"%s\", which is no number",
				 CGROUP_FILE_ARG(cg, file), text);
	return 0;
}

bool cgroup_key_u64(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	while (*text) {
		size_t line = strcspn(text, "\n");

		if (line > len && text[len] == ' ' && strncmp(text, key, len) == 0) {
			char number[24];

			if (line - len - 1 >= sizeof(number))
				return false;
			memcpy(number, text + len + 1, line - len - 1);
			number[line - len - 1] = '\0';
			return str_to_u64(number, ret) == 0;
		}
		text += line;
		text += *text == '\n';
	}
	return false;
}

int cgroup_attach(const struct cgroup *cg, pid_t pid, struct error *e)
{
	char text[16];
	int r;

	snprintf(text, sizeof(text), "%d", (int)pid);
	r = cgroup_write(cg, "cgroup.procs", text, e);
	if (r == -EBUSY)
		error_hint(e, "the cgroup gives controllers to its children, so it can hold no "
			      "process itself: name one of the children");
	if (r == -EOPNOTSUPP)
		error_hint(e, "the cgroup is in threaded mode or next to one that is");
	return r;
}

/* --- controllers -------------------------------------------------------------------------- */

static const char *const controller_names[] = {
	[CGROUP_CPU] = "cpu",       [CGROUP_CPUSET] = "cpuset",   [CGROUP_IO] = "io",
	[CGROUP_MEMORY] = "memory", [CGROUP_HUGETLB] = "hugetlb", [CGROUP_PIDS] = "pids",
	[CGROUP_RDMA] = "rdma",     [CGROUP_MISC] = "misc",       [CGROUP_DMEM] = "dmem",
	[CGROUP_CORE] = "cgroup",
};

const char *cgroup_controller_name(enum cgroup_controller controller)
{
	return controller_names[controller];
}

uint32_t cgroup_controllers_parse(const char *text)
{
	uint32_t bits = 0;

	while (*text) {
		size_t len = strcspn(text, " \n"), i;

		for (i = 0; i < CGROUP_CONTROLLERS; i++)
			if (strlen(controller_names[i]) == len &&
			    strncmp(controller_names[i], text, len) == 0)
				bits |= CGROUP_BIT(i);
		text += len;
		text += strspn(text, " \n");
	}
	return bits;
}

int cgroup_controllers(const struct cgroup *cg, uint32_t *ret, struct error *e)
{
	char text[256];
	int r;

	r = cgroup_read(cg, "cgroup.controllers", text, sizeof(text), e);
	if (r < 0)
		return r;
	*ret = cgroup_controllers_parse(text);
	return 0;
}
