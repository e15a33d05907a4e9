/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "policy/parse.h"
#include "policy/policy.h"
#include "policy/signature.h"

#define ARENA_CEILING (256u << 20)
#define KEPT_MAX      (64u << 20)

/* --- one file ------------------------------------------------------------------------------------ */

static int load_check(const char *path, const struct stat *st, struct error *e)
{
	if (!proc_is_root(st->st_uid) && st->st_uid != geteuid()) {
		error_say(e, EPERM, "node policy %s belongs to user %u, not to root", path,
			  st->st_uid);
		error_hint(e, "chown root %s, after a look at what it says", path);
		return -EPERM;
	}
	if (st->st_mode & 022) {
		error_say(e, EPERM, "node policy %s may be written by others (mode %04o)", path,
			  st->st_mode & 07777);
		error_hint(e, "chmod go-w %s, after a look at what it says", path);
		return -EPERM;
	}
	return 0;
}

/* An open descriptor to its text in the arena. */
static int load_text(struct arena *a, int fd, const char *path, const char **ret,
		     size_t *ret_len, struct error *e)
{
	autobuf text = { .max = POLICY_MAX_BYTES };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return error_set(e, errno, "node policy %s: stat", path);
	if (!S_ISREG(st.st_mode))
		return error_say(e, EINVAL, "node policy %s is no regular file", path);
	r = load_check(path, &st, e);
	if (r < 0)
		return r;
	r = buf_read_fd(&text, fd);
	if (r == -EFBIG)
		return error_say(e, EFBIG, "node policy %s is larger than %u bytes", path,
				 POLICY_MAX_BYTES);
	if (r < 0)
		return error_set(e, -r, "node policy %s: read", path);
	*ret = arena_strndup(a, text.data ?: "", text.len);
	*ret_len = text.len;
	return *ret ? 0 : error_set(e, ENOMEM, "node policy %s", path);
}

/* O_NONBLOCK: a FIFO in the file's place must not hang us. */
static int load_open(int dir_fd, const char *name, const char *path, struct error *e)
{
	int fd =
		openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ELOOP) {
		error_say(e, ELOOP, "node policy %s is a symlink", path);
		error_hint(e, "put the file itself there");
		return -ELOOP;
	}
	return fd < 0 ? error_set(e, errno, "node policy %s: open", path) : fd;
}

/* --- signatures ---------------------------------------------------------------------------------- */

/* What a load goes by. */
struct load {
	struct policy_set *set;
	bool is_signed; /* everything must be */
	struct signature_keys *keys;
};

static int load_keys(struct load *l, const char *path, struct error *e)
{
	const char *text = "";
	autoclose int fd = -1;
	size_t len = 0;
	int r;

	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return -ENOENT;
	l->keys = arena_alloc(&l->set->arena, sizeof(*l->keys));
	if (!l->keys)
		return error_set(e, ENOMEM, "node policies");
	l->is_signed = true;
	fd = load_open(AT_FDCWD, path, path, e);
	if (fd < 0)
		return fd;
	r = load_text(&l->set->arena, fd, path, &text, &len, e);
	return r < 0 ? r : signature_keys_parse(l->keys, path, text, len, e);
}

static int load_node_keys(struct load *l, struct error *e)
{
	int r = load_keys(l, POLICY_KEYS, e);

	return r == -ENOENT && !l->is_signed ? 0 : r;
}

/* `name` below dir_fd has this text; FILE.sig beside it says who stands for that. */
static int load_check_signature(const struct load *l, int dir_fd, const char *name,
				const char *path, const char *data, size_t len, struct error *e)
{
	const char *sig_name, *sig = "";
	autoclose int fd = -1;
	size_t sig_len = 0;
	int r;

	if (!l->is_signed)
		return 0;
	sig_name = arena_printf(&l->set->arena, "%s.sig", name);
	if (!sig_name)
		return error_set(e, ENOMEM, "node policies");
	fd = path_open_strict(dir_fd, sig_name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, 1);
	if (fd < 0) {
		error_say(
			e, EKEYREJECTED,
			"%s is not signed: open %s.sig: %s; this node has keys in " POLICY_KEYS,
			path, path, strerror(-fd));
		error_hint(e, "`strake policy sign --key FILE %s`", path);
		return -EKEYREJECTED;
	}
	r = load_text(&l->set->arena, fd, sig_name, &sig, &sig_len, e);
	return r < 0 ? r : signature_check(l->keys, path, data, len, sig, sig_len, e);
}

/* Beside the policy's file unless it is absolute; no part of the path may be a symlink. */
static int load_profile(const struct load *l, int dir_fd, const struct policy_rule *rule,
			struct policy_profile *p, struct error *e)
{
	autoclose int root_fd = -1, fd = -1;
	int r;

