/* Descriptors of memory and processes, and messages with descriptors. */
#ifndef CLINUX_DESCRIPTOR_H
#define CLINUX_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Seals of a file in memory; F_SEAL_*. */
#define CLINUX_SEAL_SEAL 0x01
#define CLINUX_SEAL_SHRINK 0x02
#define CLINUX_SEAL_GROW 0x04
#define CLINUX_SEAL_WRITE 0x08
#define CLINUX_SEAL_FUTURE_WRITE 0x10

/* memfd_create(2) with MFD_CLOEXEC and MFD_ALLOW_SEALING, and MFD_HUGETLB for huge pages. */
int clinux_memfd(const char *name, bool is_huge);

/* Bytes per page of the file: the system's page size, or the size of its huge pages; -1 with errno. */
long clinux_page_size(int fd);

/* F_GET_SEALS: the seals, or -1 with EINVAL for files that cannot be sealed. Reads only the file's kind: it cannot
 * block, even on files served by another process. */
int clinux_get_seals(int fd);

/* F_ADD_SEALS. */
int clinux_add_seals(int fd, int seals);

/* Whether a program has file capabilities: getxattr(2) of security.capability. */
bool clinux_has_capabilities(const char *path);

/* pidfd_open(2); always close-on-exec. */
int clinux_pidfd_open(pid_t pid);

/* SO_PEERPIDFD: a descriptor of the process that connected, close-on-exec; ENOPROTOOPT on kernels without it. */
int clinux_peer_pidfd(int socket);

/* The inode number of a pidfd, which no other process has had since the start of the system; 0 before Linux 6.9, where
 * all pidfds have the same one. */
uint64_t clinux_pidfd_inode(int fd);

/* Whether a path is part of a file system of cgroup v2. */
bool clinux_is_cgroup(const char *path);

/* close_range(2) with CLOSE_RANGE_CLOEXEC, for all descriptors from `first` on. */
int clinux_close_on_exec(unsigned int first);

/* Maximum descriptors per message: the limit of Linux (SCM_MAX_FD), so that none is left in a message. */
#define CLINUX_DESCRIPTORS_MAX 253

/* sendmsg(2) with MSG_NOSIGNAL and, when count > 0, SCM_RIGHTS. More than CLINUX_DESCRIPTORS_MAX: -1 with EINVAL. */
ssize_t clinux_send_descriptors(int socket, const void *bytes, size_t length, const int *descriptors, int count);

/* recvmsg(2) with MSG_CMSG_CLOEXEC and MSG_TRUNC: the message's length, which may be more than capacity. *count is
 * the number of received descriptors, which the caller owns in any case; *cut is set when there were more than fit. */
ssize_t clinux_receive_descriptors(int socket, void *bytes, size_t capacity, int *descriptors, int room, int *count,
				   int *cut);

#endif
