/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static const char *const capabilities[] = { "CAP_AUDIT_WRITE", "CAP_KILL",
					    "CAP_NET_BIND_SERVICE", NULL };

static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", NULL
};

static const char *const masked_paths[] = { "/proc/acpi",
					    "/proc/asound",
					    "/proc/kcore",
					    "/proc/keys",
					    "/proc/latency_stats",
					    "/proc/timer_list",
					    "/proc/timer_stats",
					    "/proc/sched_debug",
					    "/sys/firmware",
					    "/proc/scsi",
					    NULL };

static const char *const readonly_paths[] = { "/proc/bus",           "/proc/fs",
					      "/proc/irq",           "/proc/sys",
					      "/proc/sysrq-trigger", NULL };

static const char *const namespaces[] = { "pid",   "network", "ipc", "uts",
					  "mount", "cgroup",  NULL };

static const struct mount {
	const char *destination, *type, *source;
	const char *options[8];
} mounts[] = {
	{ "/proc", "proc", "proc", { NULL } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm",
	  "tmpfs",
	  "shm",
	  { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup",
	  "cgroup",
	  "cgroup",
	  { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

static void put_strings(struct json_writer *w, const char *key, const char *const *list)
{
	json_write_key(w, key);
	json_write_array(w);
	for (; *list; list++)
		json_write_string(w, *list);
	json_write_end(w);
}

static void put_object(struct json_writer *w, const char *key)
{
	json_write_key(w, key);
	json_write_object(w);
}

static void put_array(struct json_writer *w, const char *key)
{
	json_write_key(w, key);
	json_write_array(w);
}

/* Variables of 64 KiB: the kernel takes none above 128 KiB. */
static void write_environment(struct json_writer *w, size_t more)
{
	char variable[65536];
	const char *const *p;

	put_array(w, "env");
	for (p = environment; *p; p++)
		json_write_string(w, *p);
	memset(variable, 'x', sizeof(variable));
	memcpy(variable, "V=", 2);
	while (more > 0) {
		size_t n = more < sizeof(variable) ? more : sizeof(variable);

		json_write_stringn(w, variable, n);
		more -= n;
	}
	json_write_end(w);
}

static void write_process(struct json_writer *w, const struct bundle *b)
{
	put_object(w, "process");
	json_put_bool(w, "terminal", false);
	put_object(w, "user");
	json_put_u64(w, "uid", 0);
	json_put_u64(w, "gid", 0);
	json_write_end(w);
	put_strings(w, "args", b->args);
	write_environment(w, b->environment);
	json_put_string(w, "cwd", "/");
	put_object(w, "capabilities");
	put_strings(w, "bounding", capabilities);
	put_strings(w, "effective", capabilities);
	put_strings(w, "permitted", capabilities);
	json_write_end(w);
	put_array(w, "rlimits");
	json_write_object(w);
	json_put_string(w, "type", "RLIMIT_NOFILE");
	json_put_u64(w, "hard", 1024);
	json_put_u64(w, "soft", 1024);
	json_write_end(w);
	json_write_end(w);
	json_put_bool(w, "noNewPrivileges", true);
	json_write_end(w);
}

static void write_mount(struct json_writer *w, const char *destination, const char *type,
			const char *source, const char *const *options)
{
	json_write_object(w);
	json_put_string(w, "destination", destination);
	json_put_string(w, "type", type);
	json_put_string(w, "source", source);
	if (*options)
		put_strings(w, "options", options);
	json_write_end(w);
}

static void write_mounts(struct json_writer *w, const struct bundle *b)
{
	static const char *const bind[] = { "rbind", "rprivate", "ro", NULL };
	char destination[64];
	unsigned int i;

	put_array(w, "mounts");
	for (i = 0; i < ARRAY_SIZE(mounts); i++)
		write_mount(w, mounts[i].destination, mounts[i].type, mounts[i].source,
			    mounts[i].options);
	for (i = 0; i < b->mounts; i++) {
		str_format(destination, sizeof(destination), "/mnt/%u", i);
		write_mount(w, destination, "bind", b->source, bind);
	}
	json_write_end(w);
}

static void write_cgroup(struct json_writer *w, const struct bundle *b)
{
	json_put_string(w, "cgroupsPath", b->cgroups_path);
	put_object(w, "resources");
	put_array(w, "devices");
	json_write_object(w);
	json_put_bool(w, "allow", false);
	json_put_string(w, "access", "rwm");
	json_write_end(w);
	json_write_end(w);
	json_write_end(w);
}

static void write_masked(struct json_writer *w, unsigned int more)
{
	const char *const *p;
	char path[64];
	unsigned int i;

	put_array(w, "maskedPaths");
	for (p = masked_paths; *p; p++)
		json_write_string(w, *p);
	for (i = 0; i < more; i++) {
		str_format(path, sizeof(path), "/masked/%u", i);
		json_write_string(w, path);
	}
	json_write_end(w);
}

static void write_linux(struct json_writer *w, const struct bundle *b)
{
	const char *const *p;

	put_object(w, "linux");
	if (b->cgroups_path)
		write_cgroup(w, b);
	put_array(w, "namespaces");
	for (p = namespaces; *p; p++) {
		json_write_object(w);
		json_put_string(w, "type", *p);
		json_write_end(w);
	}
	json_write_end(w);
	write_masked(w, b->masked);
	put_strings(w, "readonlyPaths", readonly_paths);
	if (b->seccomp) {
		json_write_key(w, "seccomp");
		json_write_tree(w, b->seccomp);
	}
	json_write_end(w);
}

static void write_annotations(struct json_writer *w, size_t bytes)
{
	char key[64], value[1000];
	unsigned int i;

	put_object(w, "annotations");
	memset(value, 'x', sizeof(value));
	for (i = 0; bytes > 0; i++) {
		size_t n = bytes < sizeof(value) ? bytes : sizeof(value);

		str_format(key, sizeof(key), "com.example.bench.%u", i);
		json_write_key(w, key);
		json_write_stringn(w, value, n);
		bytes -= n;
	}
	json_write_end(w);
}

static void write_config(struct json_writer *w, const struct bundle *b)
{
	json_write_object(w);
	json_put_string(w, "ociVersion", "1.0.0");
	write_process(w, b);
	put_object(w, "root");
	json_put_string(w, "path", b->rootfs);
	json_put_bool(w, "readonly", true);
	json_write_end(w);
	json_put_string(w, "hostname", "bench");
	write_mounts(w, b);
	if (b->annotations > 0)
		write_annotations(w, b->annotations);
	write_linux(w, b);
	json_write_end(w);
}

int bundle_write(const char *dir, const struct bundle *b, struct error *e)
{
	autojson *w = json_writer_new(true);
	autoclose int fd = -1;
	autobuf text = { 0 };
	int r;

	if (!w)
		return error_set(e, ENOMEM, "%s/config.json", dir);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return error_set(e, errno, "make %s", dir);
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(e, errno, "open %s", dir);
	buf_init(&text, JSON_MAX_BYTES);
	write_config(w, b);
	r = json_writer_end(w, &text);
	if (r < 0)
		return error_set(e, -r, "%s/config.json", dir);
	return file_replace(fd, "config.json", text.data, text.len, 0644, e);
}

/* --- the root ----------------------------------------------------------------------------- */

static int copy_program(const char *from, int dirfd, const char *to, struct error *e)
{
	autoclose int in = open(from, O_RDONLY | O_CLOEXEC);
	autoclose int out = openat(dirfd, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;
	off_t left;

	if (in < 0 || fstat(in, &st) < 0)
		return error_set(e, errno, "read %s", from);
	if (out < 0)
		return error_set(e, errno, "make %s", to);
	for (left = st.st_size; left > 0;) {
		ssize_t n = sendfile(out, in, NULL, (size_t)left);

		if (n <= 0)
			return error_set(e, n < 0 ? errno : EIO, "copy %s", from);
		left -= n;
	}
	return 0;
}

static int make_places(int root, unsigned int mount_count, unsigned int masked, struct error *e)
{
	char path[64];
	unsigned int i;
	int fd;

	for (i = 0; i < mount_count; i++) {
		str_format(path, sizeof(path), "mnt/%u", i);
		if (mkdirat(root, path, 0755) < 0)
			return error_set(e, errno, "make %s", path);
	}
	for (i = 0; i < masked; i++) {
		str_format(path, sizeof(path), "masked/%u", i);
		fd = openat(root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return error_set(e, errno, "make %s", path);
		close(fd);
	}
	return 0;
}

int bundle_make_root(const char *rootfs, const char *true_path, const char *busybox,
		     unsigned int mount_count, unsigned int masked, struct error *e)
{
	static const char *const folders[] = { "bin",  "dev", "etc", "mnt", "masked",
					       "proc", "sys", "tmp", NULL };
	const char *const *p;
	autoclose int root = -1;
	int r;

	if (mkdir(rootfs, 0755) < 0)
		return error_set(e, errno, "make %s", rootfs);
	root = open(rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_set(e, errno, "open %s", rootfs);
	for (p = folders; *p; p++) {
		if (mkdirat(root, *p, 0755) < 0)
			return error_set(e, errno, "make %s/%s", rootfs, *p);
	}
	r = copy_program(true_path, root, "bin/true", e);
	if (r == 0)
		r = copy_program(busybox, root, "bin/busybox", e);
	if (r < 0)
		return r;
	if (symlinkat("busybox", root, "bin/sleep") < 0)
		return error_set(e, errno, "make %s/bin/sleep", rootfs);
	return make_places(root, mount_count, masked, e);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int bundle_remove_tree(const char *path, struct error *e)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_MOUNT | FTW_PHYS) < 0 && errno != ENOENT)
		return error_set(e, errno, "remove %s", path);
	return 0;
}
