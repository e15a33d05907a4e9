/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "profile_build.h"

/* The program that libseccomp makes of a profile, for x86_64 and what it lists beside it. */

static inline uint32_t with_data(uint32_t action, bool set, uint32_t data)
{
	bool takes = action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_TRACE;

	return takes ? action | (set ? data : EPERM) : action;
}

static inline void add_rule(scmp_filter_ctx ctx, uint32_t action,
			    const struct spec_seccomp_rule *rule,
			    const struct spec_seccomp_arg *args, size_t n_args)
{
	struct scmp_arg_cmp cmp[SPEC_SECCOMP_MAX_ARGS];

	assert_true(n_args <= ARRAY_SIZE(cmp));
	for (size_t i = 0; i < n_args; i++)
		cmp[i] = (struct scmp_arg_cmp){ args[i].index, (enum scmp_compare)args[i].op,
						args[i].value, args[i].value_two };
	for (size_t i = 0; i < rule->names.n; i++) {
		int nr = seccomp_syscall_resolve_name(rule->names.v[i]), r = 0;

		if (nr != __NR_SCMP_ERROR)
			r = seccomp_rule_add_array(ctx, action, nr, (unsigned)n_args, cmp);
		assert_true(r == 0 || r == -EEXIST);
	}
}

static inline bool same_index_twice(const struct spec_seccomp_rule *r)
{
	for (size_t i = 0; i < r->n_args; i++) {
		for (size_t j = 0; j < i; j++) {
			if (r->args[i].index == r->args[j].index)
				return true;
		}
	}
	return false;
}

/* As runc and crun hand a profile over: a rule for each condition where an index comes twice. */
static inline void their_program(const struct spec_seccomp *s, struct seccomp_program *ret)
{
	uint32_t def = with_data(s->default_action, s->set_default_errno, s->default_errno);
	scmp_filter_ctx ctx = seccomp_init(def);
	int fd = memfd_create("bpf", MFD_CLOEXEC);
	off_t size;

	assert_non_null(ctx);
	for (size_t i = 0; i < s->n_architectures; i++) {
		static const struct {
			uint32_t spec, scmp;
		} arches[] = { { AUDIT_ARCH_I386, SCMP_ARCH_X86 },
			       { SPEC_ARCH_X32, SCMP_ARCH_X32 } };

		for (size_t j = 0; j < ARRAY_SIZE(arches); j++) {
			if (arches[j].spec == s->architectures[i])
				assert_int_equal(seccomp_arch_add(ctx, arches[j].scmp), 0);
		}
	}
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct spec_seccomp_rule *r = &s->rules[i];
		uint32_t action = with_data(r->action, r->set_errno, r->errno_ret);

		if (action == def)
			continue;
		if (!same_index_twice(r)) {
			add_rule(ctx, action, r, r->args, r->n_args);
			continue;
		}
		for (size_t j = 0; j < r->n_args; j++)
			add_rule(ctx, action, r, &r->args[j], 1);
	}
	assert_int_equal(seccomp_export_bpf(ctx, fd), 0);
	seccomp_release(ctx);

	size = lseek(fd, 0, SEEK_END);
	ret->n = (size_t)size / sizeof(struct sock_filter);
	ret->insns = malloc((size_t)size);
	assert_non_null(ret->insns);
	assert_int_equal(pread(fd, ret->insns, (size_t)size, 0), size);
	close(fd);
}
