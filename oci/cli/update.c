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
	const char *value;
	const char *help;
} updates[] = {
#define UPDATE(name, kind, field, value, help)                                  \
	{                                                                       \
		name, kind, offsetof(struct spec_resources, field), value, help \
	}
	UPDATE("memory", UPDATE_BYTES, memory_limit, "BYTES", "memory limit"),
	UPDATE("memory-reservation", UPDATE_BYTES, memory_reservation, "BYTES", "memory.low"),
	UPDATE("memory-swap", UPDATE_BYTES, memory_swap, "BYTES", "memory and swap together"),
	UPDATE("kernel-memory", UPDATE_BYTES, memory_kernel, "BYTES", "ignored on cgroup v2"),
	UPDATE("kernel-memory-tcp", UPDATE_BYTES, memory_kernel_tcp, "BYTES",
	       "ignored on cgroup v2"),
	UPDATE("cpu-share", UPDATE_U64, cpu_shares, "N", "CPU shares, 2 to 262144"),
	UPDATE("cpu-quota", UPDATE_I64, cpu_quota, "USEC", "CPU time per period"),
	UPDATE("cpu-period", UPDATE_U64, cpu_period, "USEC", "the period"),
	UPDATE("cpu-burst", UPDATE_U64, cpu_burst, "USEC", "CPU time that may be saved up"),
	UPDATE("cpu-rt-period", UPDATE_U64, cpu_rt_period, "USEC", "ignored on cgroup v2"),
	UPDATE("cpu-rt-runtime", UPDATE_I64, cpu_rt_runtime, "USEC", "ignored on cgroup v2"),
	UPDATE("cpu-idle", UPDATE_I64, cpu_idle, "0|1", "only when nobody else wants the CPU"),
	UPDATE("cpuset-cpus", UPDATE_TEXT, cpu_cpus, "LIST", "CPUs it may run on"),
	UPDATE("cpuset-mems", UPDATE_TEXT, cpu_mems, "LIST", "memory nodes it may use"),
	UPDATE("blkio-weight", UPDATE_U64, blkio_weight, "N", "I/O weight, 10 to 1000"),
	UPDATE("pids-limit", UPDATE_I64, pids_limit, "N", "number of processes; -1: no limit"),
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

static void update_rows(struct option_row *rows)
{
	size_t i;

	rows[0] =
		(struct option_row){ "resources",   'r',
				     OPTION_STRING, offsetof(struct update_options, resources),
				     "FILE",        "linux.resources as JSON; - is stdin" };
	rows[1] = (struct option_row){ "l3-cache-schema",
				       0,
				       OPTION_STRING,
				       offsetof(struct update_options, l3_cache_schema),
				       "TEXT",
				       "Intel RDT cache schema" };
	rows[2] = (struct option_row){
		"mem-bw-schema", 0,
		OPTION_STRING,   offsetof(struct update_options, mem_bw_schema),
		"TEXT",          "Intel RDT bandwidth schema"
	};
	for (i = 0; i < UPDATES; i++)
		rows[3 + i] = (struct option_row){
			updates[i].name,
			0,
			OPTION_STRING,
			offsetof(struct update_options, flag) + i * sizeof(char *),
			updates[i].value,
			updates[i].help
		};
}

int verb_update(struct cli *cli, int argc, char **argv)
{
	struct option_row rows[3 + UPDATES];
	const struct option_table table = {
		.usage = "update [options] ID",
		.about = "Changes the limits of a running container. What is not named stays.",
		.rows = rows,
		.n = ARRAY_SIZE(rows),
		.min_args = 1,
		.max_args = 1,
	};
	struct update_options opt = { 0 };
	struct spec_resources r = { .present = true };
	struct arena a;
	int first, ret;

	update_rows(rows);
	ret = options_read(&table, argc, argv, &opt, &first, &cli->error);
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
