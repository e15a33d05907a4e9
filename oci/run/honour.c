/* SPDX-License-Identifier: Apache-2.0 */
#include "run/honour.h"

#include <errno.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "spec/spec.h"

struct honour_row {
	const char *field;
	bool wanted;
};

static int honour_refuse(const struct honour_row *rows, size_t n, struct error *e)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!rows[i].wanted)
			continue;
		error_say(e, ENOTSUP, "%s is not supported by this version", rows[i].field);
		error_hint(e, "remove it if the container can do without");
		return -ENOTSUP;
	}
	return 0;
}

static int honour_check_mount(const struct spec_mount *m, size_t i, struct error *e)
{
	const struct honour_row rows[] = {
		{ "uidMappings", m->n_uid_mappings || m->n_gid_mappings },
		{ "option \"idmap\"", m->idmap || m->idmap_rec },
	};
	int r = honour_refuse(rows, ARRAY_SIZE(rows), e);

	return r < 0 ? error_prefix(e, "mounts[%zu] (%s)", i, m->destination) : 0;
}

bool honour_mount_option(const char *name)
{
	static const char *const not_yet[] = { "idmap", "ridmap" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(not_yet); i++)
		if (str_eq(name, not_yet[i]))
			return false;
	return true;
}

int honour_check(const struct spec *s, struct error *e)
{
	const struct spec_linux *l = &s->linux_;
	const struct honour_row rows[] = {
		{ "linux.intelRdt", l->intel_rdt.present },
		{ "linux.netDevices", l->n_net_devices > 0 },
		{ "linux.mountLabel", l->mount_label != NULL },
	};
	size_t i;
	int r;

	r = honour_refuse(rows, ARRAY_SIZE(rows), e);
	for (i = 0; r == 0 && i < s->n_mounts; i++)
		r = honour_check_mount(&s->mounts[i], i, e);
	return r;
}
