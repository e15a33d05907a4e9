/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "base/mem.h"
#include "spec/document.h"
#include "spec/spec.h"

#define MEMBER(name) offsetof(struct spec_resources, name)

static const struct field memory_fields[] = {
	{ "limit", KIND_NUMBER, read_opt_i64, MEMBER(memory_limit) },
	{ "reservation", KIND_NUMBER, read_opt_i64, MEMBER(memory_reservation) },
	{ "swap", KIND_NUMBER, read_opt_i64, MEMBER(memory_swap) },
	{ "kernel", KIND_NUMBER, read_opt_i64, MEMBER(memory_kernel) },
	{ "kernelTCP", KIND_NUMBER, read_opt_i64, MEMBER(memory_kernel_tcp) },
	{ "swappiness", KIND_NUMBER, read_opt_u64, MEMBER(memory_swappiness) },
	{ "disableOOMKiller", KIND_BOOL, read_bool, MEMBER(disable_oom_killer) },
	{ "useHierarchy", KIND_BOOL, read_bool, MEMBER(memory_use_hierarchy) },
	{ "checkBeforeUpdate", KIND_BOOL, read_bool, MEMBER(memory_check_before_update) },
};

static const struct table memory_table = TABLE(struct spec_resources, memory_fields);

static const struct field cpu_fields[] = {
	{ "shares", KIND_NUMBER, read_opt_u64, MEMBER(cpu_shares) },
	{ "quota", KIND_NUMBER, read_opt_i64, MEMBER(cpu_quota) },
	{ "period", KIND_NUMBER, read_opt_u64, MEMBER(cpu_period) },
	{ "burst", KIND_NUMBER, read_opt_u64, MEMBER(cpu_burst) },
	{ "realtimeRuntime", KIND_NUMBER, read_opt_i64, MEMBER(cpu_rt_runtime) },
	{ "realtimePeriod", KIND_NUMBER, read_opt_u64, MEMBER(cpu_rt_period) },
	{ "idle", KIND_NUMBER, read_opt_i64, MEMBER(cpu_idle) },
	{ "cpus", KIND_STRING, read_string, MEMBER(cpu_cpus) },
	{ "mems", KIND_STRING, read_string, MEMBER(cpu_mems) },
};

static const struct table cpu_table = TABLE(struct spec_resources, cpu_fields);

static const struct field pids_fields[] = {
	{ "limit", KIND_NUMBER, read_opt_i64, MEMBER(pids_limit) },
};

static const struct table pids_table = TABLE(struct spec_resources, pids_fields);

static const struct field hugepage_fields[] = {
	{ "pageSize", KIND_STRING, read_string, offsetof(struct spec_hugepage_limit, page_size),
	  NULL, FIELD_REQUIRED },
	{ "limit", KIND_NUMBER, read_u64, offsetof(struct spec_hugepage_limit, limit), NULL,
	  FIELD_REQUIRED },
};

static const struct table hugepage_table = TABLE(struct spec_hugepage_limit, hugepage_fields);

static int read_priorities(struct reader *r, const struct json *j, const struct field *f,
			   void *dst)
{
	(void)r;
	(void)f;
	*(bool *)dst = j->len > 0;
	return 0;
}

static const struct field network_fields[] = {
	{ "classID", KIND_NUMBER, read_opt_u32, MEMBER(network_class_id) },
	{ "priorities", KIND_OBJECTS, read_priorities, MEMBER(network_priorities) },
};

static const struct table network_table = TABLE(struct spec_resources, network_fields);

static const struct field rdma_fields[] = {
	{ "hcaHandles", KIND_NUMBER, read_opt_u32, offsetof(struct spec_rdma, hca_handles) },
	{ "hcaObjects", KIND_NUMBER, read_opt_u32, offsetof(struct spec_rdma, hca_objects) },
};

static const struct table rdma_table = TABLE(struct spec_rdma, rdma_fields);

static const struct field resources_fields[] = {
	{ "devices", KIND_OBJECTS, read_device_rules,
	  LIST_OFFSET(struct spec_resources, n_devices, devices) },
	{ "memory", KIND_OBJECT, read_object, 0, &memory_table },
	{ "cpu", KIND_OBJECT, read_object, 0, &cpu_table },
	{ "pids", KIND_OBJECT, read_object, 0, &pids_table },
	{ "blockIO", KIND_OBJECT, read_object, 0, &spec_block_io_table },
	{ "hugepageLimits", KIND_OBJECTS, read_objects,
	  LIST_OFFSET(struct spec_resources, n_hugepages, hugepages), &hugepage_table },
	{ "network", KIND_OBJECT, read_object, 0, &network_table },
	{ "rdma", KIND_OBJECT, read_named_objects,
	  LIST_OFFSET(struct spec_resources, n_rdma, rdma), &rdma_table },
	{ "unified", KIND_PAIRS, read_pairs, MEMBER(unified) },
};

const struct table spec_resources_table = TABLE(struct spec_resources, resources_fields);
