/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server.h"

struct shim;

/* A method of a service that the shim serves. */
struct method {
	const char *name;
	const ProtobufCMessageDescriptor *request;
	/* Must answer the call, now or later. */
	void (*run)(struct shim *s, struct call *call, const void *m);
};

extern const struct method task_methods[];    /* task.c; the last has no name */
extern const struct method sandbox_methods[]; /* sandbox.c */

/* The server's handler: finds the method, and reads its request. */
void service_handle(struct server *server, struct call *call, const Pb__Request *rq);
