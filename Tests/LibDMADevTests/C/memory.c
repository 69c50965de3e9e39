/* External memory and attachments. */
#include "expect.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BYTES 16384

static int events;

static void on_event(enum dmadev_extmem_event event, void *addr, size_t length, void *arg)
{
	struct dmadev_extmem_info info;

	EXPECT(arg == &events && length == BYTES);
	EXPECT(dmadev_extmem_info_get(addr, &info) == 0 && info.addr == addr);
	events += event == DMADEV_EXTMEM_REGISTERED ? 1 : 100;
}

static void *map_file(int *fd)
{
	*fd = memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	EXPECT(ftruncate(*fd, BYTES) == 0 && fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	return mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
}

static void regions(char *memory, int fd)
{
	uint64_t iovas[4] = { 0x10000, 0x11000, DMADEV_BAD_IOVA, 0x20000 }, iova;
	struct dmadev_extmem_info info;
	int copy;

	EXPECT(dmadev_extmem_callback_register(on_event, &events) == 0);
	EXPECT(dmadev_extmem_callback_register(on_event, &events) == -EEXIST);
	EXPECT(dmadev_extmem_register(memory, BYTES + 1, NULL, 0, 4096) == -EINVAL);
	EXPECT(dmadev_extmem_register(memory, BYTES, iovas, 3, 4096) == -EINVAL);
	EXPECT(dmadev_extmem_register(memory, BYTES, NULL, 4, 4096) == -EINVAL);
	EXPECT(dmadev_extmem_register_dmabuf(memory, BYTES, -1, 0, NULL, 0, 4096) == -EINVAL);
	EXPECT(dmadev_extmem_register_dmabuf(memory, BYTES, 999, 0, NULL, 0, 4096) == -EBADF);
	EXPECT(dmadev_extmem_register_dmabuf(memory, BYTES, fd, 0, iovas, 4, 4096) == 0 && events == 1);
	EXPECT(dmadev_extmem_register(memory, BYTES, NULL, 0, 4096) == -EEXIST);
	EXPECT(dmadev_extmem_info_get(memory + 5000, &info) == 0 && info.addr == memory && info.length == BYTES);
	EXPECT(info.fd >= 0 && info.fd != fd && info.inode != 0 && !info.is_attached && info.page_size == 4096);
	EXPECT(dmadev_extmem_iova_get(memory + 4100, &iova) == 0 && iova == 0x11004);
	EXPECT(dmadev_extmem_iova_get(memory + 8192, &iova) == 0 && iova == DMADEV_BAD_IOVA);
	EXPECT(dmadev_extmem_iova_get(memory + BYTES, &iova) == -ENOENT);
	copy = dmadev_extmem_dup_fd(memory);
	EXPECT(copy >= 0 && copy != info.fd && close(copy) == 0);
	EXPECT(dmadev_extmem_unregister(memory, 4096) == -ENOENT);
}

static void on_device(char *memory)
{
	int16_t id = started_device("software,name=region,capabilities=mem2mem+copy+fill", 32, 0);
	uint64_t iova = UINT64_MAX;
	enum dmadev_status_code status;

	EXPECT(dmadev_extmem_map(id, memory, &iova) == 0 && iova == 0x10000);
	EXPECT(dmadev_extmem_unregister(memory, BYTES) == -EBUSY && strstr(dmadev_error(), "region") != NULL);
	EXPECT(dmadev_fill(id, 0, ~0ULL, 0x20000, 4096, DMADEV_OP_FLAG_SUBMIT) == 0);
	while (dmadev_completed_status(id, 0, 1, NULL, &status) == 0)
		;
	EXPECT(status == DMADEV_STATUS_SUCCESSFUL && memory[12288] == -1 && memory[8192] == 0);
	EXPECT(dmadev_fill(id, 0, ~0ULL, DMADEV_BAD_IOVA - 4095, 8, DMADEV_OP_FLAG_SUBMIT) == 1);
	while (dmadev_completed_status(id, 0, 1, NULL, &status) == 0)
		;
	EXPECT(status == DMADEV_STATUS_INVALID_DST_ADDR);
	EXPECT(dmadev_extmem_unmap(id, memory) == 0 && dmadev_extmem_unmap(id, memory) < 0);
	EXPECT(dmadev_stop(id) == 0 && dmadev_close(id) == 0);
}

static void between(char *memory)
{
	int sockets[2];
	void *received;
	size_t length;
	struct dmadev_extmem_info info;

	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0);
	EXPECT(dmadev_extmem_send(memory, sockets[0]) == 0);
	EXPECT(dmadev_extmem_receive(sockets[1], &received, &length) == 0 && length == BYTES && received != memory);
	strcpy((char *)received, "both see it");
	EXPECT(strcmp(memory, "both see it") == 0);
	EXPECT(dmadev_extmem_info_get(received, &info) == 0 && info.is_attached);
	EXPECT(dmadev_extmem_unregister(memory, BYTES) == -EBUSY);
	EXPECT(dmadev_extmem_detach(received) == 0 && dmadev_extmem_detach(received) == -ENOENT);
	close(sockets[0]);
	EXPECT(dmadev_extmem_receive(sockets[1], &received, &length) < 0);
	close(sockets[1]);
}

