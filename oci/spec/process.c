/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/capability.h"
#include "base/mem.h"
#include "base/str.h"
#include "spec/document.h"
#include "spec/names.h"
#include "spec/spec.h"

#define UMASK_MAX     0777
#define UNKNOWN_NAMES 64 /* of capabilities, kept for the message */

/* --- user ------------------------------------------------------------------------------------ */

static int read_umask(struct reader *r, const struct json *j, const struct field *f, void *dst)
{
	struct spec_user *user = dst;
	uint64_t value;
	int err = reader_unsigned(r, j, UMASK_MAX, &value);

	(void)f;
	if (err < 0)
		return err;
	user->set_umask = true;
	user->umask = (uint32_t)value;
	return 0;
}

static const struct field user_fields[] = {
	{ "uid", KIND_NUMBER, read_id, offsetof(struct spec_user, uid) },
	{ "gid", KIND_NUMBER, read_id, offsetof(struct spec_user, gid) },
	{ "umask", KIND_NUMBER, read_umask, 0 },
	{ "additionalGids", KIND_NUMBERS, read_ids,
	  LIST_OFFSET(struct spec_user, n_additional_gids, additional_gids) },
	{ "username", KIND_STRING, read_string, offsetof(struct spec_user, username) },
};

static const struct table user_table = TABLE(struct spec_user, user_fields);

static const struct field console_size_fields[] = {
	{ "height", KIND_NUMBER, read_u16, offsetof(struct spec_process, console_height), NULL,
	  FIELD_REQUIRED },
	{ "width", KIND_NUMBER, read_u16, offsetof(struct spec_process, console_width), NULL,
	  FIELD_REQUIRED },
};

static const struct table console_size_table = TABLE(struct spec_process, console_size_fields);

/* --- capabilities ---------------------------------------------------------------------------- */

static int unknown_add(struct reader *r, struct spec_strings *unknown, const char *name)
{
	size_t i;

	for (i = 0; i < unknown->n; i++)
		if (str_eq(unknown->v[i], name))
			return 0;
	if (unknown->n == UNKNOWN_NAMES)
		return 0;
	if (!unknown->v)
		unknown->v = arena_array(r->arena, UNKNOWN_NAMES + 1, sizeof(*unknown->v));
	if (!unknown->v)
		return reader_no_memory(r);
	unknown->v[unknown->n++] = (char *)name;
	return 0;
}

static int capability_set_read(struct reader *r, const struct json *set, uint64_t *ret,
			       struct spec_strings *unknown)
{
	const struct json *item;
	uint64_t bits = 0;
	int n, err;

	for (item = set->child; item; item = item->next) {
		err = reader_expect(r, item, KIND_STRING);
		if (err < 0)
			return err;
		n = capability_from_name(item->text);
		if (n >= 0)
			bits |= 1ull << n;
		else
			err = unknown_add(r, unknown, item->text);
		if (err < 0)
			return err;
	}
	*ret = bits;
	return 0;
}

static const struct {
	const char *key;
	size_t offset;
} capability_sets[] = {
	{ "bounding", offsetof(struct spec_capabilities, bounding) },
	{ "effective", offsetof(struct spec_capabilities, effective) },
	{ "inheritable", offsetof(struct spec_capabilities, inheritable) },
	{ "permitted", offsetof(struct spec_capabilities, permitted) },
	{ "ambient", offsetof(struct spec_capabilities, ambient) },
};

static int read_capabilities(struct reader *r, const struct json *j, const struct field *f,
			     void *dst)
{
	struct spec_capabilities *caps = dst;
	size_t i;
	int err;

	(void)f;
	caps->present = true;
	for (i = 0; i < ARRAY_SIZE(capability_sets); i++) {
		const struct json *set = json_get(j, capability_sets[i].key);
		uint64_t *bits = (uint64_t *)((char *)caps + capability_sets[i].offset);

		if (!set || set->type == JSON_NULL)
			continue;
		err = reader_expect(r, set, KIND_STRINGS);
		if (err == 0)
			err = capability_set_read(r, set, bits, &caps->unknown);
		if (err < 0)
			return err;
	}
	return 0;
}

/* --- limits and scheduling ------------------------------------------------------------------- */

