/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "message.h"
#include "options.pb-c.h"
#include "oci.h"

struct error;

/*
 * How a container is to be run, from containerd's configuration: containerd.runc.v1.Options, or the
 * same keys as TOML in runtimeoptions.v1.Options, or in the file that those name.
 */
struct options {
	char root[PATH_MAX /
		  4]; /* of the runtime's state, with the namespace; "": not decided */
	char binary[PATH_MAX / 4]; /* the runtime to execute; "": none, but liboci */
	char shim_cgroup[PATH_MAX / 4];
	char criu_work[PATH_MAX / 4]; /* for what is said while a checkpoint is restored; "" */
	bool systemd_cgroup;
	bool no_pivot_root;
	bool no_new_keyring;
	uint32_t io_uid, io_gid;
};

#define OPTIONS_ROOT         "/run/containerd/strake"
#define OPTIONS_ROOT_PROGRAM "/run/containerd/runc" /* as containerd's own shim has it */
#define OPTIONS_FILE         "strake.json"          /* in the bundle, for `delete` */

/* any may be NULL: defaults. */
int options_read(const Pb__Any *any, const char *ns, struct options *ret, struct error *e);

/* TOML as containerd writes the table `options`: KEY = VALUE, a line each. */
int options_read_toml(const char *text, size_t len, Pb__RuncOptions *into, struct error *e);

/* Of this namespace, below `root` or where it is "" below the default. */
int options_set_root(struct options *o, const char *root, const char *ns, struct error *e);

/* options_saved.c */
int options_save(const struct options *o, const char *bundle, struct error *e);
/*
 * What options_save() left in the bundle; what containerd's own shim did, whose place this one may have
 * taken while a container ran; or the defaults.
 */
int options_load(const char *bundle, const char *ns, struct options *ret, struct error *e);

struct oci_runtime options_runtime(const struct options *o);
