/* SPDX-License-Identifier: Apache-2.0 */
#include "run/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"

int state_write(int dir_fd, const struct state *s, struct error *e)
{
	autobuf text = { .max = STATE_MAX };
	autojson *w = json_writer_new(false);
	size_t i;
	int r;

	if (!w)
		return error_set(e, ENOMEM, "write the state");
	json_write_object(w);
	json_put_u64(w, "version", 1);
	json_put_string(w, "id", s->id);
	json_put_string(w, "ociVersion", s->oci_version);
	json_put_string(w, "bundle", s->bundle);
	json_put_string(w, "rootfs", s->rootfs);
	json_put_string(w, "created", s->created);
	json_put_bool(w, "ready", s->ready);
	json_put_bool(w, "poststop", s->poststop);
	if (s->own_time)
		json_put_bool(w, "ownTime", true);
	if (s->root_mount)
		json_put_u64(w, "rootMount", s->root_mount);
	if (s->root_in_place)
		json_put_bool(w, "rootInPlace", true);
	json_put_i64(w, "pid", s->pid);
	json_put_u64(w, "startTime", s->start_time);
	json_put_u64(w, "owner", s->owner);
	json_put_string(w, "cgroupManager", manager_kind_name(s->manager));
	json_put_string(w, "cgroup", s->cgroup);
	if (s->rdt_class)
		json_put_string(w, "rdtClass", s->rdt_class);
	if (s->rdt_monitor)
		json_put_string(w, "rdtMonitor", s->rdt_monitor);
	json_write_key(w, "annotations");
	json_write_object(w);
	for (i = 0; i < s->annotations.n; i++)
		json_put_string(w, s->annotations.v[i].key, s->annotations.v[i].value);
	json_write_end(w);
	json_write_end(w);
	r = json_writer_end(w, &text);
	if (r < 0)
		return error_set(e, -r, "write the state");
	return file_replace(dir_fd, STATE_FILE, text.data, text.len, 0600, e);
}

static int state_need_string(const struct json *doc, const char *key, const char **ret,
			     struct error *e)
{
	const char *s = json_get_string(doc, key);

	if (!s)
		return error_say(e, EINVAL, STATE_FILE ": \"%s\" is missing or no string", key);
	*ret = s;
	return 0;
}

static int state_need_number(const struct json *doc, const char *key, int64_t max, int64_t *ret,
			     struct error *e)
{
	const struct json *j = json_get(doc, key);

	if (!j || json_to_i64(j, ret) < 0 || *ret < 0 || *ret > max)
		return error_say(e, EINVAL, STATE_FILE ": \"%s\" is missing or out of range",
				 key);
	return 0;
}

static bool state_is_true(const struct json *doc, const char *key)
{
	const struct json *j = json_get(doc, key);

	return j && j->type == JSON_BOOL && j->boolean;
}

static int state_read_annotations(struct arena *a, const struct json *doc, struct state *ret,
				  struct error *e)
{
	const struct json *all = json_get(doc, "annotations"), *j;

	if (!all || all->type != JSON_OBJECT || all->len == 0)
		return 0;
	ret->annotations.v = arena_array(a, all->len, sizeof(struct spec_pair));
	if (!ret->annotations.v)
		return error_set(e, ENOMEM, STATE_FILE);
	for (j = all->child; j; j = j->next) {
		if (j->type != JSON_STRING)
			return error_say(e, EINVAL, STATE_FILE ": an annotation is no string");
		ret->annotations.v[ret->annotations.n++] =
			(struct spec_pair){ j->key, j->text };
	}
	return 0;
}

static int state_fill(struct arena *a, const struct json *doc, struct state *s, struct error *e)
{
	int64_t version, pid, start_time, owner, root_mount = 0;
	const char *manager = NULL;
	int r;

	if ((r = state_need_number(doc, "version", INT32_MAX, &version, e)) < 0 ||
	    (r = state_need_string(doc, "id", &s->id, e)) < 0 ||
	    (r = state_need_string(doc, "ociVersion", &s->oci_version, e)) < 0 ||
	    (r = state_need_string(doc, "bundle", &s->bundle, e)) < 0 ||
	    (r = state_need_string(doc, "rootfs", &s->rootfs, e)) < 0 ||
	    (r = state_need_string(doc, "created", &s->created, e)) < 0 ||
	    (r = state_need_string(doc, "cgroup", &s->cgroup, e)) < 0 ||
	    (r = state_need_string(doc, "cgroupManager", &manager, e)) < 0 ||
	    (r = state_need_number(doc, "pid", INT32_MAX, &pid, e)) < 0 ||
	    (r = state_need_number(doc, "startTime", INT64_MAX, &start_time, e)) < 0 ||
	    (r = state_need_number(doc, "owner", UINT32_MAX, &owner, e)) < 0 ||
	    (r = manager_kind_parse(manager, &s->manager, e)) < 0)
		return r;
	if (json_get(doc, "rootMount") &&
	    (r = state_need_number(doc, "rootMount", INT64_MAX, &root_mount, e)) < 0)
		return r;
	if (version != 1)
		return error_say(e, ENOTSUP,
				 STATE_FILE " is of version %lld, this build knows 1",
				 (long long)version);
	s->rdt_class = json_get_string(doc, "rdtClass");
	s->rdt_monitor = json_get_string(doc, "rdtMonitor");
	s->ready = state_is_true(doc, "ready");
	s->poststop = state_is_true(doc, "poststop");
	s->own_time = state_is_true(doc, "ownTime");
	s->root_mount = (uint64_t)root_mount;
	s->root_in_place = state_is_true(doc, "rootInPlace");
	s->pid = (pid_t)pid;
	s->start_time = (uint64_t)start_time;
	s->owner = (uint32_t)owner;
	return state_read_annotations(a, doc, s, e);
}

int state_parse(const char *data, size_t len, struct state *ret, struct error *e)
{
	struct state s = { 0 };
	struct json *doc;
	int r;

	arena_init(&s.arena, 16 * STATE_MAX);
	r = json_parse(&s.arena, STATE_FILE, data, len, &doc, e);
	if (r == 0)
		r = state_fill(&s.arena, doc, &s, e);
	if (r < 0) {
		arena_done(&s.arena);
		return r;
	}
	*ret = s;
	return 0;
}

int state_read(int dir_fd, struct state *ret, struct error *e)
{
	autobuf text = { 0 };
	int r;

	r = file_read(dir_fd, STATE_FILE, STATE_MAX, &text, e);
	if (r < 0)
		return r;
	return state_parse(text.data, text.len, ret, e);
}

void state_done(struct state *s)
{
	arena_done(&s->arena);
	*s = (struct state){ 0 };
}
