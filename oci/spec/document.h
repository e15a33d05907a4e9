/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "spec/table.h"

/* The parts of config.json: one table per object, one file per part. */

extern const struct table spec_process_table;     /* struct spec_process; process.c */
extern const struct table spec_hooks_table;       /* struct spec_hooks[]; hooks.c */
extern const struct table spec_mount_table;       /* struct spec_mount; mounts.c */
extern const struct table spec_linux_table;       /* struct spec_linux; linux.c */
extern const struct table spec_resources_table;   /* struct spec_resources; resources.c */
extern const struct table spec_block_io_table;    /* struct spec_resources; block_io.c */
extern const struct table spec_seccomp_table;     /* struct spec_seccomp; seccomp.c */
extern const struct table spec_seccomp_arg_table; /* struct spec_seccomp_arg; seccomp.c */

extern const struct table spec_id_mapping_table; /* struct spec_id_mapping; namespaces.c */
extern const struct table spec_device_table;
extern const struct table spec_net_device_table; /* struct spec_device; devices.c */

/* Handlers for what no table can say. */
int read_mounts(struct reader *r, const struct json *j, const struct field *f,
		void *dst); /* KIND_OBJECTS: size_t n; struct spec_mount *v */
int read_namespaces(struct reader *r, const struct json *j, const struct field *f,
		    void *dst); /* KIND_OBJECTS: struct spec_namespace[SPEC_NS_COUNT] */
int read_time_offsets(struct reader *r, const struct json *j, const struct field *f,
		      void *dst); /* KIND_OBJECT: struct spec_linux */
int read_device_rules(struct reader *r, const struct json *j, const struct field *f,
		      void *dst); /* KIND_OBJECTS: size_t n; struct spec_device_rule *v */
