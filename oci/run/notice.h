/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct buf;
struct oci_runtime;
struct policy_result;

/*
 * What node policies do, told to who asked for it (struct oci_runtime, policy_fd): messages of one JSON
 * object each. Nobody waits for who reads them.
 */
#define NOTICE_MAX_BYTES 4096
#define NOTICE_MAX       32 /* of one request; then one that says how many more there are */

/* -EAGAIN: there is no room now; -EPIPE: nobody reads any more. */
int notice_send(int fd, const struct buf *object);

/*
 * Of one request ("create", "exec", "update", "mounts"): what a rule refuses, and what it takes from who
 * asked for more. What a rule adds where nothing was asked for, policy.json alone tells.
 */
void notice_request(const struct oci_runtime *rt, const char *id, const char *request,
		    const struct policy_result *result);
