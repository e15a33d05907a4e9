/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;

/*
 * CRIU tells little over its socket and much in its log: puts the last errors of the log `file` in the
 * folder `dir_fd` behind the text of *e, and names the log, which `dir` shows, as what to read.
 */
void criu_log_tell(int dir_fd, const char *dir, const char *file, struct error *e);
