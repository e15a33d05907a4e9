/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/capability.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "seccomp/abi.h"
#include "spec/document.h"
#include "spec/names.h"
#include "spec/spec.h"
#include "spec/table.h"

#define PROFILE_MAX (4u << 20)

/* --- the document ------------------------------------------------------------------------------ */

struct condition { /* "includes" or "excludes" */
	struct spec_strings caps;
	struct spec_strings arches;
	bool set_kernel;
	unsigned kernel_major;
	unsigned kernel_minor;
};

struct profile_rule {
	struct spec_seccomp_rule rule;
	struct condition includes;
	struct condition excludes;
};

struct profile_arch {
	const char *arch;
	struct spec_strings subs;
};

struct profile {
	const char *default_action;
	uint32_t action;
	bool set_errno;
	uint32_t errno_ret;
	size_t n_architectures;
	uint32_t *architectures;
	size_t n_map;
	struct profile_arch *map;
	bool flags_present;
	uint64_t flags;
	const char *listener_path;
	const char *listener_metadata;
	size_t n_rules;
	struct profile_rule *rules;
};

static int read_single_name(struct reader *r, const struct json *j, const struct field *f,
			    void *dst)
{
	struct spec_seccomp_rule *rule = dst;

	(void)f;
	if (json_get(j->parent, "names"))
		return reader_refuse(r, j, "names is given too, one of them must go");
	rule->names.v = arena_array(r->arena, 2, sizeof(char *));
	if (!rule->names.v)
		return reader_no_memory(r);
	rule->names.v[0] = (char *)j->text;
	rule->names.n = 1;
	return 0;
}

/* "ENOSYS" or "38": 0 or -EINVAL. */
static int errno_from_text(const char *text, uint32_t *ret)
{
	if (str_to_u32(text, ret) == 0)
		return 0;
	for (int n = 1; n < 256; n++) {
		if (str_eq(error_name(n), text)) {
			*ret = (uint32_t)n;
			return 0;
		}
	}
	return -EINVAL;
}

struct errno_ret {
	bool set;
	uint32_t value;
};

/* "errno" and "defaultErrno", which stand behind the numbers in the tables, so that they win. */
static int read_errno_text(struct reader *r, const struct json *j, struct errno_ret *ret)
{
	if (errno_from_text(j->text, &ret->value) < 0)
		return reader_refuse(r, j, "is no error: write a name such as \"EPERM\"");
	ret->set = true;
	return 0;
}

static int read_rule_errno(struct reader *r, const struct json *j, const struct field *f,
			   void *dst)
{
	struct spec_seccomp_rule *rule = dst;
	struct errno_ret v = { true, 0 };
	int err = f->kind == KIND_STRING ? read_errno_text(r, j, &v)
					 : read_u32(r, j, f, &v.value);

	rule->set_errno = v.set;
	rule->errno_ret = v.value;
	return err;
}

static int read_default_errno(struct reader *r, const struct json *j, const struct field *f,
			      void *dst)
{
	struct profile *p = dst;
	struct errno_ret v = { true, 0 };
	int err = f->kind == KIND_STRING ? read_errno_text(r, j, &v)
					 : read_u32(r, j, f, &v.value);

	p->set_errno = v.set;
	p->errno_ret = v.value;
	return err;
}

/* "4.8": major.minor, each at most 255, not 0.0. */
static int read_kernel(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct condition *c = dst;
	const char *dot = strchr(j->text, '.');
	char major[8] = "";
	uint32_t n[2];

	(void)f;
	if (!dot || (size_t)(dot - j->text) >= sizeof(major) ||
	    str_format(major, sizeof(major), "%.*s", (int)(dot - j->text), j->text) < 0 ||
	    str_to_u32(major, &n[0]) < 0 || str_to_u32(dot + 1, &n[1]) < 0 || n[0] > 255 ||
	    n[1] > 255 || n[0] + n[1] == 0)
		return reader_refuse(r, j, "is no kernel version: write it as \"4.8\"");
	c->set_kernel = true;
	c->kernel_major = n[0];
	c->kernel_minor = n[1];
	return 0;
}

static int read_default_action(struct reader *r, const struct json *j, const struct field *f,
			       void *dst)
{
	struct profile *p = dst;

	p->default_action = j->text;
	if (!*j->text)
		return 0;
	return read_name(r, j, f, &p->action);
}

static int read_architectures(struct reader *r, const struct json *j, const struct field *f,
			      void *dst)
{
	struct profile *p = dst;

	if (j->len == 0)
		return 0;
	p->architectures = arena_array(r->arena, j->len, sizeof(*p->architectures));
	if (!p->architectures)
		return reader_no_memory(r);
	for (const struct json *item = j->child; item; item = item->next) {
		uint64_t arch = 0;
		int err = reader_expect(r, item, KIND_STRING);

		if (err == 0)
			err = reader_name(r, item, f->arg, &arch);
		if (err < 0)
			return err;
		p->architectures[p->n_architectures++] = (uint32_t)arch;
	}
	return 0;
}

