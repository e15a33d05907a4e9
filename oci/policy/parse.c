/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parse.h"

#include <ctype.h>
#include <errno.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/capability.h"
#include "base/error.h"
#include "base/json.h"
#include "base/path.h"
#include "base/str.h"
#include "policy/policy.h"
#include "spec/document.h"
#include "spec/names.h"
#include "spec/sysctl.h"
#include "spec/table.h"

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

static int read_strict(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	int err = strict_keys(r, j, f->arg);

	return err < 0 ? err : table_read(r, j, f->arg, dst);
}

static int read_strict_list(struct reader *r, const struct json *j, const struct field *f,
			    void *dst)
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

static int read_allow(struct reader *r, const struct json *j, const struct field *f, void *dst)
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

static int read_clean_paths(struct reader *r, const struct json *j, const struct field *f,
			    void *dst)
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

/* "512M", "8G", "65536" */
static int read_bytes(struct reader *r, const struct json *j, const struct field *f, void *dst)
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

static int read_percent(struct reader *r, const struct json *j, const struct field *f,
			void *dst)
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

static int read_capabilities(struct reader *r, const struct json *j, const struct field *f,
			     void *dst)
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

static int read_word(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	uint64_t v = 0;
	int err = reader_name(r, j, f->arg, &v);

	if (err == 0)
		*(unsigned int *)dst = (unsigned int)v;
	return err;
}

static int read_clear(struct reader *r, const struct json *j, const struct field *f, void *dst)
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
static int read_denied(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	bool allowed = true;
	int err = read_bool(r, j, f, &allowed);

	if (err == 0)
		*(bool *)dst = !allowed;
	return err;
}

static int read_errno(struct reader *r, const struct json *j, const struct field *f, void *dst)
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

static int read_rlimits(struct reader *r, const struct json *j, const struct field *f,
			void *dst)
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

static int read_abis(struct reader *r, const struct json *j, const struct field *f, void *dst)
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
		err = reader_expect(r, item, KIND_STRING);
		if (err == 0)
			err = reader_name(r, item, spec_seccomp_arch_names, &v);
		if (err < 0)
			return err;
		s->abis[s->n_abis++] = (uint32_t)v;
	}
	return 0;
}

static int read_required_ns(struct reader *r, const struct json *j, const struct field *f,
			    void *dst)
{
	const struct json *item;
	bool *required = dst;
	uint64_t v = 0;
	int err;

	(void)f;
	for (item = j->child; item; item = item->next) {
		err = reader_expect(r, item, KIND_STRING);
		if (err == 0)
			err = reader_name(r, item, spec_namespace_names, &v);
		if (err < 0)
			return err;
		required[v] = true;
	}
	return 0;
}

static int read_bind_flags(struct reader *r, const struct json *j, const struct field *f,
			   void *dst)
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
		err = reader_expect(r, item, KIND_STRING);
		if (err == 0)
			err = reader_name(r, item, words, &v);
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

static int read_devices(struct reader *r, const struct json *j, const struct field *f,
			void *dst)
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

static int read_hook_list(struct reader *r, const struct json *j, const struct field *f,
			  void *dst)
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

static int read_sysctls(struct reader *r, const struct json *j, const struct field *f,
			void *dst)
{
	const struct json *item;
	char path[512];

	for (item = j->child; item; item = item->next)
		if (item->type == JSON_STRING &&
		    sysctl_path(item->text, path, sizeof(path)) < 0)
			return reader_refuse(r, item, "is no name of a sysctl");
	return read_allow(r, j, f, dst);
}

/* --- tables -------------------------------------------------------------------------------------- */

#define AT(type, member) offsetof(struct type, member)

static const struct field limit_fields[] = {
	{ "max", KIND_STRING, read_bytes, AT(policy_limit, max) },
	{ "default", KIND_STRING, read_bytes, AT(policy_limit, fallback) },
};
static const struct table limit_table = TABLE(struct policy_limit, limit_fields);