static void attachments(char *memory)
{
	int16_t id = started_device("software,name=importer", 32, 0);
	uint64_t attachment = 0;
	struct dmadev_range ranges[4];
	enum dmadev_attachment_state state;
	enum dmadev_status_code status;

	EXPECT(dmadev_attach(id, memory + BYTES, &attachment) == -ENOENT);
	EXPECT(dmadev_attach(id, memory, &attachment) == 0 && attachment > 0);
	EXPECT(strcmp(dmadev_attachment_interconnect(attachment), "system_memory") == 0);
	EXPECT(dmadev_attachment_state(attachment, &state) == 0 && state == DMADEV_ATTACHMENT_ATTACHED);
	EXPECT(dmadev_attachment_map(attachment, (enum dmadev_mapping_direction)7, ranges, 4) == -EINVAL);
	EXPECT(dmadev_attachment_map(attachment, DMADEV_MAP_BIDIRECTIONAL, ranges, 4) == 1);
	EXPECT(ranges[0].length == BYTES && ranges[0].iova != (uintptr_t)memory);
	EXPECT(dmadev_attachment_map(attachment, DMADEV_MAP_BIDIRECTIONAL, ranges, 4) == -EBUSY);
	EXPECT(dmadev_attachment_state(attachment, &state) == 0 && state == DMADEV_ATTACHMENT_MAPPED);
	EXPECT(dmadev_fill(id, 0, 0, ranges[0].iova, BYTES, DMADEV_OP_FLAG_SUBMIT) == 0);
	while (dmadev_completed_status(id, 0, 1, NULL, &status) == 0)
		;
	EXPECT(status == DMADEV_STATUS_SUCCESSFUL && memory[0] == 0 && memory[BYTES - 1] == 0);
	EXPECT(dmadev_attachment_revoke(attachment, 1000) == 0);
	EXPECT(dmadev_attachment_state(attachment, &state) == 0 && state == DMADEV_ATTACHMENT_DEAD);
	EXPECT(dmadev_fill(id, 0, 0, ranges[0].iova, BYTES, DMADEV_OP_FLAG_SUBMIT) == 1);
	while (dmadev_completed_status(id, 0, 1, NULL, &status) == 0)
		;
	EXPECT(status == DMADEV_STATUS_INVALID_DST_ADDR);
	EXPECT(dmadev_attachment_map(attachment, DMADEV_MAP_TO_DEVICE, ranges, 4) == -ENODEV);
	EXPECT(dmadev_detach(attachment) == 0 && dmadev_detach(attachment) == -ENOENT);
	EXPECT(dmadev_attachment_interconnect(attachment) == NULL);
	EXPECT(dmadev_stop(id) == 0 && dmadev_close(id) == 0);
}

int main(void)
{
	int fd;
	char *memory = (char *)map_file(&fd);

	regions(memory, fd);
	on_device(memory);
	between(memory);
	attachments(memory);
	EXPECT(dmadev_extmem_unregister(memory, BYTES) == 0);
	EXPECT(events == 202 && dmadev_extmem_callback_unregister(on_event, &events) == 0);
	EXPECT(dmadev_extmem_callback_unregister(on_event, &events) == -ENOENT);
	return failures == 0 ? 0 : 1;
}
