/* SPDX-License-Identifier: Apache-2.0 */
#include "base/capability.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int capability_from_name(const char *name)
{
	char full[40];
	cap_value_t value;
	int n;

	n = snprintf(full, sizeof(full), "%s%s", strncasecmp(name, "cap_", 4) ? "cap_" : "",
		     name);
	if (n < 0 || (size_t)n >= sizeof(full))
		return -EINVAL;
	/* libcap reads plain numbers too; a config does not name capabilities so. */
	if (full[4] >= '0' && full[4] <= '9')
		return -EINVAL;
	return cap_from_name(full, &value) < 0 ? -EINVAL : (int)value;
}

const char *capability_name(unsigned int number, char *dst)
{
	char *name = cap_to_name((cap_value_t)number), *p;

	snprintf(dst, 32, "%s", name ? name : "CAP_?");
	for (p = dst; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	cap_free(name);
	return dst;
}

uint64_t capability_all(void)
{
	unsigned int n = 0;

	while (n < 64 && prctl(PR_CAPBSET_READ, n, 0, 0, 0) >= 0)
		n++;
	return n == 64 ? ~0ull : (1ull << n) - 1;
}

int capability_get(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	*effective = d[0].effective | (uint64_t)d[1].effective << 32;
	*permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	*inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
	return 0;
}

int capability_set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		  (uint32_t)(inheritable >> 32) },
	};

	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

int capability_drop_bounding(uint64_t keep)
{
	unsigned int n;

	for (n = 0; n < 64; n++) {
		if (keep & 1ull << n)
			continue;
		/* EINVAL: past the last one that the kernel knows. */
		if (prctl(PR_CAPBSET_DROP, n, 0, 0, 0) < 0)
			return errno == EINVAL ? 0 : -errno;
	}
	return 0;
}

int capability_set_ambient(uint64_t ambient)
{
	unsigned int n;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (n = 0; n < 64; n++) {
		if ((ambient & 1ull << n) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n, 0, 0) < 0)
			return -errno;
	}
	return 0;
}
