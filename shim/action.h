/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;
struct flags;

/* The actions of the command line. The working directory is the bundle. */
int start_run(const struct flags *f, struct error *e); /* in the daemon it does not return */
int delete_run(const struct flags *f, struct error *e);
int info_run(struct error *e);
int pause_run(struct error *e); /* within a sandbox of ours */
