/* SPDX-License-Identifier: Apache-2.0 */
#include "run/poststart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/proc.h"
#include "run/container.h"
#include "run/hooks.h"

int poststart_run(const struct oci_runtime *rt, const struct state *state,
		  const struct spec *spec, int pid_fd, struct error *e)
{
	autobuf text = { .max = STATE_MAX };
	autoclose int bundle_fd = -1;
	struct hooks_run h = {
		.hooks = spec->hooks,
		.stage = SPEC_HOOK_POSTSTART,
		.state = &text,
		.cancel_fd = rt->cancel_fd,
	};
	int r;

	if (spec->hooks[SPEC_HOOK_POSTSTART].n == 0)
		return 0;
	r = container_state_json(state, OCI_RUNNING, state->pid, &text);
	if (r < 0)
		return error_set(e, -r, "write the state for hooks");
	bundle_fd = open(state->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	h.cwd_fd = bundle_fd;
	r = hooks_run(&h, e);
	if (r < 0)
		proc_kill(pid_fd, SIGKILL);
	return r;
}
