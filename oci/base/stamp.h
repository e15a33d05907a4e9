/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#define STAMP_SIZE 64

/*
 * The time now as RFC 3339 in UTC with nanoseconds: "2026-01-31T12:00:00.000000000Z". Without
 * gmtime(3), which reads the time zone's file first. dst holds STAMP_SIZE bytes; returns dst.
 */
const char *stamp_now(char *dst);

/* With microseconds, for those who take no more digits and no fewer (MicroTime of Kubernetes). */
const char *stamp_now_micro(char *dst);

/* As stamp_now() for a given time since 1970, seconds >= 0. */
const char *stamp_format(char *dst, long long seconds, long nanoseconds);
