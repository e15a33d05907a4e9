/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct arena;
struct spec_mount;

/*
 * Mappings that engines write into an option: "idmap=uids=0-1000-1#1-1001-9;gids=0-1000-1", or
 * "ridmap=" for the whole tree. In each triplet come the first id on the file system, the first id
 * it is seen as, and how many; with "@" in front the second one is an id inside the container's
 * user namespace. Fills m->idmap* and the mappings from m->idmap_option; what is none leaves both
 * lists empty. 0 or -ENOMEM.
 */
int mount_idmap_parse(struct arena *a, struct spec_mount *m);
