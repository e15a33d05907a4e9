/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct spec;
struct spec_process;
struct spec_resources;

/*
 * Rules across fields, pure. Everything that can be refused before anything is made is refused here,
 * with the JSON path (and the line, where the document is still at hand): versions, paths that must
 * be absolute, id mappings, sysctls without their namespace, errnoRet on an action that takes none,
 * names the kernel would read as two, capabilities nobody knows ... What the parser alone can see
 * (types, ranges, a namespace listed twice) was refused there.
 * 0 or -EINVAL (-ENOTSUP for a documented field that this build cannot honour, -ENOMEM).
 */
int spec_check(const struct spec *s, struct error *e);

/*
 * A process to be run in the container of `s` (NULL: of one we know nothing about). `path` is what
 * messages put in front: "process" makes "process.cwd: ...".
 */
int spec_check_process(const struct spec *s, const struct spec_process *p, const char *path,
		       struct error *e);

/* Resources on their own, as `update` gets them: "resources" makes "resources.cpu.burst: ...". */
int spec_check_resources(const struct spec_resources *r, const char *path, struct error *e);

/* [A-Za-z0-9_+-][A-Za-z0-9_+.-]*, at most 1024 bytes: 0 or -EINVAL. */
int spec_check_id(const char *id, struct error *e);
