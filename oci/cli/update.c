/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "spec/parse.h"
#include "spec/spec.h"

enum update_kind {
	UPDATE_I64,
	UPDATE_U64,
	UPDATE_BYTES, /* i64 with k, m, g; -1: no limit */
	UPDATE_TEXT,
};

/* One flag, and the field of struct spec_resources it sets. */
static const struct update_row {
	const char *name;
	enum update_kind kind;
	size_t field;
} updates[] = {
#define UPDATE(name, kind, field)                                  \
	{                                                          \
		name, kind, offsetof(struct spec_resources, field) \
	}
	UPDATE("memory", UPDATE_BYTES, memory_limit),
	UPDATE("memory-reservation", UPDATE_BYTES, memory_reservation),
	UPDATE("memory-swap", UPDATE_BYTES, memory_swap),
	UPDATE("kernel-memory", UPDATE_BYTES, memory_kernel),
	UPDATE("kernel-memory-tcp", UPDATE_BYTES, memory_kernel_tcp),
	UPDATE("cpu-share", UPDATE_U64, cpu_shares),
	UPDATE("cpu-quota", UPDATE_I64, cpu_quota),
	UPDATE("cpu-period", UPDATE_U64, cpu_period),
	UPDATE("cpu-burst", UPDATE_U64, cpu_burst),
	UPDATE("cpu-rt-period", UPDATE_U64, cpu_rt_period),
	UPDATE("cpu-rt-runtime", UPDATE_I64, cpu_rt_runtime),
	UPDATE("cpu-idle", UPDATE_I64, cpu_idle),
	UPDATE("cpuset-cpus", UPDATE_TEXT, cpu_cpus),
	UPDATE("cpuset-mems", UPDATE_TEXT, cpu_mems),
	UPDATE("blkio-weight", UPDATE_U64, blkio_weight),
	UPDATE("pids-limit", UPDATE_I64, pids_limit),
#undef UPDATE
};

#define UPDATES ARRAY_SIZE(updates)

struct update_options {
	const char *resources;
	const char *l3_cache_schema;
	const char *mem_bw_schema;
	const char *flag[UPDATES];
};

