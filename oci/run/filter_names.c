/* SPDX-License-Identifier: Apache-2.0 */
#include "run/filter_names.h"

#include <errno.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "seccomp/table.h"
#include "spec/spec.h"

#define FAIL_UNKNOWN "run.oci.seccomp_fail_unknown_syscall"

int filter_names_check(const struct spec *s, struct error *e)
{
	const struct spec_seccomp *filter = &s->linux_.seccomp;
	const char *fail = spec_annotation(s, FAIL_UNKNOWN);
	const struct seccomp_syscall *near = NULL;
	char shown[SECCOMP_NAME_MAX * 2];

	if (!fail || str_eq(fail, "0"))
		return 0;
	for (size_t i = 0; i < filter->n_rules; i++) {
		for (size_t j = 0; j < filter->rules[i].names.n; j++) {
			const char *name = filter->rules[i].names.v[j];

			near = seccomp_syscall_find(name, near);
			if (near)
				continue;
			error_say(
				e, EINVAL,
				"linux.seccomp.syscalls[%zu].names[%zu]: \"%s\" is no system call "
				"of Linux up to %u.%u",
				i, j, str_show(shown, sizeof(shown), name),
				seccomp_table_version >> 8, seccomp_table_version & 0xff);
			error_hint(e, "mend the name, or drop the annotation " FAIL_UNKNOWN);
			return -EINVAL;
		}
	}
	return 0;
}
