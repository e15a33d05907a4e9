/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The exclusive lock of an open file, flock(2), with a deadline. It ends with the last descriptor of that
 * opening. 1: taken; 0: another opening still had it after timeout_ms (0: now); or -errno.
 */
int lock_take(int fd, int timeout_ms);
