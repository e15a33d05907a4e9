/* SPDX-License-Identifier: Apache-2.0 */

/* The files that each of a pod's containers gets: its name, the hosts and name servers it knows, its memory. */
#include "pod_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "pod.h"

#define POD_FILE_MAX (1u << 20)

/* The node's own; where it has none, nothing. */
static int pod_add_file(struct buf *text, const char *of)
{
	autobuf file = { 0 };
	autofree char *path = realpath(of, NULL);

	if (!path || file_read(AT_FDCWD, path, POD_FILE_MAX, &file, NULL) < 0 || !file.len)
		return 0;
	return buf_add(text, file.data, file.len);
}

static int pod_add_words(struct buf *text, const char *begin, char *const *words, size_t n)
{
	size_t i;
	int r = n ? buf_adds(text, begin) : 0;

	for (i = 0; i < n && r == 0; i++)
		r = buf_addf(text, " %s", words[i]);
	return r == 0 && n ? buf_addc(text, '\n') : r;
}

static int pod_add_dns(struct buf *text, const Pb__PodDns *dns)
{
	size_t i;
	int r = pod_add_words(text, "search", dns->searches, dns->n_searches);

	for (i = 0; i < dns->n_servers && r == 0; i++)
		r = buf_addf(text, "nameserver %s\n", dns->servers[i]);
	return r == 0 ? pod_add_words(text, "options", dns->options, dns->n_options) : r;
}

static int pod_add_hostname(struct buf *text, const struct pod *p)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (!str_empty(p->config->hostname))
		return buf_addf(text, "%s\n", p->config->hostname);
	if (gethostname(name, sizeof(name) - 1) < 0)
		return -errno;
	return buf_addf(text, "%s\n", name);
}

static int pod_write_file(const struct pod *p, const char *folder, const char *name,
			  const struct buf *text, struct error *e)
{
	char path[PATH_MAX];
	int r;

	if (str_format(path, sizeof(path), "%s/%s", folder, name) < 0)
		return error_set(e, ENAMETOOLONG, "%s", folder);
	r = file_replace(AT_FDCWD, path, text->data ?: "", text->len, 0644, e);
	return r < 0 ? r : pod_users_own(&p->users, path, e);
}

static int pod_write_etc(const struct pod *p, const char *folder, struct error *e)
{
	autobuf hostname = { .max = POD_FILE_MAX }, hosts = { .max = POD_FILE_MAX };
	autobuf dns = { .max = POD_FILE_MAX };
	int r;

	r = pod_add_hostname(&hostname, p);
	if (r == 0)
		r = pod_add_file(&hosts, "/etc/hosts");
	if (r == 0)
		r = p->config->dns ? pod_add_dns(&dns, p->config->dns)
				   : pod_add_file(&dns, "/etc/resolv.conf");
	if (r < 0)
		return error_set(e, -r, "the pod's files");
	r = pod_write_file(p, folder, "hostname", &hostname, e);
	if (r == 0)
		r = pod_write_file(p, folder, "hosts", &hosts, e);
	return r == 0 ? pod_write_file(p, folder, "resolv.conf", &dns, e) : r;
}

static int pod_make_folder(const struct pod *p, const char *path, mode_t mode, struct error *e)
{
	/* Whatever our mask says. */
	if (mkdir(path, 0700) < 0 || chmod(path, mode) < 0)
		return error_set(e, errno, "make %s", path);
	return pod_users_own(&p->users, path, e);
}

int pod_write_files(const struct pod *p, const char *root, struct error *e)
{
	char etc[PATH_MAX], shm[PATH_MAX];
	int r;

	if (str_format(etc, sizeof(etc), "%s/etc", root) < 0 ||
	    str_format(shm, sizeof(shm), "%s/shm", root) < 0)
		return error_set(e, ENAMETOOLONG, "%s", root);
	r = pod_make_folder(p, etc, 0755, e);
	if (r == 0)
		r = pod_make_folder(p, shm, 01777, e);
	return r == 0 ? pod_write_etc(p, etc, e) : r;
}
