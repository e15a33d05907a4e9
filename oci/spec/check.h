/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct spec;
struct spec_process;

/*
 * Rules across fields, pure. Everything that can be refused before anything is made is refused here,
 * with the JSON path: versions, paths that must be absolute, id ranges, id mappings, duplicate
 * namespaces, sysctls without their namespace, errnoRet on an action that takes none, strings with
 * a newline where the kernel or /etc/passwd would read two lines, capability sets ...
 * 0 or -EINVAL (-ENOTSUP for a documented field that this build cannot honour).
 */
int spec_check(const struct spec *s, struct error *e);
int spec_check_process(const struct spec *s, const struct spec_process *p, const char *path,
		       struct error *e);

/* [A-Za-z0-9_+-][A-Za-z0-9_+.-]*, at most 1024 bytes: 0 or -EINVAL. */
int spec_check_id(const char *id, struct error *e);
