/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "cgroup/cgroup.h"

#define TREE_NAMES_MAX (64u << 20)

/*
 * `todo` is a stack of strings. Each cgroup that was entered has put "" there, and above it the
 * names of those below it; the name right under a "" is that of the cgroup which was entered.
 * Offsets of the listing would be smaller, but kernfs takes them from a hash of the name, and
 * names that collide, which a container can make, would send us round for ever.
 */
struct tree {
	int fd; /* where we stand */
	struct buf todo;
};

static const char *tree_last(const struct tree *t)
{
	const char *p = t->todo.data + t->todo.len - 1;

	while (p > t->todo.data && p[-1] != '\0')
		p--;
	return p;
}

static void tree_pop(struct tree *t)
{
	t->todo.len = (size_t)(tree_last(t) - t->todo.data);
}

static int tree_push(struct tree *t, const char *name)
{
	return buf_add(&t->todo, name, strlen(name) + 1);
}

/* Puts the names of what is below where we stand on the stack. */
static int tree_list(struct tree *t)
{
	_Alignas(struct dirent64) char data[8192];
	ssize_t n;
	int r;

	r = tree_push(t, "");
	if (r < 0)
		return r;
	while ((n = getdents64(t->fd, data, sizeof(data))) > 0) {
		const char *p = data;

		while (p < data + n) {
			const struct dirent64 *d = (const struct dirent64 *)p;

			p += d->d_reclen;
			if (d->d_type != DT_DIR || strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			r = tree_push(t, d->d_name);
			if (r < 0)
				return r;
		}
	}
	return n < 0 && errno != ENOENT ? -errno : 0;
}

static int tree_move(struct tree *t, const char *name)
{
	int fd = openat(t->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(t->fd);
	t->fd = fd;
	return 0;
}

static int tree_enter(struct tree *t, const struct tree_visit *visit, struct error *e)
{
	int r;

	r = visit->enter ? visit->enter(t->fd, visit->arg, e) : 0;
	if (r < 0)
		return r;
	r = tree_list(t);
	return r < 0 ? error_set(e, -r, "list the cgroups below") : 0;
}

/* All below is done: back to the parent. */
static int tree_leave(struct tree *t, const struct tree_visit *visit, struct error *e)
{
	int r;

	tree_pop(t);
	if (t->todo.len == 0)
		return 0;
	r = tree_move(t, "..");
	if (r < 0)
		return error_set(e, -r, "go back to the parent of a cgroup");
	r = visit->leave ? visit->leave(t->fd, tree_last(t), visit->arg, e) : 0;
	tree_pop(t);
	return r;
}

static int tree_step(struct tree *t, const struct tree_visit *visit, struct error *e)
{
	const char *name = tree_last(t);
	int r;

	if (*name == '\0')
		return tree_leave(t, visit, e);
	r = tree_move(t, name);
	if (r == -ENOENT) {
		tree_pop(t);
		return 0;
	}
	if (r < 0)
		return error_set(e, -r, "open the cgroup %s", name);
	return tree_enter(t, visit, e);
}

int tree_walk(const struct cgroup *cg, const struct tree_visit *visit, struct error *e)
{
	struct tree t = { .fd = -1 };
	int r;

	/* A description of its own: cg->fd keeps its position. */
	t.fd = cgroup_file_open(cg, ".", O_RDONLY | O_DIRECTORY, e);
	if (t.fd < 0)
		return t.fd;
	buf_init(&t.todo, TREE_NAMES_MAX);
	r = tree_enter(&t, visit, e);
	while (r == 0 && t.todo.len > 0)
		r = tree_step(&t, visit, e);
	close(t.fd);
	buf_done(&t.todo);
	return r;
}
