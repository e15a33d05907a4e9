/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup1.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/pids.h"

#define CGROUP1_PIDS_MAX (1u << 20) /* bytes of cgroup.procs */

bool cgroup1_is_mounted(void)
{
	struct statfs about;

	return statfs(CGROUP_MOUNT, &about) == 0 && about.f_type != CGROUP2_SUPER_MAGIC;
}

int cgroup1_of(pid_t pid, char *dst, size_t size, struct error *e)
{
	autofree char *own = calloc(1, size);
	char path[64];
	int r;

	*dst = '\0';
	if (!own)
		return error_set(e, ENOMEM, "cgroups");
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	r = file_read_line(AT_FDCWD, path, dst, size);
	if (r < 0)
		return error_set(e, -r, "read %s", path);
	r = file_read_line(AT_FDCWD, "/proc/self/cgroup", own, size);
	if (r < 0)
		return error_set(e, -r, "read /proc/self/cgroup");
	if (str_eq(dst, own))
		*dst = '\0';
	return 0;
}

/* Of "7:cpu,cpuacct:/path", the path, if it has the controller; its length is *len. */
static const char *cgroup1_path(const char *line, const char *controller, size_t *len)
{
	const char *names = strchr(line, ':'), *end;
	size_t n = strlen(controller), name;

	if (!names)
		return NULL;
	end = strchr(++names, ':');
	for (; end && names < end; names += name + 1) {
		name = strcspn(names, ",:");
		if (name == n && memcmp(names, controller, n) == 0) {
			*len = strcspn(end + 1, "\n");
			return end + 1;
		}
	}
	return NULL;
}

int cgroup1_open(const char *lines, const char *controller)
{
	const char *line = lines, *found = NULL;
	char path[CGROUP_PATH_MAX];
	size_t len = 0;
	int fd;

	while (!found && *line) {
		found = cgroup1_path(line, controller, &len);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	if (!found)
		return -ENOENT;
	if (str_format(path, sizeof(path), CGROUP_MOUNT "/%s%.*s", controller, (int)len,
		       found) < 0)
		return -ENAMETOOLONG;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* --- processes --------------------------------------------------------------------------------- */

static int cgroup1_open_any(const char *lines)
{
	static const char *const controllers[] = { "pids", "memory", "devices", "freezer",
						   "cpu" };
	size_t i;
	int fd = -ENOENT;

	for (i = 0; i < ARRAY_SIZE(controllers) && fd < 0; i++)
		fd = cgroup1_open(lines, controllers[i]);
	return fd;
}

int cgroup1_pids(const char *lines, struct cgroup_pids *ret)
{
	autobuf text = { .max = CGROUP1_PIDS_MAX };
	autoclose int dir_fd = cgroup1_open_any(lines), fd = -1;
	char *line, *save = NULL;
	uint32_t pid;
	size_t n = 1;
	const char *c;
	int r;

	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = buf_read_fd(&text, fd);
	if (r < 0)
		return r;
	for (c = text.data; c && *c; c++)
		n += *c == '\n';
	ret->v = calloc(n, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	for (line = text.data ? strtok_r(text.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		if (str_to_u32(line, &pid) == 0 && pid)
			ret->v[ret->n++] = (pid_t)pid;
	return 0;
}

/* --- memory ------------------------------------------------------------------------------------ */

int cgroup1_watch_oom(const char *lines, int *ret_event_fd, int *ret_control_fd)
{
	autoclose int dir_fd = cgroup1_open(lines, "memory"), event_fd = -1, control_fd = -1;
	char words[32];
	int r;

	if (dir_fd < 0)
		return dir_fd;
	control_fd = openat(dir_fd, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control_fd < 0 || event_fd < 0)
		return -errno;
	snprintf(words, sizeof(words), "%d %d", event_fd, control_fd);
	r = file_write(dir_fd, "cgroup.event_control", words);
	if (r < 0)
		return r;
	*ret_event_fd = take_fd(&event_fd);
	*ret_control_fd = take_fd(&control_fd);
	return 0;
}

int cgroup1_oom_kills(int control_fd, uint64_t *ret)
{
	char text[256];
	ssize_t n = pread(control_fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	/* Linux before 4.13 does not say. */
	return cgroup_key_u64(text, "oom_kill", ret) ? 0 : -ENODATA;
}
