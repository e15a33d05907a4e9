/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include "base/mem.h"
#include "base/str.h"
#include "shim.h"

static const struct {
	const char *name;
	const struct method *methods;
} services[] = {
	{ "containerd.task.v2.Task", task_methods },
	{ "containerd.task.v3.Task", task_methods },
	{ "containerd.runtime.sandbox.v1.Sandbox", sandbox_methods },
};

static const struct method *service_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(services); i++)
		if (str_eq(services[i].name, name))
			return services[i].methods;
	return NULL;
}

void service_handle(struct server *server, struct call *call, const Pb__Request *rq)
{
	struct shim *s = loop_owner(server, struct shim, server);
	const struct method *method = service_find(rq->service);
	automessage ProtobufCMessage *m = NULL;

	if (!method) {
		call_fail(call, CODE_UNIMPLEMENTED, "there is no service %.128s", rq->service);
		return;
	}
	while (method->name && !str_eq(method->name, rq->method))
		method++;
	if (!method->name) {
		call_fail(call, CODE_UNIMPLEMENTED, "there is no method %.128s of %s",
			  rq->method, rq->service);
		return;
	}
	m = message_unpack(method->request, rq->payload.data, rq->payload.len);
	if (!m)
		call_fail(call, CODE_INVALID_ARGUMENT, "%s: the request cannot be decoded",
			  method->name);
	else
		method->run(s, call, m);
}
