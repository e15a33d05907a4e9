/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "base/mem.h"
#include "spec/document.h"
#include "spec/names.h"
#include "spec/spec.h"

static const struct field arg_fields[] = {
	{ "index", KIND_NUMBER, read_u32, offsetof(struct spec_seccomp_arg, index), NULL,
	  FIELD_REQUIRED },
	{ "value", KIND_NUMBER, read_u64, offsetof(struct spec_seccomp_arg, value), NULL,
	  FIELD_REQUIRED },
	{ "valueTwo", KIND_NUMBER, read_u64, offsetof(struct spec_seccomp_arg, value_two) },
	{ "op", KIND_STRING, read_name, offsetof(struct spec_seccomp_arg, op),
	  spec_seccomp_op_names, FIELD_REQUIRED },
};

const struct table spec_seccomp_arg_table = TABLE(struct spec_seccomp_arg, arg_fields);

static int read_rule_errno(struct reader *r, const struct json *j, const struct field *f,
			   void *dst)
{
	struct spec_seccomp_rule *rule = dst;

	rule->set_errno = true;
	return read_u32(r, j, f, &rule->errno_ret);
}

static const struct field rule_fields[] = {
	{ "names", KIND_STRINGS, read_strings, offsetof(struct spec_seccomp_rule, names), NULL,
	  FIELD_REQUIRED },
	{ "action", KIND_STRING, read_name, offsetof(struct spec_seccomp_rule, action),
	  spec_seccomp_action_names, FIELD_REQUIRED },
	{ "errnoRet", KIND_NUMBER, read_rule_errno, 0 },
	{ "args", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct spec_seccomp_rule, n_args, args), &spec_seccomp_arg_table },
};

static const struct table rule_table = TABLE(struct spec_seccomp_rule, rule_fields);

static int read_default_errno(struct reader *r, const struct json *j, const struct field *f,
			      void *dst)
{
	struct spec_seccomp *s = dst;

	s->set_default_errno = true;
	return read_u32(r, j, f, &s->default_errno);
}

static int read_architectures(struct reader *r, const struct json *j, const struct field *f,
			      void *dst)
{
	struct spec_seccomp *s = dst;
	const struct json *item;
	uint64_t arch = 0;
	int err;

	if (j->len == 0)
		return 0;
	s->architectures = arena_array(r->arena, j->len, sizeof(*s->architectures));
	if (!s->architectures)
		return reader_no_memory(r);
	for (item = j->child; item; item = item->next) {
		err = reader_expect(r, item, KIND_STRING);
		if (err == 0)
			err = reader_name(r, item, f->arg, &arch);
		if (err < 0)
			return err;
		s->architectures[s->n_architectures++] = (uint32_t)arch;
	}
	return 0;
}

static int read_seccomp_flags(struct reader *r, const struct json *j, const struct field *f,
			      void *dst)
{
	struct spec_seccomp *s = dst;

	s->flags_present = true;
	return read_flags(r, j, f, &s->flags);
}

static const struct field seccomp_fields[] = {
	{ "defaultAction", KIND_STRING, read_name,
	  offsetof(struct spec_seccomp, default_action), spec_seccomp_action_names,
	  FIELD_REQUIRED },
	{ "defaultErrnoRet", KIND_NUMBER, read_default_errno, 0 },
	{ "architectures", KIND_STRINGS, read_architectures, 0, spec_seccomp_arch_names },
	{ "flags", KIND_STRINGS, read_seccomp_flags, 0, spec_seccomp_flag_names },
	{ "listenerPath", KIND_STRING, read_string,
	  offsetof(struct spec_seccomp, listener_path) },
	{ "listenerMetadata", KIND_STRING, read_string,
	  offsetof(struct spec_seccomp, listener_metadata) },
	{ "syscalls", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct spec_seccomp, n_rules, rules), &rule_table },
};

const struct table spec_seccomp_table = TABLE(struct spec_seccomp, seccomp_fields);
