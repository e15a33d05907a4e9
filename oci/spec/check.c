/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/check.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "spec/rules.h"

#define ID_MAX_BYTES  1024
#define UTS_MAX_BYTES 64 /* __NEW_UTS_LEN */

/* Versions 1.x are compatible forward and backward; SemVer behind the "1." is not looked at. */
static int check_version(struct rules *r, const char *version)
{
	rules_at(r, "ociVersion");
	if (!version)
		return rules_refuse(r, "is missing; this runtime implements 1.0 to 1.3");
	if (str_starts(version, "1.") && version[2] >= '0' && version[2] <= '9')
		return 0;
	return rules_refuse(r, "\"%s\" is no version 1.x of the runtime-spec",
			    rules_show(r, version));
}

static int check_root(struct rules *r, const struct spec *s)
{
	if (s->root_path)
		return 0;
	return rules_refuse(rules_at(r, s->root_present ? "root.path" : "root"),
			    "is missing; the usual value of root.path is \"rootfs\"");
}

static int check_uts_name(struct rules *r, const char *key, const char *name)
{
	size_t len = name ? strlen(name) : 0;
	int err;

	if (!name)
		return 0;
	err = rules_one_line(rules_at(r, "%s", key), name);
	if (err < 0)
		return err;
	if (len > UTS_MAX_BYTES)
		return rules_refuse(r, "%zu bytes are too long, at most %d", len,
				    UTS_MAX_BYTES);
	if (!r->spec->linux_.namespaces[SPEC_NS_UTS].present)
		return rules_refuse(r, "would change the host's name: linux.namespaces lacks "
				       "\"uts\"");
	return 0;
}

static int check_process(struct rules *r, const struct spec *s)
{
	if (s->process.present)
		return rules_process(r, &s->process, "process");
	return rules_refuse(rules_at(r, "process"), "is missing: there is nothing to run");
}

/* Namespaces come first: what others may say depends on them. */
int spec_check(const struct spec *s, struct error *e)
{
	struct rules r = { .spec = s, .file = s->file, .doc = s->doc, .e = e };
	int err;

	err = check_version(&r, s->oci_version);
	if (err == 0)
		err = check_root(&r, s);
	if (err == 0)
		err = rules_namespaces(&r, &s->linux_);
	if (err == 0)
		err = check_process(&r, s);
	if (err == 0)
		err = check_uts_name(&r, "hostname", s->hostname);
	if (err == 0)
		err = check_uts_name(&r, "domainname", s->domainname);
	if (err == 0)
		err = rules_mounts(&r, s->mounts, s->n_mounts);
	if (err == 0)
		err = rules_hooks(&r, s->hooks);
	if (err == 0)
		err = rules_linux(&r, &s->linux_);
	if (err == 0)
		err = rules_net_devices(&r, &s->linux_);
	if (err == 0)
		err = rules_sysctls(&r, s);
	if (err == 0)
		err = rules_resources(&r, &s->linux_.resources, "linux.resources");
	if (err == 0)
		err = rules_seccomp(&r, &s->linux_.seccomp);
	if (err < 0)
		error_step(e, "config");
	return err;
}

int spec_check_process(const struct spec *s, const struct spec_process *p, const char *path,
		       struct error *e)
{
	struct rules r = { .spec = s, .e = e };

	return rules_process(&r, p, path);
}

int spec_check_resources(const struct spec_resources *res, const char *path, struct error *e)
{
	struct rules r = { .e = e };

	return rules_resources(&r, res, path);
}

static bool id_has(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '+' || c == '-' || (c == '.' && !first);
}

int spec_check_id(const char *id, struct error *e)
{
	size_t i, len = strlen(id);
	char shown[80], which[8];

	if (len == 0)
		return error_say(e, EINVAL, "the container id is empty");
	if (len > ID_MAX_BYTES)
		return error_say(e, EINVAL,
				 "a container id of %zu bytes is too long, at most %d", len,
				 ID_MAX_BYTES);
	for (i = 0; i < len; i++)
		if (!id_has(id[i], i == 0))
			return error_say(
				e, EINVAL,
				"invalid character \"%s\" in the container ID \"%s\": letters, "
				"digits and _ + - . are valid, but no . at its beginning",
				str_show(which, sizeof(which), (char[]){ id[i], '\0' }),
				str_show(shown, sizeof(shown), id));
	return 0;
}
