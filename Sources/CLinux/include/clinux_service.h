/* Programs that a service manager starts: its messages and sockets, capabilities, and files of other users. */
#ifndef CLINUX_SERVICE_H
#define CLINUX_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A datagram socket that is connected to a path, or, if it begins with '@', to an abstract address; close-on-exec. */
int clinux_connect_datagrams(const char *address);

/* SO_DOMAIN, SO_TYPE and SO_ACCEPTCONN of a socket: the value, or -1 with errno. */
int clinux_socket_domain(int fd);
int clinux_socket_type(int fd);
int clinux_socket_listens(int fd);

/* getsockname(2) of a Unix socket: the path with NUL, empty if it has none. size > CLINUX_UNIX_PATH_MAX. */
int clinux_socket_path(int fd, char *path, size_t size);

/* getsockname(2) of a TCP socket: its port, or -1 with errno. */
int clinux_socket_port(int fd);

/* Numbers of capabilities; CAP_*. */
#define CLINUX_CAP_DAC_OVERRIDE 1
#define CLINUX_CAP_SYS_PTRACE 19

/* Keeps those capabilities of a mask that the calling thread has, gives up all others for ever, and lets no program that
 * it starts have more: PR_SET_NO_NEW_PRIVS, capset(2), PR_CAPBSET_DROP as far as it is permitted. 0, or -1 with errno.
 * *kept: those that it has now. */
int clinux_keep_capabilities(uint64_t mask, uint64_t *kept);

/* PR_SET_DUMPABLE 0: no process without capabilities may examine this one. */
int clinux_forbid_examination(void);

/* openat(2) with O_CLOEXEC, component by component: follows no symbolic link (ELOOP), remains below the directory, and with
 * `stays` in its file system (EXDEV). Without O_PATH, flags must have O_DIRECTORY. Not openat2(2), which units with
 * RestrictSUIDSGID= do not have. */
int clinux_open_below(int directory, const char *path, int flags, bool stays);

#endif
