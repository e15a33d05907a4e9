/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

#define OPTIONS_MAX_BYTES 65536

int options_set_root(struct options *o, const char *root, const char *ns, struct error *e)
{
	if (str_empty(root))
		root = *o->binary ? OPTIONS_ROOT_PROGRAM : OPTIONS_ROOT;
	if (str_format(o->root, sizeof(o->root), "%s/%s", root, ns) < 0)
		return error_say(e, ENAMETOOLONG, "runtime option Root is too long");
	return 0;
}

static int options_take(const Pb__RuncOptions *from, const char *ns, struct options *o,
			struct error *e)
{
	const char *binary = from->binary_name, *slash = binary ? strrchr(binary, '/') : NULL;

	/* What strake would do is done here, with no program in between. */
	if (!str_empty(binary) && !str_eq(slash ? slash + 1 : binary, "strake") &&
	    str_copy(o->binary, sizeof(o->binary), binary) < 0)
		return error_say(e, ENAMETOOLONG, "runtime option BinaryName is too long");
	if (str_copy(o->shim_cgroup, sizeof(o->shim_cgroup), from->shim_cgroup ?: "") < 0)
		return error_say(e, ENAMETOOLONG, "runtime option ShimCgroup is too long");
	if (str_copy(o->criu_work, sizeof(o->criu_work), from->criu_work_path ?: "") < 0)
		return error_say(e, ENAMETOOLONG, "runtime option CriuWorkPath is too long");
	o->systemd_cgroup = from->systemd_cgroup;
	o->no_pivot_root = from->no_pivot_root;
	o->no_new_keyring = from->no_new_keyring;
	o->io_uid = from->io_uid;
	o->io_gid = from->io_gid;
	return options_set_root(o, from->root, ns, e);
}

/* --- TOML -------------------------------------------------------------------------------------- */

enum option_kind { OPTION_BOOL, OPTION_NUMBER, OPTION_TEXT };

#define OPTION(key, kind, field)                            \
	{                                                   \
		key, kind, offsetof(Pb__RuncOptions, field) \
	}

static const struct {
	const char *key;
	enum option_kind kind;
	size_t at;
} options[] = {
	OPTION("NoPivotRoot", OPTION_BOOL, no_pivot_root),
	OPTION("NoNewKeyring", OPTION_BOOL, no_new_keyring),
	OPTION("SystemdCgroup", OPTION_BOOL, systemd_cgroup),
	OPTION("IoUid", OPTION_NUMBER, io_uid),
	OPTION("IoGid", OPTION_NUMBER, io_gid),
	OPTION("ShimCgroup", OPTION_TEXT, shim_cgroup),
	OPTION("BinaryName", OPTION_TEXT, binary_name),
	OPTION("Root", OPTION_TEXT, root),
	OPTION("CriuImagePath", OPTION_TEXT, criu_image_path),
	OPTION("CriuWorkPath", OPTION_TEXT, criu_work_path),
};

/* "text" or 'text', without escapes: names and paths. Ends the string in place. */
static char *options_unquote(char *value)
{
	size_t len = strlen(value);

	if (len < 2 || (value[0] != '"' && value[0] != '\'') || value[len - 1] != value[0])
		return NULL;
	value[len - 1] = '\0';
	return strpbrk(value + 1, "\\\"'") ? NULL : value + 1;
}

static int options_set(Pb__RuncOptions *into, size_t i, char *value)
{
	void *at = (char *)into + options[i].at;
	char *text;

	switch (options[i].kind) {
	case OPTION_BOOL:
		if (!str_eq(value, "true") && !str_eq(value, "false"))
			return -EINVAL;
		*(protobuf_c_boolean *)at = str_eq(value, "true");
		return 0;
	case OPTION_NUMBER:
		return str_to_u32(value, at);
	case OPTION_TEXT:
		text = options_unquote(value);
		if (!text)
			return -EINVAL;
		if (*(char **)at && *(char **)at != (char *)protobuf_c_empty_string)
			free(*(char **)at);
		*(char **)at = strdup(text);
		return *(char **)at ? 0 : -ENOMEM;
	}
	return -EINVAL;
}

static char *options_trim(char *s)
{
	size_t len;

	s += strspn(s, " \t\r");
	len = strlen(s);
	while (len && strchr(" \t\r", s[len - 1]))
		s[--len] = '\0';
	return s;
}