static int read_rlimit_type(struct reader *r, const struct json *j, const struct field *f,
			    void *dst)
{
	struct spec_rlimit *limit = dst;
	uint64_t value;
	int err = reader_name(r, j, f->arg, &value);

	if (err < 0)
		return err;
	limit->resource = (int)value;
	limit->name = j->text;
	return 0;
}

static const struct field rlimit_fields[] = {
	{ "type", KIND_STRING, read_rlimit_type, 0, spec_rlimit_names, FIELD_REQUIRED },
	{ "soft", KIND_NUMBER, read_u64, offsetof(struct spec_rlimit, soft), NULL,
	  FIELD_REQUIRED },
	{ "hard", KIND_NUMBER, read_u64, offsetof(struct spec_rlimit, hard), NULL,
	  FIELD_REQUIRED },
};

static const struct table rlimit_table = TABLE(struct spec_rlimit, rlimit_fields);

static const struct field scheduler_fields[] = {
	{ "policy", KIND_STRING, read_name, offsetof(struct spec_scheduler, policy),
	  spec_scheduler_policy_names, FIELD_REQUIRED },
	{ "nice", KIND_NUMBER, read_i32, offsetof(struct spec_scheduler, nice) },
	{ "priority", KIND_NUMBER, read_i32, offsetof(struct spec_scheduler, priority) },
	{ "flags", KIND_STRINGS, read_flags, offsetof(struct spec_scheduler, flags),
	  spec_scheduler_flag_names },
	{ "runtime", KIND_NUMBER, read_u64, offsetof(struct spec_scheduler, runtime) },
	{ "deadline", KIND_NUMBER, read_u64, offsetof(struct spec_scheduler, deadline) },
	{ "period", KIND_NUMBER, read_u64, offsetof(struct spec_scheduler, period) },
};

static const struct table scheduler_table = TABLE(struct spec_scheduler, scheduler_fields);

static const struct field io_priority_fields[] = {
	{ "class", KIND_STRING, read_name, offsetof(struct spec_io_priority, class),
	  spec_io_priority_class_names, FIELD_REQUIRED },
	{ "priority", KIND_NUMBER, read_i32, offsetof(struct spec_io_priority, priority) },
};

static const struct table io_priority_table =
	TABLE(struct spec_io_priority, io_priority_fields);

static const struct field cpu_affinity_fields[] = {
	{ "initial", KIND_STRING, read_string,
	  offsetof(struct spec_process, exec_cpu_initial) },
	{ "final", KIND_STRING, read_string, offsetof(struct spec_process, exec_cpu_final) },
};

static const struct table cpu_affinity_table = TABLE(struct spec_process, cpu_affinity_fields);

/* --- process --------------------------------------------------------------------------------- */

static const struct field process_fields[] = {
	{ "terminal", KIND_BOOL, read_bool, offsetof(struct spec_process, terminal) },
	{ "consoleSize", KIND_OBJECT, read_object, 0, &console_size_table },
	{ "user", KIND_OBJECT, read_object, offsetof(struct spec_process, user), &user_table },
	{ "args", KIND_STRINGS, read_strings, offsetof(struct spec_process, args) },
	{ "env", KIND_STRINGS, read_strings, offsetof(struct spec_process, env) },
	{ "cwd", KIND_STRING, read_string, offsetof(struct spec_process, cwd) },
	{ "capabilities", KIND_OBJECT, read_capabilities,
	  offsetof(struct spec_process, capabilities) },
	{ "rlimits", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct spec_process, n_rlimits, rlimits), &rlimit_table },
	{ "noNewPrivileges", KIND_BOOL, read_bool,
	  offsetof(struct spec_process, no_new_privileges) },
	{ "apparmorProfile", KIND_STRING, read_string,
	  offsetof(struct spec_process, apparmor_profile) },
	{ "selinuxLabel", KIND_STRING, read_string,
	  offsetof(struct spec_process, selinux_label) },
	{ "oomScoreAdj", KIND_NUMBER, read_opt_i64,
	  offsetof(struct spec_process, oom_score_adj) },
	{ "scheduler", KIND_OBJECT, read_present, offsetof(struct spec_process, scheduler),
	  &scheduler_table },
	{ "ioPriority", KIND_OBJECT, read_present, offsetof(struct spec_process, io_priority),
	  &io_priority_table },
	{ "execCPUAffinity", KIND_OBJECT, read_object, 0, &cpu_affinity_table },
};

const struct table spec_process_table = TABLE(struct spec_process, process_fields);
