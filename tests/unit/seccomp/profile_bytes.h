/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "profile_build.h"

/*
 * Bytes -> a rule set, for random tests and for fuzzing: every sequence of bytes is some profile,
 * and small changes of the bytes are small changes of the profile.
 */
struct bytes {
	const uint8_t *p;
	size_t n;
};

static inline uint8_t bytes_take(struct bytes *b)
{
	if (!b->n)
		return 0;
	b->n--;
	return *b->p++;
}

static inline uint32_t bytes_action(struct bytes *b)
{
	static const uint32_t actions[] = {
		SECCOMP_RET_ALLOW,        SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW,
		SECCOMP_RET_ERRNO,        SECCOMP_RET_TRAP,  SECCOMP_RET_LOG,
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRACE, SECCOMP_RET_KILL_THREAD,
		SECCOMP_RET_USER_NOTIF,
	};

	return actions[bytes_take(b) % ARRAY_SIZE(actions)];
}

static inline bool bytes_takes_errno(uint32_t action)
{
	return action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_TRACE;
}

/* Values cluster, so that ranges meet and overlap; some are wide, some negative. */
static inline uint64_t bytes_value(struct bytes *b)
{
	uint8_t kind = bytes_take(b);
	uint64_t v = bytes_take(b) % 16;

	switch (kind % 8) {
	case 0:
		return v << 32 | bytes_take(b) % 4;
	case 1:
		return (uint64_t)-1 - v;
	case 2:
		return UINT32_MAX - v;
	case 3:
		return UINT64_C(1) << (v * 4 + kind % 4);
	case 4:
		return (UINT64_C(1) << 32) + v;
	default:
		return v;
	}
}

static inline void bytes_args(struct p *p, struct spec_seccomp_rule *r, struct bytes *b)
{
	size_t n = bytes_take(b) % 5;

	for (size_t i = 0; i < n; i++) {
		uint8_t where = bytes_take(b);
		enum spec_seccomp_op op = SPEC_SECCOMP_NE + where / 6 % 7;
		uint64_t value = bytes_value(b), two = bytes_value(b);

		/* Most masks should be able to match. */
		if (op == SPEC_SECCOMP_MASKED_EQ && where < 200)
			two &= value;
		p_arg(p, r, where % 6, op, value, two);
	}
}

static inline void bytes_rule(struct p *p, struct bytes *b)
{
	/* A few with arguments of every width, some in few ABIs, some behind a door. */
	static const char *const favourites[] = {
		"socket",  "clone",      "personality",  "ioctl",   "prctl", "mmap",
		"ipc",     "socketcall", "connect",      "semop",   "read",  "ptrace",
		"openat2", "kill",       "no_such_call", "set_tls",
	};
	struct spec_seccomp_rule *r = p_rule(p, bytes_action(b), "");
	size_t n = bytes_take(b) % 8 + 1;

	r->names.v = arena_array(&p->arena, n, sizeof(char *));
	if (!r->names.v)
		abort();
	for (size_t i = 0; i < n; i++) {
		uint8_t hi = bytes_take(b), lo = bytes_take(b);

		if (hi & 0x80)
			r->names.v[i] = (char *)favourites[lo % ARRAY_SIZE(favourites)];
		else
			r->names.v[i] =
				(char *)seccomp_table[(hi << 8 | lo) % seccomp_table_len].name;
	}
	r->names.n = n;
	if (bytes_takes_errno(r->action) && bytes_take(b) & 1)
		p_errno(r, bytes_take(b));
	bytes_args(p, r, b);
}

static inline enum seccomp_abi bytes_profile(struct p *p, struct bytes *b)
{
	static const enum seccomp_abi natives[] = { SECCOMP_ABI_X86_64, SECCOMP_ABI_X86_64,
						    SECCOMP_ABI_AARCH64, SECCOMP_ABI_S390X };
	static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, SPEC_ARCH_X32,
					   AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM };
	uint8_t arch = bytes_take(b);

	p_init(p, bytes_action(b));
	if (bytes_takes_errno(p->spec.default_action))
		p_default_errno(p, bytes_take(b) % 64);
	for (size_t i = 0; i < ARRAY_SIZE(arches); i++) {
		if (arch >> i & 1)
			p_arch(p, arches[i]);
	}
	while (b->n && p->spec.n_rules < 64)
		bytes_rule(p, b);
	return natives[arch >> 5 & 3];
}