	if (p->name[0] == '/')
		root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = path_open_strict(root_fd >= 0 ? root_fd : dir_fd, p->name,
			      O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, 1);
	if (fd < 0)
		return error_set(e, -fd, "rule \"%s\": open the seccomp profile %s", rule->name,
				 p->name);
	r = load_text(&l->set->arena, fd, p->name, &p->text, &p->len, e);
	if (r == 0)
		r = load_check_signature(l, root_fd >= 0 ? root_fd : dir_fd, p->name, p->name,
					 p->text, p->len, e);
	return r < 0 ? error_prefix(e, "rule \"%s\"", rule->name) : 0;
}

static int load_profiles(const struct load *l, struct policy *p, int dir_fd, struct error *e)
{
	size_t i, k;
	int r = 0;

	for (i = 0; r == 0 && i < p->n_rules; i++) {
		struct policy_seccomp *s = &p->rules[i].seccomp;

		if (s->profile.name)
			r = load_profile(l, dir_fd, &p->rules[i], &s->profile, e);
		for (k = 0; r == 0 && k < s->n_ceilings; k++)
			r = load_profile(l, dir_fd, &p->rules[i], &s->ceilings[k], e);
	}
	return r < 0 ? error_prefix(e, "node policy %s", p->file) : 0;
}

/* --- the set ------------------------------------------------------------------------------------- */

static int set_begin(struct policy_set *s, struct error *e)
{
	if (s->policies)
		return 0;
	if (!s->arena.ceiling)
		arena_init(&s->arena, ARENA_CEILING);
	/* Room for those of the node, and for those that a container was made under. */
	s->policies = arena_array(&s->arena, 2ul * POLICY_MAX_FILES, sizeof(*s->policies));
	return s->policies ? 0 : error_set(e, ENOMEM, "node policies");
}

static bool set_has(const struct policy_set *s, const struct policy *p)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (str_eq(s->policies[i].digest, p->digest))
			return true;
	return false;
}

static int set_full(const char *what, struct error *e)
{
	return error_say(e, E2BIG, "%s: more than %d node policies", what, POLICY_MAX_FILES);
}

static int load_file(const struct load *l, int dir_fd, const char *name, const char *path,
		     struct error *e)
{
	struct policy_set *s = l->set;
	struct policy *p = &s->policies[s->n];
	autoclose int fd = -1;
	const char *text = "";
	size_t len = 0;
	int r;

	fd = load_open(dir_fd, name, path, e);
	if (fd < 0)
		return fd;
	r = load_text(&s->arena, fd, path, &text, &len, e);
	if (r == 0)
		r = load_check_signature(l, dir_fd, name, path, text, len, e);
	if (r < 0)
		return r;
	r = policy_parse(&s->arena, path, text, len, p, e);
	if (r == 0)
		r = load_profiles(l, p, dir_fd, e);
	if (r == 0)
		s->n++;
	return r;
}

static int is_policy(const struct dirent *d)
{
	return d->d_name[0] != '.' && str_ends(d->d_name, ".json");
}

