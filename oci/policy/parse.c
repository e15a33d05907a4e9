/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "policy/document.h"
#include "policy/policy.h"
#include "spec/table.h"

/* --- rules --------------------------------------------------------------------------------------- */

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
	error_hint(r->e,
		   "use userNamespace, cgroupParents, stateFolders or kubernetesNamespaces, or "
		   "set allowAuthorKeys");
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
		if (err < 0)
			return err;
		rule->policy = p->name;
		rule->source = item;
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
	{ "rules", KIND_OBJECTS, read_rules, 0, &policy_rule_table, FIELD_REQUIRED },
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

/* Neither order nor white space is part of what a rule says; its text as written again is. */
static int rule_digest(struct policy_rule *r, struct error *e)
{
	uint8_t digest[SHA256_SIZE];
	autobuf text = { .max = POLICY_MAX_BYTES * 2 };
	autojson *w = json_writer_new(false);

	if (!w)
		return error_set(e, ENOMEM, "node policies");
	json_write_tree(w, r->source);
	if (json_writer_end(w, &text) < 0)
		return error_set(e, ENOMEM, "node policies");
	sha256(text.data, text.len, digest);
	sha256_hex(digest, r->digest);
	return 0;
}

int policy_set_digest(struct policy_set *s, struct error *e)
{
	size_t i, k;
	int r = 0;

	for (i = 0; i < s->n; i++)
		for (k = 0; r == 0 && k < s->policies[i].n_rules; k++)
			r = rule_digest(&s->policies[i].rules[k], e);
	return r;
}

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

static bool rules_have_one_name(const struct policy_rule *x, const struct policy_rule *y)
{
	return str_eq(x->policy, y->policy) && str_eq(x->name, y->name);
}

/* Names are seldom equal; where they are, the text decides. */
static int rules_tell_apart(struct policy_set *s, struct error *e)
{
	bool equal = false;
	size_t i;
	int r;

	for (i = 1; i < s->n_rules && !equal; i++)
		equal = rules_have_one_name(s->rules[i - 1], s->rules[i]);
	if (!equal)
		return 0;
	r = policy_set_digest(s, e);
	if (r == 0)
		qsort(s->rules, s->n_rules, sizeof(*s->rules), compare_rules);
	return r;
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
	return rules_tell_apart(s, e);
}

void policy_set_done(struct policy_set *s)
{
	arena_done(&s->arena);
	*s = (struct policy_set){ 0 };
}
