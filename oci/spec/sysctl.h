/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "spec/spec.h"

/*
 * A sysctl's name, in either spelling of sysctl(8), as the path below /proc/sys: where the first
 * separator is a dot, dots and slashes change places ("net.ipv4.conf.eth0/1.forwarding" is
 * "net/ipv4/conf/eth0.1/forwarding"), else it is that path already.
 * 0, -ENAMETOOLONG, or -EINVAL where it is no clean relative path: "..", ".", an empty part, or a
 * byte that no sysctl has in its name.
 */
int sysctl_path(const char *name, char *dst, size_t size);

/* The namespace that a sysctl (as a path) belongs to, or SPEC_NS_COUNT: to the whole host. */
enum spec_ns sysctl_namespace(const char *path);
