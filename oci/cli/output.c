/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/passwd.h"
#include "cli/cli.h"
#include "spec/spec.h"

int output_json(struct json_writer *w, struct error *e)
{
	autobuf text = { .max = 64u << 20 };
	int r;

	r = json_writer_end(w, &text);
	/* The pretty form ends its last line itself. */
	if (r == 0 && text.data[text.len - 1] != '\n')
		r = buf_addc(&text, '\n');
	if (r == 0)
		r = fd_write_all(STDOUT_FILENO, text.data, text.len);
	return r < 0 ? error_set(e, -r, "write to stdout") : 0;
}

const char *output_owner(char *dst, const struct oci_state *s)
{
	if (!passwd_find(s->owner, PASSWD_NAME, dst, OUTPUT_OWNER_SIZE))
		snprintf(dst, OUTPUT_OWNER_SIZE, "%u", s->owner);
	return dst;
}

void output_state(struct json_writer *w, const struct oci_state *s)
{
	char owner[OUTPUT_OWNER_SIZE];
	size_t i;

	json_write_object(w);
	json_put_string(w, "ociVersion", s->oci_version);
	json_put_string(w, "id", s->id);
	json_put_i64(w, "pid", s->pid);
	json_put_string(w, "status", oci_status_name(s->status));
	json_put_string(w, "bundle", s->bundle);
	json_put_string(w, "rootfs", s->rootfs);
	json_put_string(w, "created", s->created);
	if (s->scope)
		json_put_string(w, "systemd-scope", s->scope);
	if (s->n_annotations) {
		json_write_key(w, "annotations");
		json_write_object(w);
		for (i = 0; i < s->n_annotations; i++)
			json_put_string(w, s->annotations[i].key, s->annotations[i].value);
		json_write_end(w);
	}
	json_put_string(w, "owner", output_owner(owner, s));
	json_write_end(w);
}
