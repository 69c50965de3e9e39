/* Passes bytes between two Unix stream sockets, as QEMU does between a host's socket and a guest's port. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cpeers.h"

struct relay {
	int listeners[2];
	int streams[2];
};

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0)
		return -1;
	if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0)
		return listener;
	int error = errno;
	close(listener);
	errno = error;
	return -1;
}

/* Ends with the first stream that ends. */
static void pass(const int streams[2])
{
	char bytes[65536];
	for (;;) {
		struct pollfd watched[2] = {{streams[0], POLLIN, 0}, {streams[1], POLLIN, 0}};
		if (poll(watched, 2, -1) < 0)
			return;
		for (int side = 0; side < 2; side++) {
			if (watched[side].revents == 0)
				continue;
			ssize_t count = read(streams[side], bytes, sizeof(bytes));
			if (count <= 0)
				return;
			for (ssize_t done = 0; done < count;) {
				ssize_t sent = send(streams[!side], bytes + done, (size_t)(count - done), MSG_NOSIGNAL);
				if (sent < 0)
					return;
				done += sent;
			}
		}
	}
}

static void *run(void *argument)
{
	struct relay *relay = argument;
	for (int side = 0; side < 2; side++) {
		relay->streams[side] = accept4(relay->listeners[side], NULL, NULL, SOCK_CLOEXEC);
		close(relay->listeners[side]);
	}
	if (relay->streams[0] >= 0 && relay->streams[1] >= 0)
		pass(relay->streams);
	close(relay->streams[0]);
	close(relay->streams[1]);
	free(relay);
	return NULL;
}

int cpeers_relay(const char *first, const char *second)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	if (relay == NULL)
		return ENOMEM;
	int error = 0;
	relay->listeners[0] = listen_at(first);
	if (relay->listeners[0] < 0)
		goto failed;
	relay->listeners[1] = listen_at(second);
	if (relay->listeners[1] < 0)
		goto close_first;
	pthread_t thread;
	error = pthread_create(&thread, NULL, run, relay);
	if (error == 0) {
		pthread_detach(thread);
		return 0;
	}
	close(relay->listeners[1]);
close_first:
	error = error != 0 ? error : errno;
	close(relay->listeners[0]);
failed:
	error = error != 0 ? error : errno;
	free(relay);
	return error;
}
