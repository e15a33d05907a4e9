/* SPDX-License-Identifier: Apache-2.0 */
#include "run/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "seccomp/abi.h"
#include "seccomp/denied.h"
#include "spec/names.h"

#define RECORD_MAX (1u << 20)

enum seccomp_abi record_abi(uint32_t arch, uint32_t nr)
{
	unsigned i;

	if (arch == seccomp_abi_audit(SECCOMP_ABI_X32))
		return nr & SECCOMP_X32_BIT && nr != UINT32_MAX ? SECCOMP_ABI_X32
								: SECCOMP_ABI_X86_64;
	for (i = 0; i < SECCOMP_ABI_COUNT; i++)
		if (seccomp_abi_audit((enum seccomp_abi)i) == arch)
			break;
	return (enum seccomp_abi)i;
}

void record_add(struct record *r, const struct seccomp_denied *call)
{
	enum seccomp_abi abi = record_abi(call->arch, call->nr);
	uint32_t slot =
		abi == SECCOMP_ABI_COUNT ? SECCOMP_NR_NONE : seccomp_slot_of(abi, call->nr);

	if (slot >= SECCOMP_SLOTS || !seccomp_syscall_name(abi, call->nr))
		r->unknown++;
	else
		r->seen[abi][slot / 64] |= 1ull << slot % 64;
}

static bool record_has(const struct record *r, const struct seccomp_syscall *call,
		       enum seccomp_abi abi)
{
	uint32_t slot = call->slot[abi];

	return slot != SECCOMP_NR_NONE && r->seen[abi][slot / 64] >> slot % 64 & 1;
}

/* --- what is there from before ---------------------------------------------------------------------- */

static bool list_has(const struct json *list, const char *s)
{
	const struct json *j;

	for (j = list ? list->child : NULL; j; j = j->next)
		if (j->type == JSON_STRING && str_eq(j->text, s))
			return true;
	return false;
}

/* The names that an earlier record allows. NULL: there is none. */
static int record_read(struct arena *a, const char *path, const struct json **names,
		       const struct json **archs, struct error *e)
{
	const struct json *rules;
	struct json *doc = NULL;
	autobuf text = { 0 };
	int r;

	*names = *archs = NULL;
	if (faccessat(AT_FDCWD, path, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	r = file_read(AT_FDCWD, path, RECORD_MAX, &text, e);
	if (r == 0)
		r = json_parse(a, path, text.data ?: "", text.len, &doc, e);
	if (r < 0)
		return r;
	rules = json_get(doc, "syscalls");
	if (!rules || rules->type != JSON_ARRAY || rules->len != 1 ||
	    !str_eq(json_get_string(rules->child, "action") ?: "", "SCMP_ACT_ALLOW") ||
	    json_get(rules->child, "args")) {
		error_say(e, EINVAL, "%s: this is no profile that was recorded", path);
		error_hint(e, "name another file, or remove this one");
		return -EINVAL;
	}
	*names = json_get(rules->child, "names");
	*archs = json_get(doc, "architectures");
	return 0;
}

/* --- the profile ------------------------------------------------------------------------------------- */

static void write_archs(struct json_writer *w, const struct record *r,
			const struct json *before)
{
	unsigned abi, i;

	json_write_key(w, "architectures");
	json_write_array(w);
	for (abi = 0; abi < SECCOMP_ABI_COUNT; abi++) {
		const char *name = spec_name_of(spec_seccomp_arch_names,
						seccomp_abi_to_spec((enum seccomp_abi)abi));
		uint64_t any = 0;

		for (i = 0; i < SECCOMP_SLOTS / 64; i++)
			any |= r->seen[abi][i];
		if (name && (any || list_has(before, name)))
			json_write_string(w, name);
	}
	json_write_end(w);
}

static void write_names(struct json_writer *w, const struct record *r,
			const struct json *before)
{
	size_t i;
	unsigned abi;

	json_write_key(w, "names");
	json_write_array(w);
	for (i = 0; i < seccomp_table_len; i++) {
		const struct seccomp_syscall *call = &seccomp_table[i];
		bool has = list_has(before, call->name);

		for (abi = 0; !has && abi < SECCOMP_ABI_COUNT; abi++)
			has = record_has(r, call, (enum seccomp_abi)abi);
		if (has)
			json_write_string(w, call->name);
	}
	json_write_end(w);
}

int record_write(const struct record *r, const char *path, struct error *e)
{
	const struct json *names, *archs;
	autobuf text = { .max = RECORD_MAX };
	autojson *w = json_writer_new(true);
	struct arena a;
	int ret;

	if (!w)
		return error_set(e, ENOMEM, "%s", path);
	arena_init(&a, 16u << 20);
	ret = record_read(&a, path, &names, &archs, e);
	if (ret == 0) {
		json_write_object(w);
		json_put_string(w, "defaultAction", "SCMP_ACT_ERRNO");
		json_put_u64(w, "defaultErrnoRet", EPERM);
		write_archs(w, r, archs);
		json_write_key(w, "syscalls");
		json_write_array(w);
		json_write_object(w);
		write_names(w, r, names);
		json_put_string(w, "action", "SCMP_ACT_ALLOW");
		json_write_end(w);
		json_write_end(w);
		json_write_end(w);
		ret = json_writer_end(w, &text);
		if (ret < 0)
			error_set(e, -ret, "%s", path);
	}
	if (ret == 0)
		ret = file_replace(AT_FDCWD, path, text.data, text.len, 0644, e);
	arena_done(&a);
	return ret;
}
