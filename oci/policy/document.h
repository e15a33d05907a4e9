/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "spec/table.h"

/*
 * What the files parse*.c share: readers that are stricter than config.json's, and the table of a rule.
 * The type behind dst stands beside each.
 */
extern const struct table policy_rule_table; /* struct policy_rule; parse_rule.c */
#define AT(type, member) offsetof(struct type, member)

int read_strict(struct reader *r, const struct json *j, const struct field *f,
		void *dst); /* a struct; arg: struct table */
int read_strict_list(struct reader *r, const struct json *j, const struct field *f,
		     void *dst); /* size_t n; T *v; arg: struct table of T */
int read_allow(struct reader *r, const struct json *j, const struct field *f,
	       void *dst); /* struct policy_list */
int read_clean_paths(struct reader *r, const struct json *j, const struct field *f,
		     void *dst); /* struct spec_strings */
int read_clean_path(struct reader *r, const struct json *j, const struct field *f,
		    void *dst); /* const char * */
int read_allowed_paths(struct reader *r, const struct json *j, const struct field *f,
		       void *dst); /* struct policy_list */
int read_disks(struct reader *r, const struct json *j, const struct field *f,
	       void *dst); /* struct policy_resources; arg: struct table of a disk */
int read_bytes(struct reader *r, const struct json *j, const struct field *f,
	       void *dst); /* struct opt_u64 */
int read_memory(struct reader *r, const struct json *j, const struct field *f,
		void *dst); /* the same, but 0 */
int read_percent(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* struct opt_u64 */
int read_capabilities(struct reader *r, const struct json *j, const struct field *f,
		      void *dst); /* struct policy_process */
int read_word(struct reader *r, const struct json *j, const struct field *f,
	      void *dst); /* an enum; arg: struct spec_name[] */
int read_clear(struct reader *r, const struct json *j, const struct field *f,
	       void *dst); /* bool */
int read_denied(struct reader *r, const struct json *j, const struct field *f,
		void *dst); /* bool */
int read_errno(struct reader *r, const struct json *j, const struct field *f,
	       void *dst); /* struct spec_seccomp_rule */
int read_rlimits(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* struct policy_process; arg: struct table of a limit */
int read_ceilings(struct reader *r, const struct json *j, const struct field *f,
		  void *dst); /* struct policy_seccomp */
int read_abis(struct reader *r, const struct json *j, const struct field *f,
	      void *dst); /* struct policy_seccomp */
int read_scopes(struct reader *r, const struct json *j, const struct field *f,
		void *dst); /* struct policy_landlock */
int read_writes(struct reader *r, const struct json *j, const struct field *f,
		void *dst); /* struct policy_landlock */
int read_required_ns(struct reader *r, const struct json *j, const struct field *f,
		     void *dst); /* bool[SPEC_NS_COUNT] */
int read_bind_flags(struct reader *r, const struct json *j, const struct field *f,
		    void *dst); /* uint64_t */
int read_devices(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* struct policy_devices */
int read_hook_list(struct reader *r, const struct json *j, const struct field *f,
		   void *dst); /* struct policy_hooks; arg: struct table of a hook */
int read_sysctls(struct reader *r, const struct json *j, const struct field *f,
		 void *dst); /* struct policy_list */
int read_description(struct reader *r, const struct json *j, const struct field *f,
		     void *dst); /* nothing: for people */
