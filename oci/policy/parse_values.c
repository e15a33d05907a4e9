/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>

#include "base/capability.h"
#include "base/error.h"
#include "base/path.h"
#include "base/str.h"
#include "policy/document.h"
#include "policy/policy.h"
#include "spec/names.h"
#include "spec/sysctl.h"

/* --- strictness ---------------------------------------------------------------------------------- */

static int strict_keys(struct reader *r, const struct json *object, const struct table *t)
{
	const struct json *j;
	size_t i;

	for (j = object->child; j; j = j->next) {
		for (i = 0; i < t->n && !str_eq(t->fields[i].key, j->key); i++)
			;
		if (i == t->n)
			return reader_refuse(
				r, j, "no policy of schema " POLICY_SCHEMA " has this field");
		if (j->type == JSON_NULL)
			return reader_refuse(r, j, "null says nothing: leave the field out");
		if (json_get(object, j->key) != j)
			return reader_refuse(r, j, "the field is given twice");
	}
	return 0;
}

int read_strict(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	int err = strict_keys(r, j, f->arg);

	return err < 0 ? err : table_read(r, j, f->arg, dst);
}

int read_strict_list(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	const struct table *t = f->arg;
	const struct json *item;
	int err;

	for (item = j->child; item; item = item->next) {
		err = reader_expect(r, item, KIND_OBJECT);
		if (err == 0)
			err = strict_keys(r, item, t);
		if (err < 0)
			return err;
	}
	return read_objects(r, j, f, dst);
}

/* --- values -------------------------------------------------------------------------------------- */

int read_allow(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_list *list = dst;

	list->set = true;
	return read_strings(r, j, f, &list->names);
}

/* Paths are compared as they stand, so there must be one way to write each. */
static bool path_is_odd(const char *path, char *clean, size_t size)
{
	return path[0] != '/' || path_clean(clean, size, path) < 0 || !str_eq(clean, path);
}

int read_clean_paths(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	const struct json *item;
	char clean[4096];

	for (item = j->child; item; item = item->next) {
		if (item->type != JSON_STRING)
			continue; /* read_strings tells */
		if (path_is_odd(item->text, clean, sizeof(clean)))
			return reader_refuse(r, item,
					     "must be an absolute path without \"..\", \".\", "
					     "\"//\" or a slash at its end");
	}
	return read_strings(r, j, f, dst);
}

int read_clean_path(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	char clean[4096];

	if (path_is_odd(j->text, clean, sizeof(clean)))
		return reader_refuse(
			r, j,
			"must be an absolute path without \"..\", \".\", \"//\" or "
			"a slash at its end");
	return read_string(r, j, f, dst);
}

int read_allowed_paths(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_list *list = dst;

	list->set = true;
	return read_clean_paths(r, j, f, &list->names);
}

/* "512M", "8G", "65536" */
int read_bytes(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	static const char units[] = "KMGT";
	struct opt_u64 *ret = dst;
	const char *unit;
	char digits[24];
	size_t n;
	int shift = 0;
	uint64_t v;

	(void)f;
	n = strspn(j->text, "0123456789");
	unit = j->text[n] ? strchr(units, j->text[n]) : NULL;
	if (n == 0 || n >= sizeof(digits) || (j->text[n] && (!unit || j->text[n + 1])))
		return reader_refuse(r, j,
				     "must be a number of bytes: \"65536\", \"512M\", \"8G\"");
	memcpy(digits, j->text, n);
	digits[n] = '\0';
	if (unit)
		shift = 10 * (int)(unit - units + 1);
	if (str_to_u64(digits, &v) < 0 || v > (uint64_t)INT64_MAX >> shift)
		return reader_refuse(r, j, "is too large");
	*ret = (struct opt_u64){ .set = true, .value = v << shift };
	return 0;
}

/* In config.json a limit of 0 is none. */
int read_memory(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct opt_u64 *ret = dst;
	int err = read_bytes(r, j, f, ret);

	if (err == 0 && ret->value == 0)
		return reader_refuse(r, j, "nothing runs without memory");
	return err;
}

int read_percent(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct opt_u64 *ret = dst;
	char digits[8];
	uint64_t v = 0;

	(void)f;
	if (j->len < 2 || j->len > 7 || j->text[j->len - 1] != '%')
		return reader_refuse(r, j, "must be a part of one CPU: \"50%%\", \"400%%\"");
	memcpy(digits, j->text, j->len - 1);
	digits[j->len - 1] = '\0';
	if (str_to_u64(digits, &v) < 0 || v == 0)
		return reader_refuse(r, j, "must be a part of one CPU: \"50%%\", \"400%%\"");
	*ret = (struct opt_u64){ .set = true, .value = v };
	return 0;
}

