/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct sandbox;

/*
 * /dev: the default devices and links of the runtime-spec ("config-linux.md", Default Devices) and
 * linux.devices, made below a directory that is really there (CVE-2026-41579), by mknodat(2), or
 * by binding the host's node where a user namespace forbids making one. Nothing is made where the
 * bundle binds a /dev of its own.
 */
int devices_make(struct sandbox *sb, struct error *e);
