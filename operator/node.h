/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct config;
struct error;

/*
 * One node's teller: sees the containers that the shim makes there, by the folder that it keeps their state
 * in, and tells on its pod what node policies took from each (cuts.h), as an Event. It asks nothing of the
 * API server but to take these. Until a signal.
 */
int node_run(const struct config *config, struct error *e);
