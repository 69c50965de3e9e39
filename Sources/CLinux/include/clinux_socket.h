/* Sockets and epoll. */
#ifndef CLINUX_SOCKET_H
#define CLINUX_SOCKET_H

#endif
