// SPDX-License-Identifier: Apache-2.0
#include "cuts.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define NOTE_MAX 4096

/* What containerd says of a container in its annotations. */
#define CRI "io.kubernetes.cri."

static const char *annotation(const json_t *spec, const char *name)
{
	return json_string_value(json_object_get(tree_get(spec, "annotations"), name));
}

static bool cuts_whose(struct cuts *c, const json_t *spec)
{
	c->namespace = annotation(spec, CRI "sandbox-namespace");
	c->pod = annotation(spec, CRI "sandbox-name");
	c->uid = annotation(spec, CRI "sandbox-uid");
	c->container = annotation(spec, CRI "container-name");
	return c->namespace && c->pod && c->uid && c->container &&
	       str_eq(annotation(spec, CRI "container-type"), "container");
}

/* The bounding set stands for all five. */
static bool is_asked_for(const char *field)
{
	static const char *const added[] = {
		"linux.seccomp",     "process.noNewPrivileges", "mounts",
		"linux.maskedPaths", "linux.readonlyPaths",
	};

	if (str_starts(field, "process.capabilities."))
		return str_eq(field, "process.capabilities.bounding");
	for (size_t i = 0; i < ARRAY_SIZE(added); i++) {
		if (str_starts(field, added[i]))
			return false;
	}
	return true;
}

static bool has_word(const char *words, const char *word, size_t len)
{
	for (const char *s = words; (s = strstr(s, word)); s += len) {
		if ((s == words || s[-1] == ' ') && (s[len] == ' ' || !s[len]))
			return true;
	}
	return false;
}

/* The capabilities that are missing in what it has. */
static int add_missing(struct buf *b, const char *asked, const char *has)
{
	int r = buf_adds(b, "without");

	for (const char *s = asked; r == 0 && *s; s += strspn(s, " ")) {
		autofree char *word = strndup(s, strcspn(s, " "));
		size_t len;

		if (!word)
			return -ENOMEM;
		len = strlen(word);
		if (!has_word(has, word, len))
			r = buf_addf(b, " %s", word);
		s += len;
	}
	return r;
}

static int add_cut(struct cuts *c, const json_t *change, const char *field, const char *asked,
		   const char *has)
{
	struct buf *b = &c->note;
	int r = b->len ? buf_adds(b, "; ") : buf_addf(b, "container %s: ", c->container);

	if (r == 0 && str_starts(field, "process.capabilities."))
		r = add_missing(b, asked, has);
	else if (r == 0)
		r = buf_addf(b, "%s %s becomes %s", field, asked,
			     str_empty(has) ? "nothing" : has);
	if (r < 0)
		return r;
	return buf_addf(
		b, " (node policy \"%s\", rule \"%s\"%s)", tree_string(change, "policy"),
		tree_string(change, "rule"),
		str_eq(tree_string(change, "mode"), "audit") ? ", audit: it has it still" : "");
}

size_t cuts_read(struct cuts *c, const json_t *record, const json_t *spec)
{
	const json_t *changes = tree_get(record, "changes");
	size_t n = 0;

	*c = (struct cuts){ 0 };
	buf_init(&c->note, NOTE_MAX);
	if (!cuts_whose(c, spec))
		return 0;
	for (size_t i = 0; i < json_array_size(changes); i++) {
		const json_t *change = json_array_get(changes, i);
		const char *field = tree_string(change, "field");
		const char *asked = tree_string(change, "requested");
		const char *has = tree_string(change, "effective");

		if (!field || str_empty(asked) || !tree_string(change, "policy") ||
		    !tree_string(change, "rule") || !is_asked_for(field))
			continue;
		if (add_cut(c, change, field, asked, has ? has : "") < 0)
			break; /* what there is room for was said */
		n++;
	}
	return n;
}

void cuts_done(struct cuts *c)
{
	buf_done(&c->note);
}
