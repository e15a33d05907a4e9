/* SPDX-License-Identifier: Apache-2.0 */
#include "pod.h"

#include <errno.h>
#include <limits.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "message.h"
#include "pod_config.h"
#include "pod_files.h"

#define POD_REQUEST_MAX (1u << 20)

const Pb__PodNamespaces *pod_namespaces(const struct pod *p)
{
	static const Pb__PodNamespaces none = PB__POD_NAMESPACES__INIT;
	const Pb__PodLinux *linux_ = p->config->linux_;

	return linux_ && linux_->security && linux_->security->namespaces
		       ? linux_->security->namespaces
		       : &none;
}

static int pod_check(const struct pod *p, struct error *e)
{
	const Pb__PodNamespaces *ns = pod_namespaces(p);
	const Pb__PodSecurity *s = p->config->linux_ ? p->config->linux_->security : NULL;

	if (s && s->run_as_group && !s->run_as_user)
		return error_say(e, EINVAL, "the pod names a group to run as, and no user");
	if (p->request->n_rootfs)
		return error_say(e, EINVAL,
				 "a sandbox's root is the shim's own: it takes no mounts");
	if (ns->network != PB__POD_NAMESPACE__NODE && *p->network != '/')
		return error_say(e, EINVAL, "the pod's network has no path");
	return 0;
}

/* The request outlives its frame. */
static Pb__CreateSandboxRequest *pod_keep(const Pb__CreateSandboxRequest *rq)
{
	autobuf bytes = { .max = POD_REQUEST_MAX };

	if (message_pack(&rq->base, &bytes) < 0)
		return NULL;
	return (Pb__CreateSandboxRequest *)message_unpack(
		&pb__create_sandbox_request__descriptor, bytes.data, bytes.len);
}

int pod_read(const Pb__CreateSandboxRequest *rq, struct pod *ret, struct error *e)
{
	const Pb__Any *any = rq->options;
	const void *data = any ? any->value.data : NULL;
	int r;

	*ret = (struct pod){ 0 };
	if (any && !message_any_is(any, "runtime.v1.PodSandboxConfig"))
		return error_say(e, EINVAL, "a sandbox is described by a %.128s, not %.128s",
				 "runtime.v1.PodSandboxConfig", any->type_url);
	ret->request = pod_keep(rq);
	ret->config = (Pb__PodConfig *)message_unpack(&pb__pod_config__descriptor, data,
						      any ? any->value.len : 0);
	if (!ret->request || !ret->config) {
		r = error_say(e, EINVAL, "the pod's description cannot be decoded");
	} else {
		ret->network = ret->request->netns_path;
		r = pod_check(ret, e);
	}
	if (r == 0)
		r = pod_users_read(pod_namespaces(ret)->user, &ret->users, e);
	if (r < 0)
		pod_done(ret);
	return r;
}

void pod_done(struct pod *p)
{
	message_free((ProtobufCMessage *)p->request);
	message_free((ProtobufCMessage *)p->config);
	*p = (struct pod){ 0 };
}

int pod_write(struct pod *p, const char *id, const char *bundle, struct error *e)
{
	char root[PATH_MAX];
	int r;

	if (str_format(root, sizeof(root), "%s/rootfs", bundle) < 0)
		return error_set(e, ENAMETOOLONG, "%s", bundle);
	r = pod_users_own(&p->users, root, e);
	if (r == 0)
		r = pod_write_files(p, root, e);
	if (r == 0)
		r = pod_users_prepare(&p->users, bundle, p->network, e);
	return r == 0 ? pod_write_config(p, id, bundle, e) : r;
}