static const struct field count_fields[] = {
	{ "max", KIND_NUMBER, read_opt_u64, AT(policy_limit, max) },
	{ "default", KIND_NUMBER, read_opt_u64, AT(policy_limit, fallback) },
};
static const struct table count_table = TABLE(struct policy_limit, count_fields);

static const struct field swap_fields[] = {
	{ "max", KIND_STRING, read_bytes, AT(policy_resources, swap_max) },
};
static const struct table swap_table = TABLE(struct policy_resources, swap_fields);

static const struct field cpu_fields[] = {
	{ "max", KIND_STRING, read_percent, AT(policy_resources, cpu_percent) },
};
static const struct table cpu_table = TABLE(struct policy_resources, cpu_fields);

static const struct field unified_fields[] = {
	{ "allow", KIND_STRINGS, read_allow, AT(policy_resources, unified) },
};
static const struct table unified_table = TABLE(struct policy_resources, unified_fields);

static const struct field resources_fields[] = {
	{ "memory", KIND_OBJECT, read_strict, AT(policy_resources, memory), &limit_table },
	{ "swap", KIND_OBJECT, read_strict, 0, &swap_table },
	{ "pids", KIND_OBJECT, read_strict, AT(policy_resources, pids), &count_table },
	{ "cpu", KIND_OBJECT, read_strict, 0, &cpu_table },
	{ "unified", KIND_OBJECT, read_strict, 0, &unified_table },
};
static const struct table resources_table = TABLE(struct policy_resources, resources_fields);

static const struct field rlimit_fields[] = {
	{ "max", KIND_NUMBER, read_opt_u64, AT(policy_rlimit, max) },
	{ "default", KIND_NUMBER, read_opt_u64, AT(policy_rlimit, fallback) },
};
static const struct table rlimit_table = TABLE(struct policy_rlimit, rlimit_fields);

static const struct field capability_fields[] = {
	{ "ceiling", KIND_STRINGS, read_capabilities, 0 },
	{ "inheritable", KIND_STRING, read_clear, AT(policy_process, clear_inheritable) },
	{ "ambient", KIND_STRING, read_clear, AT(policy_process, clear_ambient) },
};
static const struct table capability_table = TABLE(struct policy_process, capability_fields);

static const struct spec_name root_words[] = {
	{ "any", POLICY_ROOT_ANY },
	{ "userns-only", POLICY_ROOT_USERNS },
	{ "never", POLICY_ROOT_NEVER },
	{ NULL, 0 },
};
static const struct field user_fields[] = {
	{ "root", KIND_STRING, read_word, AT(policy_process, root), root_words },
	{ "minUid", KIND_NUMBER, read_opt_u64, AT(policy_process, min_uid) },
};
static const struct table user_table = TABLE(struct policy_process, user_fields);

static const struct field oom_fields[] = {
	{ "min", KIND_NUMBER, read_opt_i64, AT(policy_process, min_oom_score_adj) },
};
static const struct table oom_table = TABLE(struct policy_process, oom_fields);

static const struct field apparmor_fields[] = {
	{ "allow", KIND_STRINGS, read_allow, AT(policy_process, apparmor) },
};
static const struct table apparmor_table = TABLE(struct policy_process, apparmor_fields);

static const struct field process_fields[] = {
	{ "noNewPrivileges", KIND_BOOL, read_bool, AT(policy_process, no_new_privileges) },
	{ "user", KIND_OBJECT, read_strict, 0, &user_table },
	{ "capabilities", KIND_OBJECT, read_strict, 0, &capability_table },
	{ "rlimits", KIND_OBJECT, read_rlimits, 0, &rlimit_table },
	{ "oomScoreAdj", KIND_OBJECT, read_strict, 0, &oom_table },
	{ "realtime", KIND_BOOL, read_denied, AT(policy_process, no_realtime) },
	{ "apparmor", KIND_OBJECT, read_strict, 0, &apparmor_table },
};
static const struct table process_table = TABLE(struct policy_process, process_fields);

