#include "clinux_dmabuf.h"

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>

_Static_assert(CLINUX_DMABUF_READ == DMA_BUF_SYNC_READ && CLINUX_DMABUF_WRITE == DMA_BUF_SYNC_WRITE, "directions");
_Static_assert(CLINUX_DMABUF_END == DMA_BUF_SYNC_END && DMA_BUF_SYNC_START == 0, "begin and end");

int clinux_dmabuf_sync(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
}

/* Not DMA_BUF_SET_NAME, whose number was a different one in headers of 32-bit programs. */
int clinux_dmabuf_set_name(int fd, const char *name)
{
	return ioctl(fd, DMA_BUF_SET_NAME_B, name);
}

int clinux_udmabuf_create(int device, int memfd, uint64_t offset, uint64_t size)
{
	struct udmabuf_create request = {
		.memfd = (uint32_t)memfd, .flags = UDMABUF_FLAGS_CLOEXEC, .offset = offset, .size = size
	};

	return ioctl(device, UDMABUF_CREATE, &request);
}

int clinux_dma_heap_allocate(int heap, uint64_t size)
{
	struct dma_heap_allocation_data request = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };

	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &request) != 0)
		return -1;
	return (int)request.fd;
}
