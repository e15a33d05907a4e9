/* SPDX-License-Identifier: Apache-2.0 */
#include "bootstrap.h"

#include <errno.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

static void bootstrap_take_extension(struct bootstrap *b)
{
	size_t i;

	for (i = 0; i < b->params->n_extensions; i++) {
		const Pb__Any *any = b->params->extensions[i]->value;

		if (message_any_is(any, "containerd.runc.v1.Options") ||
		    message_any_is(any, "runtimeoptions.v1.Options"))
			b->options = any;
	}
}

int bootstrap_read(const void *data, size_t len, const char *id, const char *ns,
		   struct bootstrap *ret)
{
	*ret = (struct bootstrap){ 0 };
	if (!len)
		return 0;
	ret->params = (Pb__BootstrapParams *)message_unpack(&pb__bootstrap_params__descriptor,
							    data, len);
	if (ret->params && str_eq(ret->params->instance_id, id) &&
	    str_eq(ret->params->namespace_, ns)) {
		ret->modern = true;
		bootstrap_take_extension(ret);
		return 0;
	}
	message_free((ProtobufCMessage *)ret->params);
	ret->params = NULL;
	ret->options_alone = (Pb__Any *)message_unpack(&pb__any__descriptor, data, len);
	ret->options = ret->options_alone;
	return ret->options ? 0 : -EBADMSG;
}

void bootstrap_done(struct bootstrap *b)
{
	message_free((ProtobufCMessage *)b->params);
	message_free((ProtobufCMessage *)b->options_alone);
	*b = (struct bootstrap){ 0 };
}

static int bootstrap_answer_json(const char *address, int version, struct buf *out)
{
	autojson *w = json_writer_new(false);

	if (!w)
		return -ENOMEM;
	json_write_object(w);
	json_put_i64(w, "version", version);
	json_put_string(w, "address", address);
	json_put_string(w, "protocol", "ttrpc");
	json_write_end(w);
	return json_writer_end(w, out);
}

int bootstrap_answer(const struct bootstrap *b, const char *address, int json_version,
		     struct buf *out)
{
	Pb__BootstrapResult result = PB__BOOTSTRAP_RESULT__INIT;
	char protocol[] = "ttrpc";

	if (b->modern) {
		result.version = 3;
		result.address = (char *)(uintptr_t)address;
		result.protocol = protocol;
		return message_pack(&result.base, out);
	}
	return json_version > 0 ? bootstrap_answer_json(address, json_version, out)
				: buf_adds(out, address);
}
