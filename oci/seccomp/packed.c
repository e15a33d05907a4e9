/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/packed.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "spec/spec.h"

#define NO_TEXT UINT16_MAX /* in the place of its length: a pointer that is NULL */

/* --- to bytes ---------------------------------------------------------------------------------- */

struct packing {
	struct buf *to;
	int failed; /* -errno of the first failure */
};

static void put_bytes(struct packing *p, const void *data, size_t len)
{
	if (!p->failed)
		p->failed = buf_add(p->to, data, len);
}

static void put_number(struct packing *p, uint64_t v)
{
	put_bytes(p, &v, sizeof(v));
}

/* Its length, itself, and the NUL behind it. */
static void put_text(struct packing *p, const char *s)
{
	size_t n = s ? strlen(s) : NO_TEXT;
	uint16_t len = (uint16_t)n;

	if (s && n >= NO_TEXT)
		p->failed = p->failed ? p->failed : -EINVAL;
	put_bytes(p, &len, sizeof(len));
	if (s)
		put_bytes(p, s, n + 1);
}

static void put_rule(struct packing *p, const struct spec_seccomp_rule *r)
{
	size_t i;

	put_number(p, r->action);
	put_number(p, r->set_errno);
	put_number(p, r->errno_ret);
	put_number(p, r->n_args);
	for (i = 0; i < r->n_args; i++) {
		put_number(p, r->args[i].index);
		put_number(p, r->args[i].op);
		put_number(p, r->args[i].value);
		put_number(p, r->args[i].value_two);
	}
	put_number(p, r->names.n);
	for (i = 0; i < r->names.n; i++)
		put_text(p, r->names.v[i]);
}

int seccomp_pack(const struct spec_seccomp *s, struct buf *ret)
{
	struct packing p = { .to = ret };
	size_t i;

	if (s->n_ceilings)
		return -EINVAL;
	put_number(&p, s->present);
	put_number(&p, s->default_action);
	put_number(&p, s->set_default_errno);
	put_number(&p, s->default_errno);
	put_number(&p, s->flags_present);
	put_number(&p, s->flags);
	put_text(&p, s->listener_path);
	put_text(&p, s->listener_metadata);
	put_number(&p, s->n_architectures);
	for (i = 0; i < s->n_architectures; i++)
		put_number(&p, s->architectures[i]);
	put_number(&p, s->n_rules);
	for (i = 0; i < s->n_rules; i++)
		put_rule(&p, &s->rules[i]);
	return p.failed;
}

/* --- and back ---------------------------------------------------------------------------------- */

struct unpacking {
	struct arena *arena;
	const char *at;
	size_t left;
	int failed;
};

/* NULL from the first byte on that is missing. */
static const char *take_bytes(struct unpacking *u, size_t len)
{
	const char *p = u->at;

	if (u->failed || len > u->left) {
		u->failed = u->failed ? u->failed : -EBADMSG;
		return NULL;
	}
	u->at += len;
	u->left -= len;
	return p;
}

static uint64_t take_number(struct unpacking *u)
{
	const char *p = take_bytes(u, sizeof(uint64_t));
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t take_u32(struct unpacking *u)
{
	uint64_t v = take_number(u);

	if (v > UINT32_MAX && !u->failed)
		u->failed = -EBADMSG;
	return (uint32_t)v;
}

static bool take_bool(struct unpacking *u)
{
	uint64_t v = take_number(u);

	if (v > 1 && !u->failed)
		u->failed = -EBADMSG;
	return v == 1;
}

static char *take_text(struct unpacking *u)
{
	const char *p = take_bytes(u, sizeof(uint16_t));
	uint16_t len = 0;

	if (!p)
		return NULL;
	memcpy(&len, p, sizeof(len));
	if (len == NO_TEXT)
		return NULL;
	p = take_bytes(u, (size_t)len + 1);
	if (p && p[len] != '\0') {
		u->failed = -EBADMSG;
		return NULL;
	}
	return (char *)p;
}

/* A list's length and its room: each item takes at least `least` bytes of what is left. */
static void *take_list(struct unpacking *u, size_t least, size_t size, size_t *ret_n)
{
	uint64_t n = take_number(u);
	void *v;

	*ret_n = 0;
	if (n > u->left / least && !u->failed)
		u->failed = -EBADMSG;
	if (u->failed || n == 0)
		return NULL;
	v = arena_array(u->arena, (size_t)n, size);
	if (!v)
		u->failed = -ENOMEM;
	else
		*ret_n = (size_t)n;
	return v;
}

static void take_arg(struct unpacking *u, struct spec_seccomp_arg *ret)
{
	uint32_t op;

	ret->index = take_u32(u);
	op = take_u32(u);
	if ((op < SPEC_SECCOMP_NE || op > SPEC_SECCOMP_MASKED_EQ) && !u->failed)
		u->failed = -EBADMSG;
	ret->op = (enum spec_seccomp_op)op;
	ret->value = take_number(u);
	ret->value_two = take_number(u);
}

static void take_rule(struct unpacking *u, struct spec_seccomp_rule *ret)
{
	size_t i;

	ret->action = take_u32(u);
	ret->set_errno = take_bool(u);
	ret->errno_ret = take_u32(u);
	ret->args = take_list(u, 4 * sizeof(uint64_t), sizeof(*ret->args), &ret->n_args);
	for (i = 0; !u->failed && i < ret->n_args; i++)
		take_arg(u, &ret->args[i]);
	ret->names.v = take_list(u, sizeof(uint16_t) + 1, sizeof(char *), &ret->names.n);
	for (i = 0; !u->failed && i < ret->names.n; i++) {
		ret->names.v[i] = take_text(u);
		if (!ret->names.v[i] && !u->failed)
			u->failed = -EBADMSG;
	}
}

int seccomp_unpack(struct arena *a, const char *data, size_t len, struct spec_seccomp *ret)
{
	struct unpacking u = { .arena = a, .at = data, .left = len };
	struct spec_seccomp s = { 0 };
	size_t i;

	s.present = take_bool(&u);
	s.default_action = take_u32(&u);
	s.set_default_errno = take_bool(&u);
	s.default_errno = take_u32(&u);
	s.flags_present = take_bool(&u);
	s.flags = take_number(&u);
	s.listener_path = take_text(&u);
	s.listener_metadata = take_text(&u);
	s.architectures =
		take_list(&u, sizeof(uint64_t), sizeof(*s.architectures), &s.n_architectures);
	for (i = 0; !u.failed && i < s.n_architectures; i++)
		s.architectures[i] = take_u32(&u);
	s.rules = take_list(&u, 5 * sizeof(uint64_t), sizeof(*s.rules), &s.n_rules);
	for (i = 0; !u.failed && i < s.n_rules; i++)
		take_rule(&u, &s.rules[i]);
	if (!u.failed && u.left)
		u.failed = -EBADMSG;
	if (u.failed)
		return u.failed;
	*ret = s;
	return 0;
}