static const struct field call_arg_fields[] = {
	{ "index", KIND_NUMBER, read_u32, AT(spec_seccomp_arg, index), NULL, FIELD_REQUIRED },
	{ "value", KIND_NUMBER, read_u64, AT(spec_seccomp_arg, value), NULL, FIELD_REQUIRED },
	{ "valueTwo", KIND_NUMBER, read_u64, AT(spec_seccomp_arg, value_two) },
	{ "op", KIND_STRING, read_word, AT(spec_seccomp_arg, op), spec_seccomp_op_names,
	  FIELD_REQUIRED },
};
static const struct table call_arg_table = TABLE(struct spec_seccomp_arg, call_arg_fields);

static const struct field call_fields[] = {
	{ "names", KIND_STRINGS, read_strings, AT(spec_seccomp_rule, names), NULL,
	  FIELD_REQUIRED },
	{ "errno", KIND_STRING, read_errno, 0 },
	{ "args", KIND_OBJECTS, read_strict_list,
	  LIST_OFFSET(struct spec_seccomp_rule, n_args, args), &call_arg_table },
};
static const struct table call_table = TABLE(struct spec_seccomp_rule, call_fields);

static int read_denied_calls(struct reader *r, const struct json *j, const struct field *f,
			     void *dst)
{
	struct policy_seccomp *s = dst;
	size_t i, k;
	int err = read_strict_list(r, j, f, &s->n_denied);

	for (i = 0; err == 0 && i < s->n_denied; i++) {
		struct spec_seccomp_rule *rule = &s->denied[i];

		rule->action = SECCOMP_RET_ERRNO;
		if (rule->names.n == 0)
			return reader_refuse(r, j, "names no call");
		for (k = 0; k < rule->n_args; k++)
			if (rule->args[k].index >= SPEC_SECCOMP_MAX_ARGS)
				return reader_refuse(r, j, "a call has the arguments 0 to 5");
	}
	return err;
}

static const struct field seccomp_fields[] = {
	{ "default", KIND_STRING, read_string, AT(policy_seccomp, profile.name) },
	{ "required", KIND_BOOL, read_bool, AT(policy_seccomp, required) },
	{ "deny", KIND_OBJECTS, read_denied_calls, 0, &call_table },
	{ "abis", KIND_STRINGS, read_abis, 0 },
};
static const struct table seccomp_table = TABLE(struct policy_seccomp, seccomp_fields);

static const struct field namespaces_fields[] = {
	{ "require", KIND_STRINGS, read_required_ns, 0 },
};
static const struct table namespaces_table = TABLE(bool[SPEC_NS_COUNT], namespaces_fields);

static const struct field userns_fields[] = {
	{ "hostIdMin", KIND_NUMBER, read_opt_u64, AT(policy_user_namespace, min_host_id) },
	{ "maxSize", KIND_NUMBER, read_opt_u64, AT(policy_user_namespace, max_size) },
};
static const struct table userns_table = TABLE(struct policy_user_namespace, userns_fields);

static const struct field root_fields[] = {
	{ "readonly", KIND_BOOL, read_bool, AT(policy_rule, root_readonly) },
};
static const struct table root_table = TABLE(struct policy_rule, root_fields);

static const struct spec_name propagation_words[] = {
	{ "private", POLICY_PROPAGATION_PRIVATE },
	{ "slave", POLICY_PROPAGATION_SLAVE },
	{ "shared", POLICY_PROPAGATION_SHARED },
	{ NULL, 0 },
};
static const struct field mounts_fields[] = {
	{ "denySources", KIND_STRINGS, read_clean_paths, AT(policy_mounts, denied_sources) },
	{ "types", KIND_STRINGS, read_allow, AT(policy_mounts, types) },
	{ "bindFlags", KIND_STRINGS, read_bind_flags, AT(policy_mounts, bind_flags) },
	{ "propagation", KIND_STRING, read_word, AT(policy_mounts, propagation),
	  propagation_words },
};
static const struct table mounts_table = TABLE(struct policy_mounts, mounts_fields);