static void names_free(struct dirent **names, int n)
{
	int i;

	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static int load_folder(const struct load *l, int dir_fd, const char *folder, struct error *e)
{
	struct dirent **names = NULL;
	struct stat st;
	int i, n, r;

	if (fstat(dir_fd, &st) < 0)
		return error_set(e, errno, "node policy %s: stat", folder);
	r = load_check(folder, &st, e);
	if (r < 0)
		return r;
	n = scandirat(dir_fd, ".", &names, is_policy, alphasort);
	if (n < 0)
		return error_set(e, errno, "node policy %s: list", folder);
	if (n > POLICY_MAX_FILES)
		r = set_full(folder, e);
	for (i = 0; r == 0 && i < n; i++) {
		const char *path =
			arena_printf(&l->set->arena, "%s/%s", folder, names[i]->d_name);

		r = path ? load_file(l, dir_fd, names[i]->d_name, path, e)
			 : error_set(e, ENOMEM, "node policies");
	}
	names_free(names, n);
	return r;
}

/* The folder of a file, and the name in it. */
static int load_open_folder(const struct load *l, const char *path, const char **name,
			    struct error *e)
{
	const char *slash = strrchr(path, '/'), *folder = ".";
	int fd;

	if (slash)
		folder = arena_strndup(&l->set->arena, path, (size_t)(slash - path) + 1);
	if (!folder)
		return error_set(e, ENOMEM, "node policies");
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*name = slash ? slash + 1 : path;
	return fd < 0 ? error_set(e, errno, "node policy %s: open", path) : fd;
}

/* A single file: its folder is where its profiles are. */
static int load_single(const struct load *l, const char *path, struct error *e)
{
	const char *name = "";
	autoclose int dir_fd = load_open_folder(l, path, &name, e);

	return dir_fd < 0 ? dir_fd : load_file(l, dir_fd, name, path, e);
}

static int load_where(struct policy_set *s, int dir_fd, const char *where, struct error *e)
{
	struct load l = { .set = s };
	int r = set_begin(s, e);

	if (r == 0)
		r = load_node_keys(&l, e);
	if (r == 0)
		r = dir_fd >= 0 ? load_folder(&l, dir_fd, where, e) : load_single(&l, where, e);
	return r < 0 ? r : policy_set_order(s, e);
}

int policy_load(const char *where, struct policy_set *ret, struct error *e)
{
	struct policy_set s = { 0 };
	autoclose int dir_fd =
		open(where ?: POLICY_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	*ret = s;
	if (dir_fd < 0 && errno == ENOENT && !where)
		return 0;
	if (dir_fd < 0 && (errno != ENOTDIR || !where)) {
		r = error_set(e, errno, "node policy %s: open", where ?: POLICY_FOLDER);
	} else {
		r = load_where(&s, dir_fd, where ?: POLICY_FOLDER, e);
	}
	if (r < 0) {
		policy_set_done(&s);
		error_step(e, "policy");
		return r;
	}
	*ret = s;
	return 0;
}

int policy_verify(const char *path, const char *keys_file, struct error *e)
{
	struct policy_set s = { 0 };
	struct load l = { .set = &s };
	const char *text = "", *name = "", *keys = keys_file ?: POLICY_KEYS;
	autoclose int dir_fd = -1, fd = -1;
	size_t len = 0;
	int r;

	arena_init(&s.arena, ARENA_CEILING);
	r = load_keys(&l, keys, e);
	if (r == -ENOENT)
		r = error_say(e, ENOENT, "there are no keys: %s", keys);
	if (r == 0)
		r = dir_fd = load_open_folder(&l, path, &name, e);
	if (r >= 0)
		r = fd = load_open(dir_fd, name, path, e);
	if (r >= 0)
		r = load_text(&s.arena, fd, path, &text, &len, e);
	if (r == 0)
		r = load_check_signature(&l, dir_fd, name, path, text, len, e);
	policy_set_done(&s);
	return r;
}

/* --- kept with a container ----------------------------------------------------------------------- */

static void keep_policy(struct json_writer *w, const struct policy *p)
{
	json_write_object(w);
	json_put_string(w, "file", p->file);
	json_put_string(w, "text", p->text);
	json_write_end(w);
}

int policy_keep(const struct policy_set *s, int dir_fd, const char *name, struct error *e)
{
	autobuf text = { .max = KEPT_MAX };
	autojson *w = json_writer_new(false);
	size_t i;
	int r;

	if (!w)
		return error_set(e, ENOMEM, "%s", name);
	json_write_array(w);
	for (i = 0; i < s->n; i++)
		keep_policy(w, &s->policies[i]);
	json_write_end(w);
	r = json_writer_end(w, &text);
	if (r < 0)
		return error_set(e, -r, "%s", name);
	return file_replace(dir_fd, name, text.data, text.len, 0600, e);
}

static int kept_policy(struct policy_set *s, const struct json *j, const char *name,
		       struct error *e)
{
	const char *file = json_get_string(j, "file");
	const struct json *text = json_get(j, "text");
	struct policy p;
	int r;

	if (!file || !text || text->type != JSON_STRING)
		return error_say(e, EINVAL, "%s: not what was kept", name);
	if (s->n == 2ul * POLICY_MAX_FILES)
		return set_full(name, e);
	r = policy_parse(&s->arena, file, text->text, text->len, &p, e);
	if (r == 0 && !set_has(s, &p))
		s->policies[s->n++] = p;
	return r;
}

int policy_load_kept(int dir_fd, const char *name, struct policy_set *s, struct error *e)
{
	autobuf text = { 0 };
	const struct json *j;
	struct json *doc = NULL;
	int r;

	if (faccessat(dir_fd, name, F_OK, 0) < 0)
		return -errno;
	r = set_begin(s, e);
	if (r == 0)
		r = file_read(dir_fd, name, KEPT_MAX, &text, e);
	if (r == 0)
		r = json_parse(&s->arena, name, text.data, text.len, &doc, e);
	if (r < 0)
		return r;
	for (j = doc->child; r == 0 && j; j = j->next) /* analyser: it was parsed */
		r = kept_policy(s, j, name, e);
	return r < 0 ? r : policy_set_order(s, e);
}
