/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/mount_idmap.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "spec/spec.h"

/* "@0-1000-1" */
static int triplet_parse(char *text, struct spec_id_mapping *ret)
{
	struct spec_id_mapping m = { .relative = text[0] == '@' };
	char *host, *size;

	if (m.relative)
		text++;
	host = strchr(text, '-');
	size = host ? strchr(host + 1, '-') : NULL;
	if (!host || !size)
		return -EINVAL;
	*host++ = '\0';
	*size++ = '\0';
	if (str_to_u32(text, &m.container_id) < 0 || str_to_u32(host, &m.host_id) < 0 ||
	    str_to_u32(size, &m.size) < 0)
		return -EINVAL;
	*ret = m;
	return 0;
}

static int list_parse(struct arena *a, char *text, struct spec_id_mapping **ret, size_t *ret_n)
{
	char *save = NULL, *part;
	size_t n = 1;
	int r = 0;

	for (part = text; *part; part++)
		n += *part == '#';
	*ret_n = 0;
	*ret = arena_array(a, n, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (part = strtok_r(text, "#", &save); part && r == 0;
	     part = strtok_r(NULL, "#", &save))
		r = triplet_parse(part, &(*ret)[(*ret_n)++]);
	return r;
}

static int option_parse(struct arena *a, char *text, struct spec_mount *m)
{
	char *save = NULL, *part;
	int r = 0;

	for (part = strtok_r(text, ";", &save); part && r == 0;
	     part = strtok_r(NULL, ";", &save)) {
		if (str_starts(part, "uids="))
			r = list_parse(a, part + 5, &m->uid_mappings, &m->n_uid_mappings);
		else if (str_starts(part, "gids="))
			r = list_parse(a, part + 5, &m->gid_mappings, &m->n_gid_mappings);
		else
			r = -EINVAL;
	}
	return r;
}

int mount_idmap_parse(struct arena *a, struct spec_mount *m)
{
	char *text = arena_strdup(a, strchr(m->idmap_option, '=') + 1);
	int r;

	if (!text)
		return -ENOMEM;
	m->idmap = true;
	m->idmap_rec = m->idmap_option[0] == 'r';
	m->n_uid_mappings = m->n_gid_mappings = 0;
	r = option_parse(a, text, m);
	if (r == -EINVAL)
		m->n_uid_mappings = m->n_gid_mappings = 0;
	return r == -ENOMEM ? r : 0;
}
