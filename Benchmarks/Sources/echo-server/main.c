/* echo-server PATH: a SOCK_SEQPACKET server that sends each client a greeting and returns each message, with one thread
 * per client: the minimum work of a server. Ends with its standard input. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void *serve(void *argument)
{
	int client = (int)(intptr_t)argument;
	char buffer[2048];
	ssize_t count = send(client, "{}", 2, MSG_NOSIGNAL);
	while (count > 0 && (count = recv(client, buffer, sizeof(buffer), 0)) > 0)
		count = send(client, buffer, (size_t)count, MSG_NOSIGNAL);
	close(client);
	return NULL;
}

static void *accept_all(void *argument)
{
	int listener = (int)(intptr_t)argument;
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&small, 64 * 1024);
	while (1) {
		pthread_t thread;
		int client = accept(listener, NULL, NULL);
		if (client >= 0 && pthread_create(&thread, &small, serve, (void *)(intptr_t)client) != 0)
			close(client);
	}
	return NULL;
}

int main(int count, char **arguments)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (count != 2 || strlen(arguments[1]) >= sizeof(address.sun_path)) {
		fputs("usage: echo-server PATH\n", stderr);
		return 64;
	}
	strcpy(address.sun_path, arguments[1]);
	int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listener, 1024) != 0) {
		perror(arguments[1]);
		return 1;
	}
	pthread_t acceptor;
	if (pthread_create(&acceptor, NULL, accept_all, (void *)(intptr_t)listener) != 0)
		return 1;
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	unlink(arguments[1]);
	return 0;
}