static const struct field paths_fields[] = {
	{ "masked", KIND_STRINGS, read_clean_paths, AT(policy_rule, masked_paths) },
	{ "readonly", KIND_STRINGS, read_clean_paths, AT(policy_rule, readonly_paths) },
};
static const struct table paths_table = TABLE(struct policy_rule, paths_fields);

static const struct field sysctl_fields[] = {
	{ "allow", KIND_STRINGS, read_sysctls, AT(policy_rule, sysctl) },
};
static const struct table sysctl_table = TABLE(struct policy_rule, sysctl_fields);

static const struct field devices_fields[] = {
	{ "allow", KIND_STRINGS, read_devices, AT(policy_rule, devices) },
};
static const struct table devices_table = TABLE(struct policy_rule, devices_fields);

static int read_stages(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	const struct json *item;
	uint64_t v = 0;
	int err = read_allow(r, j, f, dst);

	for (item = j->child; err == 0 && item; item = item->next)
		err = reader_name(r, item, spec_hook_stage_names, &v);
	return err;
}

static const struct field hook_fields[] = {
	{ "path", KIND_STRING, read_string, AT(policy_hook, path), NULL, FIELD_REQUIRED },
	{ "sha256", KIND_STRING, read_string, AT(policy_hook, sha256) },
	{ "stages", KIND_STRINGS, read_stages, AT(policy_hook, stages) },
};
static const struct table hook_table = TABLE(struct policy_hook, hook_fields);

static const struct field hooks_fields[] = {
	{ "allow", KIND_OBJECTS, read_hook_list, AT(policy_rule, hooks), &hook_table },
};
static const struct table hooks_table = TABLE(struct policy_rule, hooks_fields);

static const struct field annotations_fields[] = {
	{ "strip", KIND_STRINGS, read_strings, AT(policy_rule, strip_annotations) },
};
static const struct table annotations_table = TABLE(struct policy_rule, annotations_fields);

static const struct field cgroup_fields[] = {
	{ "parents", KIND_STRINGS, read_clean_paths, AT(policy_rule, cgroup_parents) },
};
static const struct table cgroup_table = TABLE(struct policy_rule, cgroup_fields);

static const struct field exec_fields[] = {
	{ "sameAsContainer", KIND_BOOL, read_bool, AT(policy_rule, exec_as_container) },
};
static const struct table exec_table = TABLE(struct policy_rule, exec_fields);

static int read_user_namespace_key(struct reader *r, const struct json *j,
				   const struct field *f, void *dst)
{
	struct policy_match *m = dst;

	m->set_user_namespace = true;
	return read_bool(r, j, f, &m->user_namespace);
}

static const struct field match_fields[] = {
	{ "userNamespace", KIND_BOOL, read_user_namespace_key, 0 },
	{ "cgroupParents", KIND_STRINGS, read_clean_paths, AT(policy_match, cgroup_parents) },
	{ "annotations", KIND_PAIRS, read_pairs, AT(policy_match, annotations) },
};
static const struct table match_table = TABLE(struct policy_match, match_fields);

static const struct spec_name mode_words[] = {
	{ "enforce", POLICY_ENFORCE },
	{ "audit", POLICY_AUDIT },
	{ NULL, 0 },
};

static int read_description(struct reader *r, const struct json *j, const struct field *f,
			    void *dst)
{
	(void)r, (void)j, (void)f, (void)dst;
	return 0;
}

