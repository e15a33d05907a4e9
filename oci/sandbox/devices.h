/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

struct error;
struct sandbox;
struct spec_device;

/*
 * /dev: the default devices and links of the runtime-spec ("config-linux.md", Default Devices) and
 * linux.devices, made below a directory that is really there (CVE-2026-41579), by mknodat(2), or
 * where a user namespace forbids making one by binding what the parent has made
 * (sandbox/device_nodes.h), else the host's node. Nothing is made where the bundle binds a /dev of its own.
 */
int devices_make(struct sandbox *sb, struct error *e);

/* As mknod(2) takes them. */
mode_t device_mode(const struct spec_device *d);
dev_t device_number(const struct spec_device *d);
