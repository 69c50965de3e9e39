#include "clinux_descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

_Static_assert(CLINUX_SEAL_SEAL == F_SEAL_SEAL && CLINUX_SEAL_SHRINK == F_SEAL_SHRINK, "seals");
_Static_assert(CLINUX_SEAL_GROW == F_SEAL_GROW && CLINUX_SEAL_WRITE == F_SEAL_WRITE, "seals");
#ifdef F_SEAL_FUTURE_WRITE
_Static_assert(CLINUX_SEAL_FUTURE_WRITE == F_SEAL_FUTURE_WRITE, "seals");
#endif

/* Since Linux 6.5; may be missing in the C library's header. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* Since Linux 6.9. */
#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif

int clinux_memfd(const char *name, bool is_huge)
{
	return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | (is_huge ? MFD_HUGETLB : 0));
}

int clinux_close_on_exec(unsigned int first)
{
	return close_range(first, ~0U, CLOSE_RANGE_CLOEXEC);
}

long clinux_page_size(int fd)
{
	struct statfs status;

	if (fstatfs(fd, &status) != 0)
		return -1;
	return status.f_type == HUGETLBFS_MAGIC ? (long)status.f_bsize : sysconf(_SC_PAGESIZE);
}

int clinux_get_seals(int fd)
{
	return fcntl(fd, F_GET_SEALS);
}

int clinux_add_seals(int fd, int seals)
{
	return fcntl(fd, F_ADD_SEALS, seals);
}

int clinux_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int clinux_peer_pidfd(int socket)
{
	int fd = -1;
	socklen_t length = sizeof(fd);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &length) != 0)
		return -1;
	return fd;
}

/* Not statx(3), which calls fstat(2) on kernels without statx. */
uint64_t clinux_pidfd_inode(int fd)
{
	struct statfs system;
	struct statx status;

	if (fstatfs(fd, &system) != 0 || system.f_type != PID_FS_MAGIC)
		return 0;
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_INO, &status) != 0)
		return 0;
	return status.stx_ino;
}

bool clinux_is_cgroup(const char *path)
{
	struct statfs system;

	return statfs(path, &system) == 0 && system.f_type == CGROUP2_SUPER_MAGIC;
}

/* Space for a control message with the maximum number of descriptors, aligned as the kernel requires. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int) * CLINUX_DESCRIPTORS_MAX)];
};

ssize_t clinux_send_descriptors(int socket, const void *bytes, size_t length, const int *descriptors, int count)
{
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control;

	if (count < 0 || count > CLINUX_DESCRIPTORS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (count > 0) {
		size_t size = sizeof(int) * (size_t)count;

		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(size);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(header), descriptors, size);
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t clinux_receive_descriptors(int socket, void *bytes, size_t capacity, int *descriptors, int room, int *count,
				   int *cut)
{
	struct iovec part = { .iov_base = bytes, .iov_len = capacity };
	union control control;
	int limit = room < CLINUX_DESCRIPTORS_MAX ? room : CLINUX_DESCRIPTORS_MAX;
	/* CMSG_LEN, not CMSG_SPACE: the padding after the last descriptor would permit one more. */
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = CMSG_LEN(sizeof(int) * (size_t)limit) };
	ssize_t length;

	*count = 0;
	*cut = 0;
	length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_TRUNC);
	if (length < 0)
		return length;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		size_t found = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < found && *count < limit; i++, ++*count)
			memcpy(&descriptors[*count], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
	}
	*cut = (message.msg_flags & MSG_CTRUNC) != 0;
	return length;
}

bool clinux_has_capabilities(const char *path)
{
	return getxattr(path, "security.capability", NULL, 0) > 0;
}
