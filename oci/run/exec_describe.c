/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/capability.h"
#include "base/error.h"
#include "base/file.h"
#include "base/str.h"
#include "run/exec.h"
#include "spec/check.h"
#include "spec/parse.h"

static size_t exec_count(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

static int exec_set_args(struct exec *x, struct error *e)
{
	struct spec_process *p = &x->process;
	size_t n = exec_count(x->opt->args);

	if (n == 0)
		return error_say(e, EINVAL, "exec: no command is given");
	p->args = (struct spec_strings){ n, (char **)x->opt->args };
	return 0;
}

/* The container's environment with ours behind it: the last of repeated names wins. */
static int exec_set_env(struct exec *x, struct error *e)
{
	const struct spec_strings *own = &x->spec.process.env;
	size_t more = exec_count(x->opt->env);
	char **v = arena_array(&x->arena, own->n + more + 1, sizeof(*v));

	if (!v)
		return error_set(e, ENOMEM, "exec: environment");
	if (own->n)
		memcpy(v, own->v, own->n * sizeof(*v));
	if (more)
		memcpy(v + own->n, x->opt->env, more * sizeof(*v));
	x->process.env = (struct spec_strings){ own->n + more, v };
	return 0;
}

/* "1", "1:2": strictly decimal, in range, nothing left over (CVE-2026-30892, CVE-2024-40635). */
static int exec_set_user(struct exec *x, struct error *e)
{
	struct spec_user *u = &x->process.user;
	char uid[16], shown[64];
	const char *text = x->opt->user, *colon;
	size_t len;

	if (str_empty(text))
		return 0;
	colon = strchr(text, ':');
	len = colon ? (size_t)(colon - text) : strlen(text);
	if (len < sizeof(uid)) {
		memcpy(uid, text, len);
		uid[len] = '\0';
		u->gid = 0;
		if (str_to_u32(uid, &u->uid) == 0 && u->uid != UINT32_MAX &&
		    (!colon || (str_to_u32(colon + 1, &u->gid) == 0 && u->gid != UINT32_MAX))) {
			u->n_additional_gids = 0;
			return 0;
		}
	}
	error_say(e, EINVAL, "exec --user \"%s\": must be UID or UID:GID in decimal",
		  str_show(shown, sizeof(shown), text));
	error_hint(e, "names are not looked up: give numbers from 0 to 4294967294");
	return -EINVAL;
}

static int exec_set_gids(struct exec *x, struct error *e)
{
	struct spec_user *u = &x->process.user;
	size_t n = x->opt->n_additional_gids;
	uint32_t *v;

	if (n == 0)
		return 0;
	v = arena_array(&x->arena, n, sizeof(*v));
	if (!v)
		return error_set(e, ENOMEM, "exec: groups");
	memcpy(v, x->opt->additional_gids, n * sizeof(*v));
	u->additional_gids = v;
	u->n_additional_gids = n;
	return 0;
}

/* Never into inheritable or ambient (CVE-2022-29162): those would survive the exec of a file with
 * capabilities of its own. */
static int exec_add_caps(struct exec *x, struct error *e)
{
	struct spec_capabilities *c = &x->process.capabilities;
	size_t i;

	for (i = 0; x->opt->caps && x->opt->caps[i]; i++) {
		int n = capability_from_name(x->opt->caps[i]);

		if (n < 0)
			return error_say(e, EINVAL, "exec --cap %s: no such capability",
					 x->opt->caps[i]);
		c->bounding |= 1ull << n;
		c->permitted |= 1ull << n;
		c->effective |= 1ull << n;
	}
	return 0;
}

static int exec_from_options(struct exec *x, struct error *e)
{
	const struct oci_exec_options *opt = x->opt;
	struct spec_process *p = &x->process;
	int r;

	*p = x->spec.process;
	p->terminal = opt->tty;
	p->scheduler.present = false;
	p->console_height = p->console_width = 0;
	if ((r = exec_set_args(x, e)) < 0 || (r = exec_set_env(x, e)) < 0 ||
	    (r = exec_set_user(x, e)) < 0 || (r = exec_set_gids(x, e)) < 0 ||
	    (r = exec_add_caps(x, e)) < 0)
		return r;
	if (!str_empty(opt->cwd))
		p->cwd = opt->cwd;
	return 0;
}

static int exec_from_file(struct exec *x, struct error *e)
{
	autobuf text = { 0 };
	int r;

	r = file_read(AT_FDCWD, x->opt->process, SPEC_MAX_BYTES, &text, e);
	if (r < 0)
		return error_prefix(e, "exec --process");
	return spec_parse_process(&x->arena, x->opt->process, text.data, text.len, &x->process,
				  e);
}

static int exec_from_text(struct exec *x, struct error *e)
{
	const struct oci_exec_options *opt = x->opt;

	return spec_parse_process(&x->arena, opt->process ?: "process", opt->process_text,
				  opt->process_len, &x->process, e);
}

int exec_describe(struct exec *x, struct error *e)
{
	const struct oci_exec_options *opt = x->opt;
	struct spec_process *p = &x->process;
	int r;

	r = opt->process_text         ? exec_from_text(x, e)
	    : str_empty(opt->process) ? exec_from_options(x, e)
				      : exec_from_file(x, e);
	if (r < 0)
		return r;
	if (!str_empty(opt->apparmor_profile))
		p->apparmor_profile = opt->apparmor_profile;
	if (!str_empty(opt->selinux_label))
		p->selinux_label = opt->selinux_label;
	if (opt->no_new_privs)
		p->no_new_privileges = true;
	return spec_check_process(&x->spec, p, "process", e);
}
