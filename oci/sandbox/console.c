/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/console.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "sandbox/sandbox.h"

int console_connect(const char *path, struct error *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	autoclose int fd = -1;

	if (str_copy(addr.sun_path, sizeof(addr.sun_path), path) < 0)
		return error_set(e, ENAMETOOLONG, "console socket %s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return error_set(e, errno, "connect to the console socket %s", path);
	return take_fd(&fd);
}

void console_default_size(struct spec_process *p, unsigned int rows, unsigned int columns)
{
	if (p->console_height || p->console_width)
		return;
	p->console_height = rows;
	p->console_width = columns;
}

static int console_open_master(const struct sandbox *sb, struct error *e)
{
	autoclose int path_fd = -1, fd = -1;
	struct statfs fs;
	struct stat st;

	/* Looked at before it is opened: opening an unknown device has effects. */
	path_fd = path_open_strict(sb->root_fd, "dev/pts/ptmx", O_PATH, 0, 1);
	if (path_fd < 0)
		return error_set(e, -path_fd, "open /dev/pts/ptmx for the terminal");
	if (fstatfs(path_fd, &fs) < 0 || fstat(path_fd, &st) < 0)
		return error_set(e, errno, "stat /dev/pts/ptmx");
	if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(5, 2))
		return error_say(e, EINVAL, "/dev/pts/ptmx is not a terminal multiplexer");

	fd = path_open_strict(sb->root_fd, "dev/pts/ptmx", O_RDWR | O_NOCTTY, 0, 1);
	if (fd < 0)
		return error_set(e, -fd, "open /dev/pts/ptmx for the terminal");
	if (fstatfs(fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return error_say(e, EINVAL, "/dev/pts/ptmx changed while it was opened");
	return take_fd(&fd);
}

static int console_open_peer(int master_fd, struct error *e)
{
	int unlock = 0, fd;

	if (ioctl(master_fd, TIOCSPTLCK, &unlock) < 0)
		return error_set(e, errno, "unlock the terminal");
	fd = ioctl(master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? error_set(e, errno, "open the terminal's other end") : fd;
}

static int console_set_size(const struct spec_process *p, int fd, struct error *e)
{
	struct winsize size = {
		.ws_row = (unsigned short)p->console_height,
		.ws_col = (unsigned short)p->console_width,
	};

	if (!size.ws_row || !size.ws_col)
		return 0;
	if (ioctl(fd, TIOCSWINSZ, &size) < 0)
		return error_set(e, errno, "process.consoleSize: set the terminal's size");
	return 0;
}

static int console_bind(const struct sandbox *sb, int peer_fd, struct error *e)
{
	autoclose int dev_fd = -1, target_fd = -1, fd = -1;

	dev_fd = path_open_strict(sb->root_fd, "dev", O_PATH | O_DIRECTORY, 0, 1);
	if (dev_fd < 0)
		return error_set(e, -dev_fd, "open /dev for the console");
	if (mknodat(dev_fd, "console", S_IFREG | 0600, 0) < 0 && errno != EEXIST)
		return error_set(e, errno, "make /dev/console");
	target_fd = openat(dev_fd, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target_fd < 0)
		return error_set(e, errno, "open /dev/console");
	fd = open_tree(peer_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (fd < 0)
		return error_set(e, errno, "clone the terminal's mount");
	if (move_mount(fd, "", target_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(e, errno, "mount the terminal on /dev/console");
	return 0;
}

int console_control(struct error *e)
{
	if (setsid() < 0 && errno != EPERM)
		return error_set(e, errno, "make a session for the terminal");
	if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return error_set(e, errno, "make it the controlling terminal");
	return 0;
}

static int console_take(const struct sandbox *sb, int peer_fd, struct error *e)
{
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (dup2(peer_fd, fd) < 0)
			return error_set(e, errno, "make the terminal fd %d", fd);
	/* It ends with the session of who controls it. */
	return sb->born_last ? 0 : console_control(e);
}

int console_make(struct sandbox *sb, bool bind, struct error *e)
{
	autoclose int master_fd = -1, peer_fd = -1;
	char name[64];
	unsigned int number = 0;
	int r;

	master_fd = console_open_master(sb, e);
	if (master_fd < 0)
		return master_fd;
	peer_fd = console_open_peer(master_fd, e);
	if (peer_fd < 0)
		return peer_fd;
	r = console_set_size(sb->process, master_fd, e);
	if (r == 0 && bind)
		r = console_bind(sb, peer_fd, e);
	if (r < 0)
		return r;
	if (fchown(peer_fd, sb->process->user.uid, (gid_t)-1) < 0 && errno != EINVAL &&
	    errno != EPERM)
		return error_set(e, errno, "give the terminal to uid %u",
				 sb->process->user.uid);

	(void)ioctl(master_fd, TIOCGPTN, &number);
	snprintf(name, sizeof(name), "/dev/pts/%u", number);
	r = fd_send(sb->console_fd, name, strlen(name), &master_fd, 1);
	if (r < 0)
		return error_set(e, -r, "send the terminal over the console socket");
	mem_closep(&sb->console_fd);
	sb->console_fd = -1;
	return console_take(sb, peer_fd, e);
}
