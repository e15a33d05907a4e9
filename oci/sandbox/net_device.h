/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

struct error;
struct spec_linux;

/*
 * linux.netDevices: devices of the caller's network namespace go into that of process `pid`, under
 * their new name, with the addresses that were theirs for good and reach further than the link, and
 * up. When the namespace ends the kernel gives back what is real, and removes what is not.
 */
int net_devices_move(const struct spec_linux *l, pid_t pid, struct error *e);