int read_capabilities(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_process *p = dst;
	const struct json *item;
	int n;

	(void)f;
	p->caps_set = true;
	for (item = j->child; item; item = item->next) {
		n = item->type == JSON_STRING ? capability_from_name(item->text) : -EINVAL;
		if (n < 0)
			return reader_refuse(r, item, "no such capability");
		p->caps_ceiling |= 1ull << n;
	}
	return 0;
}

int read_word(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	uint64_t v = 0;
	int err = reader_name(r, j, f->arg, &v);

	if (err == 0)
		*(unsigned int *)dst = (unsigned int)v;
	return err;
}

int read_clear(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	static const struct spec_name words[] = { { "clear", 1 }, { "keep", 0 }, { NULL, 0 } };
	uint64_t v = 0;
	int err = reader_name(r, j, words, &v);

	(void)f;
	if (err == 0)
		*(bool *)dst = v;
	return err;
}

/* "realtime": false */
int read_denied(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	bool allowed = true;
	int err = read_bool(r, j, f, &allowed);

	if (err == 0)
		*(bool *)dst = !allowed;
	return err;
}

int read_errno(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct spec_seccomp_rule *rule = dst;
	int n;

	(void)f;
	for (n = 1; n < 134; n++)
		if (str_eq(error_name(n), j->text))
			break;
	if (n == 134)
		return reader_refuse(r, j, "is no errno: \"EPERM\", \"ENOSYS\" ...");
	rule->set_errno = true;
	rule->errno_ret = (uint32_t)n;
	return 0;
}

int read_rlimits(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_process *p = dst;
	const struct json *item;
	size_t n = 0;
	int err = 0;

	p->rlimits = arena_array(r->arena, (size_t)j->len + 1, sizeof(*p->rlimits));
	if (!p->rlimits)
		return reader_no_memory(r);
	for (item = j->child; item && err == 0; item = item->next, n++) {
		const struct spec_name *name = spec_name_find(spec_rlimit_names, item->key);

		if (!name)
			return reader_refuse(r, item, "no such limit");
		p->rlimits[n].name = name->name;
		p->rlimits[n].resource = (int)name->value;
		err = reader_expect(r, item, KIND_OBJECT);
		if (err == 0)
			err = read_strict(r, item, f, &p->rlimits[n]);
	}
	p->n_rlimits = n;
	return err;
}

int read_ceilings(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_seccomp *s = dst;
	struct spec_strings names = { 0 };
	int err = read_strings(r, j, f, &names);

	if (err < 0)
		return err;
	s->ceilings = arena_array(r->arena, names.n + 1, sizeof(*s->ceilings));
	if (!s->ceilings)
		return reader_no_memory(r);
	for (s->n_ceilings = 0; s->n_ceilings < names.n; s->n_ceilings++)
		s->ceilings[s->n_ceilings].name = names.v[s->n_ceilings];
	return 0;
}

/* A word of a list, as its value. */
static int read_item_word(struct reader *r, const struct json *item,
			  const struct spec_name *words, uint64_t *ret)
{
	int err = reader_expect(r, item, KIND_STRING);

	return err < 0 ? err : reader_name(r, item, words, ret);
}

int read_abis(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_seccomp *s = dst;
	const struct json *item;
	uint64_t v = 0;
	int err;

	(void)f;
	s->abis_set = true;
	s->abis = arena_array(r->arena, (size_t)j->len + 1, sizeof(*s->abis));
	if (!s->abis)
		return reader_no_memory(r);
	for (item = j->child; item; item = item->next) {
		if (item->type == JSON_STRING && str_eq(item->text, "native"))
			continue;
		err = read_item_word(r, item, spec_seccomp_arch_names, &v);
		if (err < 0)
			return err;
		s->abis[s->n_abis++] = (uint32_t)v;
	}
	return 0;
}

static const struct spec_name scope_names[] = {
	{ "abstract-unix", SPEC_LANDLOCK_ABSTRACT },
	{ "signal", SPEC_LANDLOCK_SIGNAL },
	{ NULL, 0 },
};

int read_scopes(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_landlock *l = dst;
	const struct json *item;
	int err = 0;

	(void)f;
	for (item = j->child; err == 0 && item; item = item->next) {
		uint64_t v = 0;

		err = read_item_word(r, item, scope_names, &v);
		l->layer.scoped |= v;
	}
	l->set = true;
	return err;
}

int read_writes(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_landlock *l = dst;

	l->set = true;
	l->layer.writes_set = true;
	return read_clean_paths(r, j, f, &l->layer.writes);
}

int read_required_ns(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	const struct json *item;
	bool *required = dst;
	uint64_t v = 0;
	int err;

	(void)f;
	for (item = j->child; item; item = item->next) {
		err = read_item_word(r, item, spec_namespace_names, &v);
		if (err < 0)
			return err;
		required[v] = true;
	}
	return 0;
}