static int read_profile_flags(struct reader *r, const struct json *j, const struct field *f,
			      void *dst)
{
	struct profile *p = dst;

	p->flags_present = true;
	return read_flags(r, j, f, &p->flags);
}

static const struct field condition_fields[] = {
	{ "caps", KIND_STRINGS, read_strings, offsetof(struct condition, caps) },
	{ "arches", KIND_STRINGS, read_strings, offsetof(struct condition, arches) },
	{ "minKernel", KIND_STRING, read_kernel, 0 },
};
static const struct table condition_table = TABLE(struct condition, condition_fields);

static const struct field rule_fields[] = {
	{ "name", KIND_STRING, read_single_name, offsetof(struct profile_rule, rule) },
	{ "names", KIND_STRINGS, read_strings, offsetof(struct profile_rule, rule.names) },
	{ "action", KIND_STRING, read_name, offsetof(struct profile_rule, rule.action),
	  spec_seccomp_action_names, FIELD_REQUIRED },
	{ "errnoRet", KIND_NUMBER, read_rule_errno, offsetof(struct profile_rule, rule) },
	{ "errno", KIND_STRING, read_rule_errno, offsetof(struct profile_rule, rule) },
	{ "args", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct profile_rule, rule.n_args, rule.args), &spec_seccomp_arg_table },
	{ "includes", KIND_OBJECT, read_object, offsetof(struct profile_rule, includes),
	  &condition_table },
	{ "excludes", KIND_OBJECT, read_object, offsetof(struct profile_rule, excludes),
	  &condition_table },
};
static const struct table rule_table = TABLE(struct profile_rule, rule_fields);

static const struct field arch_fields[] = {
	{ "architecture", KIND_STRING, read_string, offsetof(struct profile_arch, arch), NULL,
	  FIELD_REQUIRED },
	{ "subArchitectures", KIND_STRINGS, read_strings, offsetof(struct profile_arch, subs) },
};
static const struct table arch_table = TABLE(struct profile_arch, arch_fields);

static const struct field profile_fields[] = {
	{ "defaultAction", KIND_STRING, read_default_action, 0, spec_seccomp_action_names },
	{ "defaultErrnoRet", KIND_NUMBER, read_default_errno, 0 },
	{ "defaultErrno", KIND_STRING, read_default_errno, 0 },
	{ "architectures", KIND_STRINGS, read_architectures, 0, spec_seccomp_arch_names },
	{ "archMap", KIND_OBJECTS, read_objects, LIST_OFFSET(struct profile, n_map, map),
	  &arch_table },
	{ "flags", KIND_STRINGS, read_profile_flags, 0, spec_seccomp_flag_names },
	{ "listenerPath", KIND_STRING, read_string, offsetof(struct profile, listener_path) },
	{ "listenerMetadata", KIND_STRING, read_string,
	  offsetof(struct profile, listener_metadata) },
	{ "syscalls", KIND_OBJECTS, read_objects, LIST_OFFSET(struct profile, n_rules, rules),
	  &rule_table },
};
static const struct table profile_table = TABLE(struct profile, profile_fields);

/* --- for one container ------------------------------------------------------------------------- */

