/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing of config.json is forgotten: each member of spec.h is bounded by a row of the merge, or stands in
 * policies/FIELDS.md with the reason why none is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/str.h"
#include "policy/field.h"

#define NAME_MAX_ 128

/* Not a member's own word: lists and pairs, and what only wraps one member. */
static const char *const plain[] = { "spec_strings", "spec_pair",      "spec_pairs",
				     "spec_hooks",   "spec_throttles", "spec_landlock" };

static struct buf read_text(const char *path)
{
	struct buf text = { .max = 1 << 20 };
	struct error e = ERROR_INIT;

	if (file_read(AT_FDCWD, path, 1 << 20, &text, &e) < 0)
		fail_msg("%s", e.text);
	return text;
}

/* --- the table ----------------------------------------------------------------------------------- */

struct row {
	char member[NAME_MAX_];
	char rows[256];
	char reason[256];
};

static size_t n_rows;
static struct row rows[1024];

static void cell_copy(char *dst, size_t size, const char *text, size_t n)
{
	while (n && isspace((unsigned char)*text))
		text++, n--;
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	assert_true(n < size);
	memcpy(dst, text, n);
	dst[n] = '\0';
}

/* "| `member` | `row` `row` | reason |" */
static void row_read(const char *line)
{
	struct row *r = &rows[n_rows];
	const char *a = strchr(line + 1, '|'), *b = a ? strchr(a + 1, '|') : NULL,
		   *c = b ? strchr(b + 1, '|') : NULL;
	char first[NAME_MAX_];

	if (!c)
		fail_msg("a row of three cells: %s", line);
	cell_copy(first, sizeof(first), line + 1, (size_t)(a - line - 1));
	if (first[0] != '`')
		return;
	assert_true(n_rows < ARRAY_SIZE(rows));
	cell_copy(r->member, sizeof(r->member), first + 1, strlen(first) - 2);
	cell_copy(r->rows, sizeof(r->rows), a + 1, (size_t)(b - a - 1));
	cell_copy(r->reason, sizeof(r->reason), b + 1, (size_t)(c - b - 1));
	n_rows++;
}

static int read_table(void **state)
{
	struct buf text = read_text("policies/FIELDS.md");
	char *save = NULL, *line;

	(void)state;
	for (line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (line[0] == '|')
			row_read(line);
	buf_done(&text);
	return 0;
}

static struct row *row_find(const char *member)
{
	size_t i;

	for (i = 0; i < n_rows; i++)
		if (str_eq(rows[i].member, member))
			return &rows[i];
	return NULL;
}

/* --- the header ---------------------------------------------------------------------------------- */

static size_t n_members;
static char members[1024][NAME_MAX_];

static void comments_blank(char *text)
{
	char *from, *to;

	while ((from = strstr(text, "/*")) && (to = strstr(from, "*/")))
		memset(from, ' ', (size_t)(to + 2 - from));
}

/* Counts, and whether something was there at all, belong to what they count. */
static bool is_own_word(const char *name)
{
	return !str_starts(name, "n_") && !str_starts(name, "set_") &&
	       !str_eq(name, "present") && !str_eq(name, "flags_present") &&
	       !str_eq(name, "writes_set") && !str_eq(name, "root_present");
}

/* "struct opt_i64 a, b": a, b; "bool c[N]": c */
static void members_read(const char *group, char *statement)
{
	char *save = NULL, *part, *end, *begin;

	for (part = strtok_r(statement, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		end = strchr(part, '[') ?: part + strlen(part);
		while (end > part && isspace((unsigned char)end[-1]))
			end--;
		for (begin = end;
		     begin > part && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_');)
			begin--;
		*end = '\0';
		if (begin == end || !is_own_word(begin))
			continue;
		assert_true(n_members < ARRAY_SIZE(members));
		assert_int_equal(
			str_format(members[n_members++], NAME_MAX_, "%s.%s", group, begin), 0);
	}
}

static void group_read(char *name, char *body)
{
	char *save = NULL, *statement;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		if (str_eq(name, plain[i]))
			return;
	for (statement = strtok_r(body, ";", &save); statement;
	     statement = strtok_r(NULL, ";", &save))
		members_read(name, statement);
}

static int read_header(void **state)
{
	struct buf text = read_text("oci/spec/spec.h");
	char *at, *name, *open, *close;

	(void)state;
	comments_blank(text.data);
	for (at = text.data; (name = strstr(at, "\nstruct spec")); at = close + 1) {
		name += strlen("\nstruct ");
		open = strstr(name, " {");
		close = strchr(name, ';');
		if (!open || !close || open > close)
			continue;
		close = strstr(open, "\n};");
		assert_non_null(close);
		*open = *close = '\0';
		group_read(name, open + 2);
	}
	buf_done(&text);
	return 0;
}

static int read_both(void **state)
{
	return read_table(state) < 0 ? -1 : read_header(state);
}

/* --- tests --------------------------------------------------------------------------------------- */

static void every_member_is_bounded_or_named_with_a_reason(void **state)
{
	size_t i, missing = 0;

	(void)state;
	for (i = 0; i < n_members; i++) {
		const struct row *r = row_find(members[i]);

		if (r && (r->rows[0] || r->reason[0]))
			continue;
		print_message("%s: neither bounded nor named\n", members[i]);
		missing++;
	}
	print_message("%zu members\n", n_members);
	assert_true(n_members > 150);
	assert_int_equal(missing, 0);
}

static void no_row_speaks_of_a_member_that_is_gone(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < n_rows; i++) {
		for (k = 0; k < n_members && !str_eq(members[k], rows[i].member); k++)
			;
		if (k == n_members)
			fail_msg("%s is in no struct of spec.h", rows[i].member);
	}
}

static bool says(const struct row *r, const char *name)
{
	char quoted[NAME_MAX_];

	return str_format(quoted, sizeof(quoted), "`%s`", name) == 0 && strstr(r->rows, quoted);
}

static void what_bounds_is_a_row_of_the_merge_and_each_of_those_bounds_something(void **state)
{
	size_t i, k, n = 0, marks = 0;
	const char *p;

	(void)state;
	for (k = 0; k < policy_fields_len; k++) {
		for (i = 0; i < n_rows && !says(&rows[i], policy_fields[k].name); i++)
			;
		if (i == n_rows)
			fail_msg("%s bounds no member", policy_fields[k].name);
	}
	for (i = 0; i < n_rows; i++) {
		for (p = rows[i].rows; *p; p++)
			marks += *p == '`';
		for (k = 0; k < policy_fields_len; k++)
			n += says(&rows[i], policy_fields[k].name);
	}
	/* Two marks a name: none is left over. */
	assert_int_equal(marks, 2 * n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_is_bounded_or_named_with_a_reason),
		cmocka_unit_test(no_row_speaks_of_a_member_that_is_gone),
		cmocka_unit_test(
			what_bounds_is_a_row_of_the_merge_and_each_of_those_bounds_something),
	};

	return cmocka_run_group_tests(tests, read_both, NULL);
}
