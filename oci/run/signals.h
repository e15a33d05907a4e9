/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* In a child that will execute somebody's program: every signal unblocked and at its default. */
void signals_reset(void);
