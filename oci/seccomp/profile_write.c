/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/str.h"
#include "seccomp/profile.h"
#include "spec/names.h"
#include "spec/spec.h"

static void write_arg(struct json_writer *w, const struct spec_seccomp_arg *a)
{
	json_write_object(w);
	json_put_u64(w, "index", a->index);
	json_put_u64(w, "value", a->value);
	if (a->op == SPEC_SECCOMP_MASKED_EQ || a->value_two)
		json_put_u64(w, "valueTwo", a->value_two);
	json_put_string(w, "op", spec_name_of(spec_seccomp_op_names, a->op));
	json_write_end(w);
}

static void write_rule(struct json_writer *w, const struct spec_seccomp_rule *r)
{
	json_write_object(w);
	json_write_key(w, "names");
	json_write_array(w);
	for (size_t i = 0; i < r->names.n; i++)
		json_write_string(w, r->names.v[i]);
	json_write_end(w);
	json_put_string(w, "action", spec_name_of(spec_seccomp_action_names, r->action));
	if (r->set_errno)
		json_put_u64(w, "errnoRet", r->errno_ret);
	if (r->n_args) {
		json_write_key(w, "args");
		json_write_array(w);
		for (size_t i = 0; i < r->n_args; i++)
			write_arg(w, &r->args[i]);
		json_write_end(w);
	}
	json_write_end(w);
}

static void write_flags(struct json_writer *w, uint64_t flags)
{
	json_write_key(w, "flags");
	json_write_array(w);
	for (const struct spec_name *n = spec_seccomp_flag_names; n->name; n++) {
		if (flags & n->value)
			json_write_string(w, n->name);
	}
	json_write_end(w);
}

void seccomp_profile_write(struct json_writer *w, const struct spec_seccomp *spec)
{
	if (!spec->present) {
		json_write_null(w);
		return;
	}
	json_write_object(w);
	json_put_string(w, "defaultAction",
			spec_name_of(spec_seccomp_action_names, spec->default_action));
	if (spec->set_default_errno)
		json_put_u64(w, "defaultErrnoRet", spec->default_errno);
	if (spec->n_architectures) {
		json_write_key(w, "architectures");
		json_write_array(w);
		for (size_t i = 0; i < spec->n_architectures; i++)
			json_write_string(w, spec_name_of(spec_seccomp_arch_names,
							  spec->architectures[i]));
		json_write_end(w);
	}
	if (spec->flags_present)
		write_flags(w, spec->flags);
	if (!str_empty(spec->listener_path))
		json_put_string(w, "listenerPath", spec->listener_path);
	if (!str_empty(spec->listener_metadata))
		json_put_string(w, "listenerMetadata", spec->listener_metadata);
	json_write_key(w, "syscalls");
	json_write_array(w);
	for (size_t i = 0; i < spec->n_rules; i++)
		write_rule(w, &spec->rules[i]);
	json_write_end(w);
	json_write_end(w);
}
