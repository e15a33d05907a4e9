/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct sandbox;

/*
 * A procfs of our own, for every write the child makes below /proc (CVE-2019-16884, CVE-2025-52881:
 * a mount placed over /proc/self/attr must never receive our write). It is a detached mount that no
 * path leads to: a fresh instance (fsopen, Linux 5.2), else a clone of /proc, whose submounts are never
 * entered.
 * It is unmasked, so it must not outlive set-up: procfs_close() runs before the payload does.
 */
int procfs_open(struct sandbox *sb, struct error *e); /* fills sb->procfs_fd once */
void procfs_close(struct sandbox *sb);

/* Opens `name` ("sys/net/ipv4/x", "self/attr/exec") below it, following nothing but "self". */
int procfs_open_file(struct sandbox *sb, const char *name, int flags, struct error *e);