static int options_read_line(char *line, unsigned int number, Pb__RuncOptions *into,
			     struct error *e)
{
	char *equals, *key;
	size_t i;

	line = options_trim(line);
	if (!*line || *line == '#' || *line == '[')
		return 0;
	equals = strchr(line, '=');
	if (!equals)
		return error_say(e, EINVAL, "runtime options, line %u: no KEY = VALUE", number);
	*equals = '\0';
	key = options_trim(line);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (!str_eq(key, options[i].key))
			continue;
		if (options_set(into, i, options_trim(equals + 1)) < 0)
			return error_say(e, EINVAL,
					 "runtime options, line %u: no valid value for %s",
					 number, key);
		return 0;
	}
	return error_say(e, EINVAL, "runtime options, line %u: there is no option \"%.64s\"",
			 number, key);
}

int options_read_toml(const char *text, size_t len, Pb__RuncOptions *into, struct error *e)
{
	autobuf copy = { .max = OPTIONS_MAX_BYTES };
	char *line, *next;
	unsigned int number = 0;
	int r;

	r = buf_add(&copy, text, len);
	if (r < 0)
		return error_set(e, -r, "runtime options");
	if (memchr(text, '\0', len))
		return error_say(e, EINVAL, "runtime options: this is no TOML");
	for (line = copy.data, r = 0; r == 0 && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		r = options_read_line(line, ++number, into, e);
	}
	return r;
}

/* --- containerd's ------------------------------------------------------------------------------ */

/* The text itself, or where it is: ctr gives a path. */
static int options_read_config(const Pb__RuntimeOptions *ro, Pb__RuncOptions *into,
			       struct error *e)
{
	autobuf text = { 0 };
	int r;

	if (ro->config_body.len)
		return options_read_toml((const char *)ro->config_body.data,
					 ro->config_body.len, into, e);
	if (str_empty(ro->config_path))
		return 0;
	r = file_read(AT_FDCWD, ro->config_path, OPTIONS_MAX_BYTES, &text, e);
	if (r == 0 && text.len)
		r = options_read_toml(text.data, text.len, into, e);
	return r < 0 ? error_prefix(e, "%s", ro->config_path) : 0;
}

static Pb__RuncOptions *options_from_toml(const Pb__Any *any, struct error *e)
{
	automessage Pb__RuntimeOptions *ro = NULL;
	automessage Pb__RuncOptions *o = NULL;

	ro = (Pb__RuntimeOptions *)message_unpack(&pb__runtime_options__descriptor,
						  any->value.data, any->value.len);
	o = (Pb__RuncOptions *)message_unpack(&pb__runc_options__descriptor, NULL, 0);
	if (!ro || !o) {
		error_say(e, EINVAL, "the runtime options cannot be decoded");
		return NULL;
	}
	if (options_read_config(ro, o, e) < 0)
		return NULL;
	return take_ptr(&o);
}

int options_read(const Pb__Any *any, const char *ns, struct options *ret, struct error *e)
{
	automessage Pb__RuncOptions *o = NULL;

	*ret = (struct options){ 0 };
	if (!any || str_empty(any->type_url))
		return options_set_root(ret, NULL, ns, e);
	if (message_any_is(any, "containerd.runc.v1.Options")) {
		o = (Pb__RuncOptions *)message_unpack(&pb__runc_options__descriptor,
						      any->value.data, any->value.len);
		if (!o)
			error_say(e, EINVAL, "the runtime options cannot be decoded");
	} else if (message_any_is(any, "runtimeoptions.v1.Options")) {
		o = options_from_toml(any, e);
	} else {
		error_say(e, EINVAL, "runtime options of the unknown type \"%.128s\"",
			  any->type_url);
	}
	return o ? options_take(o, ns, ret, e) : -EINVAL;
}

struct oci_runtime options_runtime(const struct options *o)
{
	const char *ns = strrchr(o->root, '/'); /* options_set_root() */

	return (struct oci_runtime){
		.root = o->root,
		.containerd_namespace = ns ? ns + 1 : NULL,
		.cgroup_manager = o->systemd_cgroup ? "systemd" : "cgroupfs",
		.cancel_fd = -1,
	};
}
