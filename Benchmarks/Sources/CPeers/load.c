#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cpeers.h"

/* Maximum number of stored latencies; a run has fewer. */
#define SAMPLES (1U << 22)

struct client {
	int socket;
	double sent;
	bool answered;
};

static char buffer[1 << 18];

/* A connected socket that has received the greeting, or a negative errno. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = 10};
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	int socket_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (socket_ < 0)
		return -errno;
	setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(socket_, (struct sockaddr *)&address, sizeof(address)) == 0) {
		ssize_t count = recv(socket_, buffer, sizeof(buffer), 0);
		if (count > 0)
			return socket_;
		errno = count == 0 ? ECONNRESET : errno;
	}
	int error = errno;
	close(socket_);
	return -error;
}

static int ask(struct client *client, const char *request, size_t length)
{
	client->sent = cpeers_now();
	return send(client->socket, request, length, MSG_NOSIGNAL) < 0 ? errno : 0;
}

int cpeers_ask(const char *path, const char *request)
{
	struct client client = {.socket = connect_to(path)};
	if (client.socket < 0)
		return -client.socket;
	int error = ask(&client, request, strlen(request));
	if (error == 0 && recv(client.socket, buffer, sizeof(buffer), 0) <= 0)
		error = errno != 0 ? errno : ECONNRESET;
	close(client.socket);
	return error;
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static int answered(struct client *client, struct cpeers_load *load, float *samples)
{
	ssize_t count = recv(client->socket, buffer, sizeof(buffer), 0);
	if (count <= 0)
		return count == 0 ? ECONNRESET : errno;
	samples[load->replies++ % SAMPLES] = (float)(cpeers_now() - client->sent);
	load->answered += !client->answered;
	client->answered = true;
	return 0;
}

static int ask_all(struct client *clients, unsigned count, const char *request, double seconds,
		   struct cpeers_load *load, float *samples)
{
	size_t length = strlen(request);
	struct epoll_event events[64];
	int error = 0, epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		return errno;
	for (unsigned index = 0; index < count && error == 0; index++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[index]};
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[index].socket, &event) != 0)
			error = errno;
	}
	double begin = cpeers_now(), end = begin + seconds * 1e9;
	for (unsigned index = 0; index < count && error == 0; index++)
		error = ask(&clients[index], request, length);
	while (error == 0 && cpeers_now() < end) {
		/* A single client needs no epoll: it waits for its reply. */
		int ready = 1;
		events[0].data.ptr = clients;
		if (count > 1)
			ready = epoll_wait(epoll, events, 64, 1000);
		for (int index = 0; index < ready && error == 0; index++) {
			struct client *client = events[index].data.ptr;
			error = answered(client, load, samples);
			if (error == 0)
				error = ask(client, request, length);
		}
	}
	load->queries_per_second = (double)load->replies / (cpeers_now() - begin) * 1e9;
	close(epoll);
	return error;
}

int cpeers_load(const char *path, const char *request, unsigned clients, unsigned silent, double seconds,
		struct cpeers_load *load)
{
	unsigned count = clients + silent, opened = 0;
	struct client *all = calloc(count, sizeof(*all));
	float *samples = malloc(SAMPLES * sizeof(*samples));
	int error = all == NULL || samples == NULL ? ENOMEM : 0;
	memset(load, 0, sizeof(*load));
	for (; opened < count && error == 0; opened++) {
		all[opened].socket = connect_to(path);
		if (all[opened].socket < 0) {
			error = -all[opened].socket;
			break;
		}
	}
	if (error == 0)
		error = ask_all(all, clients, request, seconds, load, samples);
	if (error == 0 && load->replies != 0) {
		size_t kept = load->replies < SAMPLES ? load->replies : SAMPLES;
		qsort(samples, kept, sizeof(*samples), compare);
		load->p50_nanoseconds = (double)samples[kept / 2];
		load->p99_nanoseconds = (double)samples[kept * 99 / 100];
	}
	while (opened > 0)
		close(all[--opened].socket);
	free(samples);
	free(all);
	return error;
}
