/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "policy/field.h"
#include "spec/spec.h"

#define HOOK_MAX (256u << 20) /* of a program whose digest is asked for */

/* --- what we have ourselves ---------------------------------------------------------------------- */

static int host_rlimit(void *arg, int resource, struct rlimit *ret)
{
	(void)arg;
	return getrlimit((__rlimit_resource_t)resource, ret) < 0 ? -errno : 0;
}

static int host_oom_score_adj(void *arg, int64_t *ret)
{
	char text[16] = "";
	int r = file_read_line(AT_FDCWD, "/proc/self/oom_score_adj", text, sizeof(text));

	(void)arg;
	return r < 0 ? r : str_to_i64(text, ret);
}

/* --- namespaces ---------------------------------------------------------------------------------- */

static int host_namespace(void *arg, enum spec_ns ns, const char *path)
{
	char own[64];
	struct stat a, b;

	(void)arg;
	snprintf(own, sizeof(own), "/proc/self/ns/%s", spec_ns_proc_name(ns));
	if (stat(path, &a) < 0 || stat(own, &b) < 0)
		return -errno;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* --- sources ------------------------------------------------------------------------------------- */

static int source_open(struct policy_host *h, size_t i, const char *source)
{
	char path[PATH_MAX];

	if (i >= h->n_sources)
		return -EINVAL;
	if (h->sources[i] >= 0)
		return h->sources[i];
	if (str_format(path, sizeof(path), "%s%s%s", source[0] == '/' ? "" : h->bundle,
		       source[0] == '/' ? "" : "/", source) < 0)
		return -ENAMETOOLONG;
	h->sources[i] = open(path, O_PATH | O_CLOEXEC);
	return h->sources[i] < 0 ? -errno : h->sources[i];
}

/* Where the kernel says it is now. */
static int path_of_open(int fd, char *dst, size_t size)
{
	char link[PATH_FD_MAX];
	ssize_t n = readlink(path_of_fd(link, fd), dst, size);

	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -ENAMETOOLONG;
	dst[n] = '\0';
	return 0;
}

/*
 * Whether `path` or a folder above it is this inode: then it lies below it, also where another mount
 * shows the same folder under another name.
 */
static int path_passes(const char *path, const struct stat *wanted)
{
	char part[PATH_MAX];
	struct stat st;
	char *slash;

	if (str_copy(part, sizeof(part), path) < 0)
		return -ENAMETOOLONG;
	while (part[0] == '/') {
		if (lstat(part[1] ? part : "/", &st) == 0 && st.st_dev == wanted->st_dev &&
		    st.st_ino == wanted->st_ino)
			return 1;
		slash = strrchr(part, '/');
		if (!slash || !part[1])
			break;
		slash[slash == part] = '\0';
	}
	return 0;
}

/* `mounted`: what lies below it may be another file system by now, and then is none of it. */
static int open_reaches(int fd, const char *denied, bool mounted)
{
	char at[PATH_MAX] = "", denied_at[PATH_MAX] = "";
	autoclose int denied_fd = -1;
	struct stat st, denied_st;
	int r;

	denied_fd = open(denied, O_PATH | O_CLOEXEC);
	if (denied_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || fstat(denied_fd, &denied_st) < 0)
		return -errno;
	r = path_of_open(fd, at, sizeof(at));
	if (r == 0)
		r = path_of_open(denied_fd, denied_at, sizeof(denied_at));
	if (r < 0)
		return r;
	/* Everything is below the root: that denies the root alone, and what holds a denied path. */
	if (merge_path_below(denied_at, at))
		return 1;
	if (mounted && st.st_dev != denied_st.st_dev)
		return 0;
	if (denied_at[1] && merge_path_below(at, denied_at))
		return 1;
	if (!denied_at[1])
		return st.st_dev == denied_st.st_dev && st.st_ino == denied_st.st_ino;
	r = path_passes(at, &denied_st);
	return r ? r : path_passes(denied_at, &st);
}

static int host_source(void *arg, size_t i, const char *source, const char *denied)
{
	int fd = source_open(arg, i, source);

	return fd < 0 ? fd : open_reaches(fd, denied, false);
}

static int host_path(void *arg, const char *path, const char *denied)
{
	autoclose int fd = open(path, O_PATH | O_CLOEXEC);

	(void)arg;
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	return open_reaches(fd, denied, false);
}

static int host_root(void *arg, const char *path, const char *denied)
{
	const struct policy_host *h = arg;
	char whole[PATH_MAX];
	autoclose int fd = -1;

	if (str_format(whole, sizeof(whole), "%s%s%s", path[0] == '/' ? "" : h->bundle,
		       path[0] == '/' ? "" : "/", path) < 0)
		return -ENAMETOOLONG;
	fd = open(whole, O_PATH | O_CLOEXEC);
	if (fd < 0) /* then there is no container either */
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	return open_reaches(fd, denied, true);
}

int policy_host_pin(const struct policy_host *h, struct spec *spec, struct arena *a,
		    struct error *e)
{
	struct spec_mount *v;
	char path[PATH_FD_MAX];
	size_t i;
	int n = 0;

	for (i = 0; i < h->n_sources; i++)
		n += h->sources[i] >= 0;
	if (n == 0)
		return 0;
	v = arena_array(a, spec->n_mounts, sizeof(*v));
	if (!v)
		return error_set(e, ENOMEM, "mounts");
	memcpy(v, spec->mounts, spec->n_mounts * sizeof(*v));
	for (i = 0; i < spec->n_mounts && i < h->n_sources; i++) {
		if (h->sources[i] < 0)
			continue;
		v[i].source = arena_strdup(a, path_of_fd(path, h->sources[i]));
		if (!v[i].source)
			return error_set(e, ENOMEM, "mounts");
	}
	spec->mounts = v;
	return n;
}

/* --- hooks --------------------------------------------------------------------------------------- */

static int host_hook(void *arg, const char *path, char ret[SHA256_HEX])
{
	uint8_t digest[SHA256_SIZE];
	autobuf text = { 0 };
	int r;

	(void)arg;
	r = file_read(AT_FDCWD, path, HOOK_MAX, &text, NULL);
	if (r < 0)
		return r;
	sha256(text.data ?: "", text.len, digest);
	sha256_hex(digest, ret);
	return 0;
}

/* --- what there is ------------------------------------------------------------------------------- */

/* "hugepages-2048kB" is "2MB" in the names of a cgroup's files. */
static char *page_size_name(struct arena *a, const char *entry)
{
	unsigned long kb = 0;

	if (sscanf(entry, "hugepages-%lukB", &kb) != 1 || kb == 0)
		return NULL;
	if (kb >= 1u << 20)
		return arena_printf(a, "%luGB", kb >> 20);
	return kb >= 1u << 10 ? arena_printf(a, "%luMB", kb >> 10)
			      : arena_printf(a, "%luKB", kb);
}

/* Of a disk of no size, as of a loop device that is free, nothing is read. */
static char *disk_number(struct arena *a, const char *entry)
{
	char path[PATH_MAX], text[32];

	if (str_format(path, sizeof(path), "/sys/block/%s/size", entry) < 0 ||
	    file_read_line(AT_FDCWD, path, text, sizeof(text)) < 0 || str_eq(text, "0") ||
	    str_format(path, sizeof(path), "/sys/block/%s/dev", entry) < 0 ||
	    file_read_line(AT_FDCWD, path, text, sizeof(text)) < 0)
		return NULL;
	return arena_strdup(a, text);
}

static char *same_name(struct arena *a, const char *entry)
{
	return arena_strdup(a, entry);
}

static int host_names(void *arg, enum policy_names which, struct arena *a,
		      struct spec_strings *ret)
{
	static const struct {
		const char *folder;
		char *(*name)(struct arena *a, const char *entry);
	} places[] = {
		[POLICY_DISKS] = { "/sys/block", disk_number },
		[POLICY_PAGE_SIZES] = { "/sys/kernel/mm/hugepages", page_size_name },
		[POLICY_RDMA] = { "/sys/class/infiniband", same_name },
	};
	DIR *dir = opendir(places[which].folder);
	struct dirent *entry;
	char *name, **more;

	(void)arg;
	*ret = (struct spec_strings){ 0 };
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		name = entry->d_name[0] == '.' ? NULL : places[which].name(a, entry->d_name);
		if (!name)
			continue;
		more = arena_array(a, ret->n + 2, sizeof(*more));
		if (!more)
			break;
		if (ret->n)
			memcpy(more, ret->v, ret->n * sizeof(*more));
		more[ret->n++] = name;
		ret->v = more;
	}
	closedir(dir);
	return entry ? -ENOMEM : 0;
}

/* --- begin and end ------------------------------------------------------------------------------- */

int policy_host_init(struct policy_host *h, const char *bundle, size_t n_mounts,
		     struct error *e)
{
	*h = (struct policy_host){ .bundle = bundle };
	h->sources = calloc(n_mounts + 1, sizeof(*h->sources));
	if (!h->sources)
		return error_set(e, ENOMEM, "node policies");
	memset(h->sources, 0xff, (n_mounts + 1) * sizeof(*h->sources));
	h->n_sources = n_mounts;
	h->facts.arg = h;
	h->facts.cgroup = "";
	h->facts.inherited_rlimit = host_rlimit;
	h->facts.inherited_oom_score_adj = host_oom_score_adj;
	h->facts.namespace_is_host = host_namespace;
	h->facts.source_reaches = host_source;
	h->facts.path_reaches = host_path;
	h->facts.root_reaches = host_root;
	h->facts.names = host_names;
	h->facts.hook_digest = host_hook;
	return 0;
}

void policy_host_done(struct policy_host *h)
{
	size_t i;

	for (i = 0; h->sources && i < h->n_sources; i++)
		mem_closep(&h->sources[i]);
	free(h->sources);
	*h = POLICY_HOST_NONE;
}
