/* Sockets and epoll. */
#ifndef CLINUX_SOCKET_H
#define CLINUX_SOCKET_H

#include <stdint.h>
#include <sys/types.h>

/* accept4(2) without the peer's address; SOCK_CLOEXEC is always set, SOCK_NONBLOCK on request. */
int clinux_accept(int listener, int nonblocking);

/* SO_PEERCRED: the process that called connect(2) or listen(2). 0, or -1 with errno. */
int clinux_peer_credentials(int socket, pid_t *pid, uid_t *uid, gid_t *gid);

/* SO_PEERGROUPS: the supplementary groups of that process: their number, or -1 with errno. If it exceeds the capacity, none
 * is stored. */
ssize_t clinux_peer_groups(int socket, gid_t *groups, size_t capacity);

/* recvmsg(2) of a message of a socket with SO_PASSCRED, without waiting: its length, or -1 with errno. *pid is the process
 * that has sent it, as the kernel knows it; 0: it is not visible. The message's bytes and descriptors are dropped. */
ssize_t clinux_receive_pid(int socket, pid_t *pid);

/* connect(2) to the path of a Unix socket, bind(2) likewise. ENAMETOOLONG when the path does not fit. */
int clinux_connect_unix(int socket, const char *path);
int clinux_bind_unix(int socket, const char *path);

/* The longest path that fits into sockaddr_un, the NUL not counted. */
#define CLINUX_UNIX_PATH_MAX 107

/* O_PATH of open(2), which Swift's Glibc module does not have; _Static_assert in socket.c. */
#define CLINUX_O_PATH 010000000

/* An event of epoll_wait(2); struct epoll_event is packed and its data a union, which is hard to use in Swift. */
struct clinux_event {
	uint64_t token;
	uint32_t events;
	uint32_t reserved;
};

#define CLINUX_EPOLLIN 0x001
#define CLINUX_EPOLLOUT 0x004
#define CLINUX_EPOLLERR 0x008
#define CLINUX_EPOLLHUP 0x010
#define CLINUX_EPOLLRDHUP 0x2000
#define CLINUX_EPOLLET 0x80000000u

/* epoll_create1(2) with EPOLL_CLOEXEC. */
int clinux_epoll_create(void);

/* epoll_ctl(2). */
int clinux_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int clinux_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);
int clinux_epoll_remove(int epoll, int fd);

/* epoll_wait(2), at most 64 events per call, timeout in milliseconds (-1: none). */
int clinux_epoll_wait(int epoll, struct clinux_event *events, int capacity, int timeout);

/* eventfd(2) with EFD_CLOEXEC and EFD_NONBLOCK. */
int clinux_eventfd(unsigned int initial);

#endif
