/* SPDX-License-Identifier: Apache-2.0 */

/* `-info`: what this runtime is, for those who ask before they use it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "action.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/fd.h"
#include "bootstrap.pb-c.h"
#include "message.h"
#include "options.h"
#include "runtime.h"

#define INFO_STDIN_MAX (10u << 20)

/* Of the runtime that the options name. One that cannot tell leaves them out: not every one can. */
static int info_features(const Pb__Any *any, struct buf *ret)
{
	struct options o;
	int r;

	if (options_read(any, "", &o, NULL) < 0)
		o = (struct options){ 0 };
	r = runtime_of(&o)->features(&o, ret);
	return r == -ENOMEM ? r : 0;
}

int info_run(struct error *e)
{
	Pb__RuntimeVersion version = PB__RUNTIME_VERSION__INIT;
	Pb__RuntimeInfo info = PB__RUNTIME_INFO__INIT;
	autobuf in = { .max = INFO_STDIN_MAX }, out = { .max = INFO_STDIN_MAX };
	autobuf text = { .max = INFO_STDIN_MAX };
	Pb__Any features = PB__ANY__INIT;
	automessage Pb__Any *options = NULL;
	char url[] = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";
	char name[] = "io.containerd.strake.v1", number[] = STRAKE_VERSION;
	int r;

	r = buf_read_fd(&in, STDIN_FILENO);
	if (r == 0 && in.len)
		options = (Pb__Any *)message_unpack(&pb__any__descriptor, in.data, in.len);
	if (r == 0)
		r = info_features(options, &text);
	features.type_url = url;
	features.value.data = (uint8_t *)text.data;
	features.value.len = text.len;
	version.version = number;
	info.name = name;
	info.version = &version;
	info.options = options;
	info.features = text.len ? &features : NULL;
	if (r == 0)
		r = message_pack(&info.base, &out);
	if (r == 0)
		r = fd_write_all(STDOUT_FILENO, out.data, out.len);
	return r < 0 ? error_set(e, -r, "describe the runtime") : 0;
}
