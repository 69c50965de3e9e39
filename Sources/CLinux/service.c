#include "clinux_service.h"
#include "clinux_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(CLINUX_CAP_DAC_OVERRIDE == CAP_DAC_OVERRIDE && CLINUX_CAP_SYS_PTRACE == CAP_SYS_PTRACE, "capabilities");

int clinux_connect_datagrams(const char *address)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t size = strlen(address);
	int fd, error;

	if (size == 0 || size > CLINUX_UNIX_PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name.sun_path, address, size);
	if (address[0] == '@')
		name.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* An abstract address ends with its length, a path with NUL. */
	if (connect(fd, (struct sockaddr *)&name,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (address[0] != '@'))) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int option(int fd, int name)
{
	int value = 0;
	socklen_t length = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

int clinux_socket_domain(int fd)
{
	return option(fd, SO_DOMAIN);
}

int clinux_socket_type(int fd)
{
	return option(fd, SO_TYPE);
}

int clinux_socket_listens(int fd)
{
	return option(fd, SO_ACCEPTCONN);
}

int clinux_socket_path(int fd, char *path, size_t size)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(name);
	size_t count = 0;

	if (getsockname(fd, (struct sockaddr *)&name, &length) != 0)
		return -1;
	if (name.sun_family == AF_UNIX && length > offsetof(struct sockaddr_un, sun_path))
		count = strnlen(name.sun_path, length - offsetof(struct sockaddr_un, sun_path));
	if (count >= size)
		count = size - 1;
	memcpy(path, name.sun_path, count);
	path[count] = '\0';
	return 0;
}

int clinux_socket_port(int fd)
{
	struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &length) != 0)
		return -1;
	/* The ports of both families are at the same place. */
	return ntohs(((struct sockaddr_in *)&name)->sin_port);
}

int clinux_keep_capabilities(uint64_t mask, uint64_t *kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_capget, &header, sets) != 0)
		return -1;
	/* Only with CAP_SETPCAP, which goes next. Nothing can be gained from this set without new privileges. */
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (capability >= 64 || !(mask >> capability & 1))
			(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	*kept = 0;
	for (int word = 0; word < 2; word++) {
		sets[word].permitted &= (uint32_t)(mask >> 32 * word);
		sets[word].effective = sets[word].permitted;
		/* Without inheritable capabilities there are no ambient ones. */
		sets[word].inheritable = 0;
		*kept |= (uint64_t)sets[word].permitted << 32 * word;
	}
	return (int)syscall(SYS_capset, &header, sets);
}

int clinux_forbid_examination(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* What a descriptor of O_PATH refers to. Asks no file system that is a program of a user, whose answer need not come. */
static int identify(int fd, mode_t *mode, uint64_t *device)
{
	struct statx status;
	struct stat old;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) == 0) {
		*mode = status.stx_mode;
		*device = (uint64_t)status.stx_dev_major << 32 | status.stx_dev_minor;
		return 0;
	}
	/* Not in every container. */
	if (fstat(fd, &old) != 0)
		return -1;
	*mode = old.st_mode;
	*device = (uint64_t)major(old.st_dev) << 32 | minor(old.st_dev);
	return 0;
}

/* Opens one component with O_PATH. */
static int step(int directory, const char *name, bool is_directory, const uint64_t *home)
{
	mode_t mode = 0;
	uint64_t device = 0;
	int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -1;
	if (identify(fd, &mode, &device) != 0)
		error = errno;
	else if (S_ISLNK(mode))
		error = ELOOP;
	else if (home && device != *home)
		error = EXDEV;
	else if (is_directory && !S_ISDIR(mode))
		error = ENOTDIR;
	else
		return fd;
	close(fd);
	errno = error;
	return -1;
}

int clinux_open_below(int directory, const char *path, int flags, bool stays)
{
	char name[NAME_MAX + 1];
	uint64_t home = 0;
	mode_t mode;
	int fd = directory;

	if (identify(directory, &mode, &home) != 0)
		return -1;
	do {
		size_t size = strcspn(path, "/");
		bool is_last = path[size] == '\0';
		int next = -1, error = 0;

		memcpy(name, path, size < sizeof(name) ? size : 0);
		name[size < sizeof(name) ? size : 0] = '\0';
		if (size >= sizeof(name))
			errno = ENAMETOOLONG;
		else if (size == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			errno = EXDEV;
		else
			next = step(fd, name, !is_last || (flags & O_DIRECTORY), stays ? &home : NULL);
		error = errno;
		if (fd != directory)
			close(fd);
		errno = error;
		fd = next;
		path += size + !is_last;
		if (is_last)
			break;
	} while (fd >= 0);
	if (fd < 0 || (flags & O_PATH))
		return fd;
	/* The directory that was checked, whatever has its name by now. */
	directory = fd;
	fd = openat(directory, ".", flags | O_NOFOLLOW | O_CLOEXEC);
	int error = errno;
	close(directory);
	errno = error;
	return fd;
}