static const struct field rule_fields[] = {
	{ "name", KIND_STRING, read_string, AT(policy_rule, name), NULL, FIELD_REQUIRED },
	{ "description", KIND_STRING, read_description, 0 },
	{ "mode", KIND_STRING, read_word, AT(policy_rule, mode), mode_words },
	{ "match", KIND_OBJECT, read_strict, AT(policy_rule, match), &match_table },
	{ "except", KIND_OBJECTS, read_strict_list,
	  LIST_OFFSET(struct policy_rule, n_except, except), &match_table },
	{ "process", KIND_OBJECT, read_strict, AT(policy_rule, process), &process_table },
	{ "seccomp", KIND_OBJECT, read_strict, AT(policy_rule, seccomp), &seccomp_table },
	{ "namespaces", KIND_OBJECT, read_strict, AT(policy_rule, namespaces),
	  &namespaces_table },
	{ "userNamespace", KIND_OBJECT, read_strict, AT(policy_rule, user_namespace),
	  &userns_table },
	{ "root", KIND_OBJECT, read_strict, 0, &root_table },
	{ "mounts", KIND_OBJECT, read_strict, AT(policy_rule, mounts), &mounts_table },
	{ "paths", KIND_OBJECT, read_strict, 0, &paths_table },
	{ "sysctl", KIND_OBJECT, read_strict, 0, &sysctl_table },
	{ "devices", KIND_OBJECT, read_strict, 0, &devices_table },
	{ "hooks", KIND_OBJECT, read_strict, 0, &hooks_table },
	{ "annotations", KIND_OBJECT, read_strict, 0, &annotations_table },
	{ "cgroup", KIND_OBJECT, read_strict, 0, &cgroup_table },
	{ "resources", KIND_OBJECT, read_strict, AT(policy_rule, resources), &resources_table },
	{ "exec", KIND_OBJECT, read_strict, 0, &exec_table },
};
static const struct table rule_table = TABLE(struct policy_rule, rule_fields);

/* --- rules --------------------------------------------------------------------------------------- */

/* Neither order nor white space is part of what a rule says; its text as written again is. */
static int rule_digest(struct reader *r, const struct json *j, char ret[SHA256_HEX])
{
	uint8_t digest[SHA256_SIZE];
	autobuf text = { .max = POLICY_MAX_BYTES * 2 };
	autojson *w = json_writer_new(false);

	if (!w)
		return reader_no_memory(r);
	json_write_tree(w, j);
	if (json_writer_end(w, &text) < 0)
		return reader_no_memory(r);
	sha256(text.data, text.len, digest);
	sha256_hex(digest, ret);
	return 0;
}

/* The author of a container must not choose which rules hold for him. */
static int rule_check_keys(struct reader *r, const struct policy *p, const struct json *j,
			   const struct policy_rule *rule)
{
	bool asked = rule->match.annotations.n > 0;
	size_t i;

	for (i = 0; i < rule->n_except; i++)
		asked |= rule->except[i].annotations.n > 0;
	if (!asked || p->allow_author_keys)
		return 0;
	reader_refuse(r, j, "matches by annotations, which the container's author chooses");
	error_hint(r->e, "use userNamespace or cgroupParents, or set allowAuthorKeys");
	return -EINVAL;
}

static int read_rules(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct policy *p = dst;
	const struct json *item;
	size_t i;
	int err;

	if (j->len > POLICY_MAX_RULES)
		return reader_refuse(r, j, "%u rules are too many, at most %u are read", j->len,
				     POLICY_MAX_RULES);
	p->rules = arena_array(r->arena, (size_t)j->len + 1, sizeof(*p->rules));
	if (!p->rules)
		return reader_no_memory(r);
	for (item = j->child, i = 0; item; item = item->next, i++) {
		struct policy_rule *rule = &p->rules[i];

		rule->mounts.propagation = POLICY_PROPAGATION_ANY;
		err = reader_expect(r, item, KIND_OBJECT);
		if (err == 0)
			err = read_strict(r, item, f, rule);
		if (err == 0)
			err = rule_check_keys(r, p, item, rule);
		if (err == 0)
			err = rule_digest(r, item, rule->digest);
		if (err < 0)
			return err;
		rule->policy = p->name;
	}
	p->n_rules = i;
	return 0;
}

