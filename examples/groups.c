/* Two processes: one lends memory to an access group, the other copies out of it with its device. Both devices belong to
 * one controller (`dmascope serve`, whose control socket is SOCKET).
 *
 *     cc groups.c $(pkg-config --cflags --libs dmadev) -o groups
 *     ./groups SOCKET                     prints what the other needs, and waits for it
 *     ./groups SOCKET GROUP TOKEN         copies
 */
#include <dmadev.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES 4096

static int check(int result, const char *call)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s (error %d)\n", call, dmadev_error(), -result);
		exit(1);
	}
	return result;
}

static int16_t make_device(const char *socket)
{
	char specification[256];

	snprintf(specification, sizeof(specification), "controller,name=dma0,socket=%s", socket);
	return (int16_t)check(dmadev_create(specification), "dmadev_create");
}

/* On a thread of the library. */
static void on_event(int16_t dev_id, int16_t group_id, const uint8_t *domain, enum dmadev_group_event event, void *arg)
{
	const char byte = (char)event;

	(void)dev_id, (void)group_id, (void)domain;
	if (write(*(int *)arg, &byte, 1) != 1)
		abort();
}

static int lend(const char *socket)
{
	int16_t id = make_device(socket), group;
	uint8_t token[DMADEV_TOKEN_LENGTH];
	struct dmadev_window window;
	void *memory;
	char event;
	int events[2];

	if (pipe(events) != 0 || getentropy(token, sizeof(token)) != 0)
		return 1;
	check(dmadev_access_pair_group_create(id, NULL, token, on_event, &events[1], &group),
	      "dmadev_access_pair_group_create");
	check(dmadev_buffer_alloc(id, BYTES, &memory), "dmadev_buffer_alloc");
	strcpy((char *)memory, "lent by the other process");
	check(dmadev_access_group_window_register(id, group, memory, BYTES, -1, 0, DMADEV_WINDOW_READ, &window),
	      "dmadev_access_group_window_register");
	/* The token is a secret: a real program passes it over a socket that only the other can read. */
	printf("%d ", group);
	for (size_t index = 0; index < sizeof(token); index++)
		printf("%02x", token[index]);
	printf("\n");
	fflush(stdout);

	do {
		if (read(events[0], &event, 1) != 1)
			return 1;
		printf("%s\n", event == DMADEV_GROUP_EVENT_JOINED ? "joined" : "left");
	} while (event != DMADEV_GROUP_EVENT_LEFT);
	check(dmadev_access_group_window_unregister(id, window.iova), "dmadev_access_group_window_unregister");
	check(dmadev_access_pair_group_destroy(id, group), "dmadev_access_pair_group_destroy");
	check(dmadev_buffer_free(memory), "dmadev_buffer_free");
	return -dmadev_close(id);
}

static int borrow(const char *socket, int16_t group, const char *text)
{
	int16_t id = make_device(socket);
	uint8_t token[DMADEV_TOKEN_LENGTH] = { 0 };
	struct dmadev_conf conf = { 1, 0, 0, 0 };
	struct dmadev_vchan_conf vchan_conf;
	struct dmadev_window window;
	uint64_t iova = UINT64_MAX;
	uint16_t last, done = 0;
	bool has_error = false;
	void *memory;

	for (size_t index = 0; index < sizeof(token) && strlen(text) == 2 * sizeof(token); index++) {
		const char digits[3] = { text[2 * index], text[2 * index + 1], '\0' };

		token[index] = (uint8_t)strtoul(digits, NULL, 16);
	}
	check(dmadev_access_pair_group_join(id, group, NULL, token, NULL, NULL, NULL),
	      "dmadev_access_pair_group_join");
	if (check(dmadev_access_group_windows(id, group, &window, 1), "dmadev_access_group_windows") != 1)
		return 1;

	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.nb_desc = 32;
	vchan_conf.domain.type = DMADEV_INTER_PROCESS_DOMAIN;
	vchan_conf.domain.src_handler = window.handler;
	check(dmadev_configure(id, &conf), "dmadev_configure");
	check(dmadev_vchan_setup(id, 0, &vchan_conf), "dmadev_vchan_setup");
	check(dmadev_start(id), "dmadev_start");
	check(dmadev_buffer_alloc(id, BYTES, &memory), "dmadev_buffer_alloc");
	check(dmadev_dma_map(id, memory, BYTES, &iova), "dmadev_dma_map");

	check(dmadev_copy(id, 0, window.iova, iova, BYTES, DMADEV_OP_FLAG_SUBMIT), "dmadev_copy");
	while (done == 0 && !has_error)
		done = dmadev_completed(id, 0, 1, &last, &has_error);
	printf("%s\n", has_error ? "the copy failed" : (const char *)memory);

	check(dmadev_stop(id), "dmadev_stop");
	check(dmadev_dma_unmap(id, iova), "dmadev_dma_unmap");
	check(dmadev_buffer_free(memory), "dmadev_buffer_free");
	check(dmadev_access_pair_group_leave(id, group), "dmadev_access_pair_group_leave");
	return -dmadev_close(id) + (has_error ? 1 : 0);
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return lend(argv[1]);
	if (argc == 4)
		return borrow(argv[1], (int16_t)atoi(argv[2]), argv[3]);
	fprintf(stderr, "usage: groups SOCKET [GROUP TOKEN]\n");
	return 2;
}
