#include "clinux_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The header repeats these so that Swift sees them without <sys/epoll.h>. */
_Static_assert(CLINUX_EPOLLIN == EPOLLIN && CLINUX_EPOLLOUT == EPOLLOUT && CLINUX_EPOLLERR == EPOLLERR, "epoll bits");
_Static_assert(CLINUX_EPOLLHUP == EPOLLHUP && CLINUX_EPOLLRDHUP == EPOLLRDHUP, "epoll bits");
_Static_assert(CLINUX_EPOLLET == (uint32_t)EPOLLET, "epoll bits");
_Static_assert(CLINUX_O_PATH == O_PATH, "O_PATH");
_Static_assert(CLINUX_UNIX_PATH_MAX == sizeof(((struct sockaddr_un *)0)->sun_path) - 1, "path length");

int clinux_accept(int listener, int nonblocking)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0));
}

int clinux_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		return -1;
	*pid = peer.pid;
	*uid = peer.uid;
	*gid = peer.gid;
	return 0;
}

ssize_t clinux_peer_groups(int socket, gid_t *groups, size_t capacity)
{
	socklen_t length = (socklen_t)(capacity * sizeof(gid_t));

	/* With ERANGE the kernel has stored the length that is needed. */
	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &length) != 0 && errno != ERANGE)
		return -1;
	return (ssize_t)(length / sizeof(gid_t));
}

ssize_t clinux_receive_pid(int socket, pid_t *pid)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (length < 0)
		return length;
	*pid = 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		struct ucred sender;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&sender, CMSG_DATA(header), sizeof(sender));
		*pid = sender.pid;
	}
	return length;
}

static int unix_address(struct sockaddr_un *address, const char *path, socklen_t *length)
{
	size_t size = strlen(path);

	if (size > CLINUX_UNIX_PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, size + 1);
	*length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + 1);
	return 0;
}

int clinux_connect_unix(int socket, const char *path)
{
	struct sockaddr_un address;
	socklen_t length;

	if (unix_address(&address, path, &length) != 0)
		return -1;
	return connect(socket, (struct sockaddr *)&address, length);
}

int clinux_bind_unix(int socket, const char *path)
{
	struct sockaddr_un address;
	socklen_t length;

	if (unix_address(&address, path, &length) != 0)
		return -1;
	return bind(socket, (struct sockaddr *)&address, length);
}

int clinux_epoll_create(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t token)
{
	struct epoll_event event = { .events = events, .data.u64 = token };

	return epoll_ctl(epoll, operation, fd, &event);
}

int clinux_epoll_add(int epoll, int fd, uint32_t events, uint64_t token)
{
	return control(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int clinux_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token)
{
	return control(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int clinux_epoll_remove(int epoll, int fd)
{
	return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
}

int clinux_epoll_wait(int epoll, struct clinux_event *events, int capacity, int timeout)
{
	struct epoll_event ready[64];
	int count = capacity < 64 ? capacity : 64;

	count = epoll_wait(epoll, ready, count, timeout);
	for (int i = 0; i < count; i++)
		events[i] = (struct clinux_event){ .token = ready[i].data.u64, .events = ready[i].events };
	return count;
}

int clinux_eventfd(unsigned int initial)
{
	return eventfd(initial, EFD_CLOEXEC | EFD_NONBLOCK);
}