static int update_bytes(const char *text, int64_t *ret)
{
	static const char units[] = "kmgt";
	char number[32];
	size_t len = strlen(text), digits = strcspn(text, "kKmMgGtTbB");
	int shift = 0;
	const char *unit;
	int64_t v;

	if (digits >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (digits < len) {
		const char *rest = text + digits + 1;

		unit = strchr(units, text[digits] | 0x20);
		if (unit)
			shift = 10 * (int)(unit - units + 1);
		/* "64m", "64mb", "64mib", "64b" */
		if (*rest && strcasecmp(rest, "b") != 0 && strcasecmp(rest, "ib") != 0)
			return -EINVAL;
	}
	if (str_to_i64(number, &v) < 0 || (v < 0 && shift))
		return -EINVAL;
	if (v > INT64_MAX >> shift)
		return -ERANGE;
	*ret = v < 0 ? v : v << shift;
	return 0;
}

static int update_set(const struct update_row *u, const char *text, struct spec_resources *r)
{
	void *at = (char *)r + u->field;
	struct opt_i64 *i = at;
	struct opt_u64 *n = at;
	int ret = 0;

	switch (u->kind) {
	case UPDATE_TEXT:
		*(const char **)at = text;
		return 0;
	case UPDATE_BYTES:
		ret = update_bytes(text, &i->value);
		break;
	case UPDATE_I64:
		ret = str_to_i64(text, &i->value);
		break;
	case UPDATE_U64:
		ret = str_to_u64(text, &n->value);
		if (ret == 0)
			n->set = true;
		return ret;
	}
	if (ret == 0)
		i->set = true;
	return ret;
}

static int update_read_file(const char *path, struct arena *a, struct spec_resources *r,
			    struct error *e)
{
	const char *name = str_eq(path, "-") ? "stdin" : path;
	autobuf text = { .max = SPEC_MAX_BYTES };
	int ret;

	if (str_eq(path, "-")) {
		ret = buf_read_fd(&text, STDIN_FILENO);
		if (ret < 0)
			return error_set(e, -ret, "--resources: read stdin");
	} else {
		ret = file_read(AT_FDCWD, path, SPEC_MAX_BYTES, &text, e);
		if (ret < 0)
			return error_prefix(e, "--resources");
	}
	return spec_parse_resources(a, name, text.data, text.len, r, e);
}

static int update_gather(const struct update_options *opt, struct arena *a,
			 struct spec_resources *r, struct error *e)
{
	size_t i;
	int ret = 0;

	if (opt->resources)
		ret = update_read_file(opt->resources, a, r, e);
	for (i = 0; ret == 0 && i < UPDATES; i++) {
		if (opt->flag[i] && update_set(&updates[i], opt->flag[i], r) < 0)
			return error_say(e, EINVAL, "--%s: \"%s\" is no valid value",
					 updates[i].name, opt->flag[i]);
	}
	return ret;
}

#define ROW(name, letter, field, value, help)                                               \
	{                                                                                   \
		name, letter, OPTION_STRING, offsetof(struct update_options, field), value, \
			help                                                                \
	}

/* Those behind the first three are the flags of updates[], in its order. */
static const struct option_row rows[] = {
	ROW("resources", 'r', resources, "FILE", "linux.resources as JSON; - is stdin"),
	ROW("l3-cache-schema", 0, l3_cache_schema, "TEXT", "Intel RDT cache schema"),
	ROW("mem-bw-schema", 0, mem_bw_schema, "TEXT", "Intel RDT bandwidth schema"),
	ROW("memory", 0, flag[0], "BYTES", "memory limit"),
	ROW("memory-reservation", 0, flag[1], "BYTES", "memory.low"),
	ROW("memory-swap", 0, flag[2], "BYTES", "memory and swap together; 0 is no swap"),
	ROW("kernel-memory", 0, flag[3], "BYTES", "ignored on cgroup v2"),
	ROW("kernel-memory-tcp", 0, flag[4], "BYTES", "ignored on cgroup v2"),
	ROW("cpu-share", 0, flag[5], "N", "CPU shares, 2 to 262144"),
	ROW("cpu-quota", 0, flag[6], "USEC", "CPU time per period"),
	ROW("cpu-period", 0, flag[7], "USEC", "the period"),
	ROW("cpu-burst", 0, flag[8], "USEC", "CPU time that may be saved up"),
	ROW("cpu-rt-period", 0, flag[9], "USEC", "ignored on cgroup v2"),
	ROW("cpu-rt-runtime", 0, flag[10], "USEC", "ignored on cgroup v2"),
	ROW("cpu-idle", 0, flag[11], "0|1", "only when nobody else wants the CPU"),
	ROW("cpuset-cpus", 0, flag[12], "LIST", "CPUs it may run on"),
	ROW("cpuset-mems", 0, flag[13], "LIST", "memory nodes it may use"),
	ROW("blkio-weight", 0, flag[14], "N", "I/O weight, 10 to 1000"),
	ROW("pids-limit", 0, flag[15], "N", "number of processes; -1: no limit"),
};
#undef ROW

_Static_assert(ARRAY_SIZE(rows) == 3 + UPDATES, "each flag has its row");

const struct option_table update_table = {
	.usage = "update [options] ID",
	.about = "Changes the limits of a running container. What is not named stays.",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
	.min_args = 1,
	.max_args = 1,
};

int verb_update(struct cli *cli, int argc, char **argv)
{
	struct update_options opt = { 0 };
	struct spec_resources r = { .present = true };
	struct arena a;
	int first, ret;

	ret = options_read(&update_table, argc, argv, &opt, &first, &cli->error);
	if (ret)
		return ret > 0 ? 0 : ret;
	arena_init(&a, 64u << 20);
	ret = update_gather(&opt, &a, &r, &cli->error);
	if (ret == 0)
		ret = oci_update(&cli->rt, argv[first], &r, &cli->error);
	if (ret == 0 && (opt.l3_cache_schema || opt.mem_bw_schema))
		ret = oci_update_rdt(
			&cli->rt, argv[first],
			&(struct spec_intel_rdt){ .l3_cache_schema = opt.l3_cache_schema,
						  .mem_bw_schema = opt.mem_bw_schema },
			&cli->error);
	arena_done(&a);
	return ret;
}
