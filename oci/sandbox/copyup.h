/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct error;

/*
 * The option "tmpcopyup": fills a new tmpfs with what the image has at its place. Both are open
 * directories, and nothing outside of them is read or written: no symlink is followed, and what a
 * mount hides or shows below is copied as it is seen. Owners, modes, times and links are kept; sockets
 * and extended attributes are left out.
 */
int copyup_tree(int from_fd, int to_fd, struct error *e);
