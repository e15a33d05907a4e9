/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup/limits.h"

#include <math.h>
#include <string.h>

#define HINT_CPU_MAX                                                                          \
	"a period is 1000 to 1000000 us, a quota at least 1000 us, and a burst no more than " \
	"the quota"
#define HINT_DEVICE \
	"a whole disk that this host has is named by major:minor, not a partition of it"
#define HINT_CPUS "a list such as 0-3,7 of what cpuset.cpus.effective of the cgroup above has"
#define HINT_MEMS "a list such as 0-1 of what cpuset.mems.effective of the cgroup above has"
#define HINT_HUGE "the sizes this host has are listed in /sys/kernel/mm/hugepages"
#define HINT_RDMA "the devices are listed in rdma.current of the root cgroup"

/* clang-format off */
const struct limits_row limits_table[LIMITS_ROWS] = {
	[LIMIT_PIDS]               = { "pids.max", CGROUP_PIDS, "pids.limit",
				     LIMITS_NUMBER, "TasksMax", NULL },
	[LIMIT_MEMORY_SWAP]        = { "memory.swap.max", CGROUP_MEMORY, "memory.swap",
				     LIMITS_NUMBER, "MemorySwapMax", NULL },
	[LIMIT_MEMORY_LIMIT]       = { "memory.max", CGROUP_MEMORY, "memory.limit",
				     LIMITS_NUMBER, "MemoryMax", NULL },
	[LIMIT_MEMORY_RESERVATION] = { "memory.low", CGROUP_MEMORY, "memory.reservation",
				     LIMITS_NUMBER, "MemoryLow", NULL },
	[LIMIT_BFQ_WEIGHT]         = { "io.bfq.weight", CGROUP_IO, "blockIO.weight",
				     LIMITS_NONE, NULL, NULL },
	[LIMIT_BFQ_WEIGHT_DEVICE]  = { "io.bfq.weight", CGROUP_IO, "blockIO.weightDevice",
				     LIMITS_NONE, NULL, HINT_DEVICE },
	[LIMIT_IO_WEIGHT]          = { "io.weight", CGROUP_IO, "blockIO.weight",
				     LIMITS_NUMBER, "IOWeight", NULL },
	[LIMIT_IO_WEIGHT_DEVICE]   = { "io.weight", CGROUP_IO, "blockIO.weightDevice",
				     LIMITS_DEVICE, "IODeviceWeight", HINT_DEVICE },
	[LIMIT_READ_BPS]           = { "io.max", CGROUP_IO, "blockIO.throttleReadBpsDevice",
				     LIMITS_DEVICE, "IOReadBandwidthMax", HINT_DEVICE },
	[LIMIT_WRITE_BPS]          = { "io.max", CGROUP_IO, "blockIO.throttleWriteBpsDevice",
				     LIMITS_DEVICE, "IOWriteBandwidthMax", HINT_DEVICE },
	[LIMIT_READ_IOPS]          = { "io.max", CGROUP_IO, "blockIO.throttleReadIOPSDevice",
				     LIMITS_DEVICE, "IOReadIOPSMax", HINT_DEVICE },
	[LIMIT_WRITE_IOPS]         = { "io.max", CGROUP_IO, "blockIO.throttleWriteIOPSDevice",
				     LIMITS_DEVICE, "IOWriteIOPSMax", HINT_DEVICE },
	[LIMIT_CPU_IDLE]           = { "cpu.idle", CGROUP_CPU, "cpu.idle",
				     LIMITS_CPU_IDLE, "CPUWeight", NULL },
	[LIMIT_CPU_SHARES]         = { "cpu.weight", CGROUP_CPU, "cpu.shares",
				     LIMITS_NUMBER, "CPUWeight", NULL },
	[LIMIT_CPU_BURST]          = { "cpu.max.burst", CGROUP_CPU, "cpu.burst",
				     LIMITS_NONE, NULL, HINT_CPU_MAX },
	[LIMIT_CPU_QUOTA]          = { "cpu.max", CGROUP_CPU, "cpu.quota",
				     LIMITS_CPU_MAX, "CPUQuotaPerSecUSec", HINT_CPU_MAX },
	[LIMIT_CPU_PERIOD]         = { "cpu.max", CGROUP_CPU, "cpu.period",
				     LIMITS_CPU_MAX, "CPUQuotaPeriodUSec", HINT_CPU_MAX },
	[LIMIT_CPU_CPUS]           = { "cpuset.cpus", CGROUP_CPUSET, "cpu.cpus",
				     LIMITS_CPU_LIST, "AllowedCPUs", HINT_CPUS },
	[LIMIT_CPU_MEMS]           = { "cpuset.mems", CGROUP_CPUSET, "cpu.mems",
				     LIMITS_CPU_LIST, "AllowedMemoryNodes", HINT_MEMS },
	[LIMIT_HUGETLB]            = { "hugetlb.*.max", CGROUP_HUGETLB, "hugepageLimits",
				     LIMITS_NONE, NULL, HINT_HUGE },
	[LIMIT_HUGETLB_RSVD]       = { "hugetlb.*.rsvd.max", CGROUP_HUGETLB, "hugepageLimits",
				     LIMITS_NONE, NULL, HINT_HUGE },
	[LIMIT_RDMA]               = { "rdma.max", CGROUP_RDMA, "rdma",
				     LIMITS_NONE, NULL, HINT_RDMA },
	[LIMIT_MEMORY_HIGH]        = { "memory.high", CGROUP_MEMORY, NULL,
				     LIMITS_NUMBER, "MemoryHigh", NULL },
	[LIMIT_MEMORY_MIN]         = { "memory.min", CGROUP_MEMORY, NULL,
				     LIMITS_NUMBER, "MemoryMin", NULL },
	[LIMIT_MEMORY_ZSWAP]       = { "memory.zswap.max", CGROUP_MEMORY, NULL,
				     LIMITS_NUMBER, "MemoryZSwapMax", NULL },
	[LIMIT_MEMORY_OOM_GROUP]   = { "memory.oom.group", CGROUP_MEMORY, NULL,
				     LIMITS_OOM, "OOMPolicy", NULL },
};
/* clang-format on */

const struct limits_row *limits_row_of(const char *file)
{
	size_t i;

	/* One row and property for each of its keys: a line of `unified` may hold them all. */
	if (strcmp(file, "io.max") == 0)
		return NULL;
	for (i = 0; i < LIMITS_ROWS; i++)
		if (strcmp(limits_table[i].file, file) == 0)
			return &limits_table[i];
	return NULL;
}

/*
 * Quadratic in the exponent, so that the lowest, the default and the highest value of both
 * scales meet: 2 -> 1, 1024 -> 100, 262144 -> 10000. What other runtimes and the kubelet use.
 */
uint64_t limits_cpu_weight(uint64_t shares)
{
	double l;

	if (shares == 0)
		return 0;
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2((double)shares);
	/* Less a hair: 1024 must be 100 however the compiler rounds in between. */
	return (uint64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0) - 1e-9);
}

uint64_t limits_io_weight(uint64_t weight)
{
	return weight == 0 ? 0 : 1 + (weight - 10) * 9999 / 990;
}