static int read_schema(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	char shown[64];

	(void)f, (void)dst;
	if (str_eq(j->text, POLICY_SCHEMA))
		return 0;
	reader_refuse(r, j, "\"%s\" is not known", str_show(shown, sizeof(shown), j->text));
	error_hint(r->e, "this version reads \"%s\"", POLICY_SCHEMA);
	return -EINVAL;
}

static const struct field policy_fields[] = {
	{ "$schema", KIND_STRING, read_description, 0 },
	{ "schema", KIND_STRING, read_schema, 0, NULL, FIELD_REQUIRED },
	{ "name", KIND_STRING, read_string, AT(policy, name), NULL, FIELD_REQUIRED },
	{ "description", KIND_STRING, read_description, 0 },
	{ "generation", KIND_NUMBER, read_u64, AT(policy, generation) },
	{ "allowAuthorKeys", KIND_BOOL, read_bool, AT(policy, allow_author_keys) },
	{ "rules", KIND_OBJECTS, read_rules, 0, &rule_table, FIELD_REQUIRED },
};
static const struct table policy_table = TABLE(struct policy, policy_fields);

int policy_parse(struct arena *a, const char *file, const char *text, size_t len,
		 struct policy *ret, struct error *e)
{
	static const struct field whole = { .arg = &policy_table };
	struct reader r = { .arena = a, .file = file, .e = e };
	struct policy p = { .text = text, .len = len };
	uint8_t digest[SHA256_SIZE];
	struct json *doc;
	int err;

	if (len > POLICY_MAX_BYTES)
		return error_say(e, E2BIG, "%s: %zu bytes are too many, at most %u are read",
				 file, len, POLICY_MAX_BYTES);
	err = json_parse(a, file, text, len, &doc, e);
	if (err == 0)
		err = reader_expect(&r, doc, KIND_OBJECT);
	if (err == 0)
		err = read_strict(&r, doc, &whole, &p);
	if (err < 0)
		return err;
	p.file = arena_strdup(a, file);
	if (!p.file)
		return reader_no_memory(&r);
	sha256(text, len, digest);
	sha256_hex(digest, p.digest);
	*ret = p;
	return 0;
}

/* --- the set ------------------------------------------------------------------------------------- */

static int compare_rules(const void *a, const void *b)
{
	const struct policy_rule *x = *(const struct policy_rule *const *)a;
	const struct policy_rule *y = *(const struct policy_rule *const *)b;
	int c = strcmp(x->policy, y->policy);

	if (c == 0)
		c = strcmp(x->name, y->name);
	return c ? c : strcmp(x->digest, y->digest);
}

static int compare_policies(const void *a, const void *b)
{
	const struct policy *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->digest, y->digest);
}

int policy_set_order(struct policy_set *s, struct error *e)
{
	size_t i, k, n = 0;

	for (i = 0; i < s->n; i++)
		n += s->policies[i].n_rules;
	if (n > POLICY_MAX_RULES)
		return error_say(e, E2BIG,
				 "%zu rules of node policies are too many, at most %u", n,
				 POLICY_MAX_RULES);
	s->rules = arena_array(&s->arena, n + 1, sizeof(*s->rules));
	if (!s->rules)
		return error_set(e, ENOMEM, "node policies");
	if (s->n)
		qsort(s->policies, s->n, sizeof(*s->policies), compare_policies);
	for (i = 0, n = 0; i < s->n; i++)
		for (k = 0; k < s->policies[i].n_rules; k++)
			s->rules[n++] = &s->policies[i].rules[k];
	s->n_rules = n;
	qsort(s->rules, n, sizeof(*s->rules), compare_rules);
	return 0;
}

void policy_set_done(struct policy_set *s)
{
	arena_done(&s->arena);
	*s = (struct policy_set){ 0 };
}
