/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "spec/rules.h"
#include "spec/sysctl.h"

#define NAME_MAX_BYTES 256
#define SYSCTLS_MAX    1024

struct name {
	char path[NAME_MAX_BYTES];
};

/* Only what belongs to a namespace of the container's own may change: all else is the host's. */
static int sysctl_owner(struct rules *r, const struct spec *s, const char *path,
			const char *name)
{
	enum spec_ns ns = sysctl_namespace(path);

	if (ns == SPEC_NS_COUNT)
		return rules_refuse(r,
				    "\"%s\" belongs to no namespace: it would change the host",
				    rules_show(r, name));
	if (!s->linux_.namespaces[ns].present)
		return rules_refuse(r,
				    "\"%s\" would change the host: linux.namespaces lacks "
				    "\"%s\"",
				    rules_show(r, name), spec_ns_name(ns));
	if (str_eq(path, "kernel/hostname"))
		return rules_refuse(r, "the container's name is what hostname says");
	return 0;
}

/*
 * One pair is one file and one write(2); a second line is a second setting in disguise
 * (CVE-2022-0811).
 */
static int sysctl_check(struct rules *r, const struct spec *spec, const struct spec_pair *s,
			struct name *ret)
{
	int err;

	rules_at(r, "linux.sysctl[\"%s\"]", rules_show(r, s->key));
	if (sysctl_path(s->key, ret->path, sizeof(ret->path)) < 0)
		return rules_refuse(r, "\"%s\" is no name of a sysctl", rules_show(r, s->key));
	err = sysctl_owner(r, spec, ret->path, s->key);
	if (err < 0)
		return err;
	if (str_eq(ret->path, "kernel/domainname") && spec->domainname &&
	    !str_eq(s->value, spec->domainname))
		return rules_refuse(r, "domainname says \"%s\"",
				    rules_show(r, spec->domainname));
	for (const char *p = s->value; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return rules_refuse(r, "the value \"%s\" holds a control character",
					    rules_show(r, s->value));
	return 0;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

int rules_sysctls(struct rules *r, const struct spec *s)
{
	const struct spec_pairs *all = &s->linux_.sysctl;
	autofree struct name *names = NULL;
	autofree const void **items = NULL;
	size_t i, at = 0;
	int err;

	if (all->n == 0)
		return 0;
	if (all->n > SYSCTLS_MAX)
		return rules_refuse(rules_at(r, "linux.sysctl"),
				    "%zu settings are too many, at most %d", all->n,
				    SYSCTLS_MAX);
	names = calloc(all->n, sizeof(*names));
	items = calloc(all->n, sizeof(*items));
	if (!names || !items)
		return error_say(r->e, ENOMEM, "not enough memory for linux.sysctl");
	for (i = 0; i < all->n; i++) {
		err = sysctl_check(r, s, &all->v[i], &names[i]);
		if (err < 0)
			return err;
		items[i] = names[i].path;
	}
	err = rules_repeated(items, all->n, name_compare, &at);
	if (err < 0)
		return error_say(r->e, ENOMEM, "not enough memory for linux.sysctl");
	if (err == 0)
		return 0;
	return rules_refuse(rules_at(r, "linux.sysctl"),
			    "\"%s\" is set twice, by two spellings of its name",
			    rules_show(r, all->v[at].key));
}