int read_bind_flags(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	static const struct spec_name words[] = {
		{ "nosuid", MOUNT_ATTR_NOSUID },
		{ "nodev", MOUNT_ATTR_NODEV },
		{ "noexec", MOUNT_ATTR_NOEXEC },
		{ "ro", MOUNT_ATTR_RDONLY },
		{ NULL, 0 },
	};
	const struct json *item;
	uint64_t v = 0;
	int err;

	(void)f;
	for (item = j->child; item; item = item->next) {
		err = read_item_word(r, item, words, &v);
		if (err < 0)
			return err;
		*(uint64_t *)dst |= v;
	}
	return 0;
}

/* One number of "c 1:3 rwm", or "*". */
static bool device_number(const char **p, int64_t *ret)
{
	char *end;

	if (**p == '*') {
		*ret = SPEC_DEVICE_ANY;
		++*p;
		return true;
	}
	if (!isdigit((unsigned char)**p))
		return false;
	errno = 0;
	*ret = strtoll(*p, &end, 10);
	*p = end;
	return errno == 0 && *ret <= UINT32_MAX;
}

static bool device_rule(const char *text, struct spec_device_rule *ret)
{
	static const char letters[] = "rwm";
	const char *p = text + 2, *at;

	if ((text[0] != 'c' && text[0] != 'b') || text[1] != ' ')
		return false;
	ret->type = text[0];
	ret->allow = true;
	if (!device_number(&p, &ret->major) || *p++ != ':' || !device_number(&p, &ret->minor) ||
	    *p++ != ' ' || !*p)
		return false;
	for (; *p; p++) {
		at = strchr(letters, *p);
		if (!at)
			return false;
		ret->access |= 1u << (at - letters);
	}
	return true;
}

int read_devices(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_devices *d = dst;
	const struct json *item;

	(void)f;
	d->set = true;
	d->allow = arena_array(r->arena, (size_t)j->len + 1, sizeof(*d->allow));
	if (!d->allow)
		return reader_no_memory(r);
	for (item = j->child; item; item = item->next) {
		if (item->type != JSON_STRING || item->len < 7 ||
		    !device_rule(item->text, &d->allow[d->n++]))
			return reader_refuse(r, item,
					     "must be a device: \"c 1:3 rwm\", \"b 8:* r\"");
	}
	return 0;
}

/* "8:0", or "*" */
static bool disk_name(const char *name, struct policy_disk *ret)
{
	const char *p = name;

	ret->major = ret->minor = POLICY_DISK_ANY;
	if (str_eq(name, "*"))
		return true;
	return device_number(&p, &ret->major) && ret->major >= 0 && *p++ == ':' &&
	       device_number(&p, &ret->minor) && ret->minor >= 0 && !*p;
}

int read_disks(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_resources *p = dst;
	const struct json *item;
	int err = 0, k;

	p->disks = arena_array(r->arena, (size_t)j->len + 1, sizeof(*p->disks));
	if (!p->disks)
		return reader_no_memory(r);
	for (item = j->child; item && err == 0; item = item->next) {
		struct policy_disk *d = &p->disks[p->n_disks++];

		if (!disk_name(item->key, d))
			return reader_refuse(r, item,
					     "must be a disk: \"8:0\", or \"*\" for each");
		d->name = item->key;
		err = reader_expect(r, item, KIND_OBJECT);
		if (err == 0)
			err = read_strict(r, item, f, d);
		for (k = 0; err == 0 && k < POLICY_RATES; k++)
			if ((d->rates[k].max.set && !d->rates[k].max.value) ||
			    (d->rates[k].fallback.set && !d->rates[k].fallback.value))
				return reader_refuse(r, item,
						     "a rate of 0 would be no limit at all");
	}
	return err;
}

int read_hook_list(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy_hooks *h = dst;
	size_t i;
	int err;

	h->set = true;
	err = read_strict_list(r, j, f, &h->n);
	for (i = 0; err == 0 && i < h->n; i++)
		if (h->v[i].path[0] != '/' ||
		    (h->v[i].sha256 &&
		     (strlen(h->v[i].sha256) != SHA256_HEX - 1 ||
		      strspn(h->v[i].sha256, "0123456789abcdef") != SHA256_HEX - 1)))
			return reader_refuse(r, j,
					     "a hook has an absolute path, and a sha256 of 64 "
					     "lower-case digits or none");
	return err;
}

int read_sysctls(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	const struct json *item;
	char path[512];

	for (item = j->child; item; item = item->next)
		if (item->type == JSON_STRING &&
		    sysctl_path(item->text, path, sizeof(path)) < 0)
			return reader_refuse(r, item, "is no name of a sysctl");
	return read_allow(r, j, f, dst);
}
