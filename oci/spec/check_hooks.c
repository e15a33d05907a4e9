/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/rules.h"

int rules_hooks(struct rules *r, const struct spec_hooks *hooks)
{
	int stage, err;
	size_t i;

	for (stage = 0; stage < SPEC_HOOK_STAGES; stage++) {
		for (i = 0; i < hooks[stage].n; i++) {
			rules_at(r, "hooks.%s[%zu].path", spec_hook_stage_name(stage), i);
			err = rules_absolute(r, hooks[stage].v[i].path);
			if (err < 0)
				return err;
		}
	}
	return 0;
}
