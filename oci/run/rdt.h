/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

struct arena;
struct error;
struct spec_intel_rdt;
struct state;

/*
 * linux.intelRdt: shares of cache and memory bandwidth, by groups below the mounted resctrl file
 * system (the kernel's "resctrl.rst"). A class of the container's own, and a group that is only watched,
 * are removed with it; a class that closID names stays.
 */

/* Below the mount, or another folder made like it (tests). The fd, or -ENOTSUP. */
int rdt_open(struct error *e);

/* Before anything is made: writes down in the state what delete is to remove. */
int rdt_record(struct arena *a, const struct spec_intel_rdt *rdt, struct state *s,
	       struct error *e);

/* Makes what is to be made and puts the process in. */
int rdt_create(int rdt_fd, const struct spec_intel_rdt *rdt, struct state *s, pid_t pid,
	       struct error *e);

/* One more process, of `exec`. */
int rdt_add(int rdt_fd, const struct spec_intel_rdt *rdt, const char *id, pid_t pid,
	    struct error *e);

/* New schemata, of `update`. */
int rdt_update(int rdt_fd, const struct spec_intel_rdt *rdt, const char *id,
	       const struct spec_intel_rdt *change, struct error *e);

/* What was written down. A group that is gone is a success. */
int rdt_remove(int rdt_fd, const struct state *s, struct error *e);