/* The names profiles give our ABIs in "arches": Go's, and its package's. */
static bool arch_is_native(const char *name, enum seccomp_abi native)
{
	static const struct {
		enum seccomp_abi abi;
		const char *name;
	} names[] = {
		{ SECCOMP_ABI_X86_64, "amd64" },
		{ SECCOMP_ABI_AARCH64, "arm64" },
		{ SECCOMP_ABI_RISCV64, "riscv64" },
		{ SECCOMP_ABI_PPC64LE, "ppc64le" },
		{ SECCOMP_ABI_S390X, "s390x" },
		{ SECCOMP_ABI_LOONGARCH64, "loong64" },
		{ SECCOMP_ABI_LOONGARCH64, "loongarch64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].abi == native && str_eq(names[i].name, name))
			return true;
	}
	return false;
}

static bool has_native(const struct spec_strings *arches, enum seccomp_abi native)
{
	for (size_t i = 0; i < arches->n; i++) {
		if (arch_is_native(arches->v[i], native))
			return true;
	}
	return false;
}

/* A capability this build does not know is one the process does not have. */
static bool has_cap(const struct seccomp_profile_for *t, const char *name)
{
	int cap = capability_from_name(name);

	return cap >= 0 && cap < 64 && t->bounding >> cap & 1;
}

static bool kernel_reaches(const struct seccomp_profile_for *t, const struct condition *c)
{
	if (t->kernel_major != c->kernel_major)
		return t->kernel_major > c->kernel_major;
	return t->kernel_minor >= c->kernel_minor;
}

/* Excludes first, any of them; then includes, all of them. */
static bool rule_applies(const struct profile_rule *r, const struct seccomp_profile_for *t)
{
	if (has_native(&r->excludes.arches, t->native))
		return false;
	for (size_t i = 0; i < r->excludes.caps.n; i++) {
		if (has_cap(t, r->excludes.caps.v[i]))
			return false;
	}
	if (r->excludes.set_kernel && kernel_reaches(t, &r->excludes))
		return false;

	if (r->includes.arches.n && !has_native(&r->includes.arches, t->native))
		return false;
	for (size_t i = 0; i < r->includes.caps.n; i++) {
		if (!has_cap(t, r->includes.caps.v[i]))
			return false;
	}
	return !r->includes.set_kernel || kernel_reaches(t, &r->includes);
}

/* The entry of the native ABI gives the list; no entry: only the native ABI itself. */
static int map_architectures(struct reader *r, const struct profile *p, enum seccomp_abi native,
			     struct spec_seccomp *ret)
{
	const char *name = spec_name_of(spec_seccomp_arch_names, seccomp_abi_to_spec(native));

	for (size_t i = 0; i < p->n_map; i++) {
		const struct spec_strings *subs = &p->map[i].subs;

		if (!str_eq(p->map[i].arch, name))
			continue;
		ret->architectures = arena_array(r->arena, subs->n + 1, sizeof(uint32_t));
		if (!ret->architectures)
			return reader_no_memory(r);
		ret->architectures[ret->n_architectures++] = seccomp_abi_to_spec(native);
		for (size_t j = 0; j < subs->n; j++) {
			const struct spec_name *sub =
				spec_name_find(spec_seccomp_arch_names, subs->v[j]);
			char shown[64];

			if (!sub)
				return error_say(
					r->e, EINVAL,
					"%s: archMap[%zu].subArchitectures[%zu]: \"%s\" is "
					"not known",
					r->file, i, j,
					str_show(shown, sizeof(shown), subs->v[j]));
			ret->architectures[ret->n_architectures++] = (uint32_t)sub->value;
		}
		return 0;
	}
	return 0;
}

static int profile_for(struct reader *r, const struct profile *p,
		       const struct seccomp_profile_for *target, struct spec_seccomp *ret)
{
	struct spec_seccomp s = {
		.present = true,
		.default_action = p->action,
		.set_default_errno = p->set_errno,
		.default_errno = p->errno_ret,
		.n_architectures = p->n_architectures,
		.architectures = p->architectures,
		.flags = p->flags,
		.flags_present = p->flags_present,
		.listener_path = p->listener_path,
		.listener_metadata = p->listener_metadata,
	};
	int err = map_architectures(r, p, target->native, &s);

	if (err < 0)
		return err;
	s.rules = arena_array(r->arena, p->n_rules, sizeof(*s.rules));
	if (!s.rules && p->n_rules)
		return reader_no_memory(r);
	for (size_t i = 0; i < p->n_rules; i++) {
		if (rule_applies(&p->rules[i], target))
			s.rules[s.n_rules++] = p->rules[i].rule;
	}
	*ret = s;
	return 0;
}

int seccomp_profile_resolve(struct arena *a, const char *name, const char *data, size_t len,
			    const struct seccomp_profile_for *target, struct spec_seccomp *ret,
			    struct error *e)
{
	struct reader reader = { .arena = a, .file = name, .e = e };
	struct profile p = { 0 };
	struct json *doc;
	int r;

	if (target->native >= SECCOMP_ABI_COUNT)
		return error_say(e, ENOTSUP,
				 "%s: no table of system calls for this architecture", name);
	if (len > PROFILE_MAX)
		return error_say(e, E2BIG, "%s: %zu bytes are too many, at most %u are read",
				 name, len, PROFILE_MAX);
	r = json_parse(a, name, data, len, &doc, e);
	if (r == 0)
		r = table_read_document(&reader, doc, &profile_table, &p);
	if (r < 0)
		return r;

	if (str_empty(p.default_action) && !p.n_rules) {
		*ret = (struct spec_seccomp){ 0 };
		return 0;
	}
	if (str_empty(p.default_action))
		return error_say(e, EINVAL, "%s: defaultAction is missing", name);
	if (p.n_architectures && p.n_map)
		return error_say(
			e, EINVAL,
			"%s: architectures and archMap are both given, one of them must go",
			name);
	return profile_for(&reader, &p, target, ret);
}
