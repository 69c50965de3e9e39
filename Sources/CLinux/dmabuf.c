#include "clinux_dmabuf.h"

#include <linux/dma-buf.h>
#include <sys/ioctl.h>

_Static_assert(CLINUX_DMABUF_READ == DMA_BUF_SYNC_READ && CLINUX_DMABUF_WRITE == DMA_BUF_SYNC_WRITE, "directions");
_Static_assert(CLINUX_DMABUF_END == DMA_BUF_SYNC_END && DMA_BUF_SYNC_START == 0, "begin and end");

int clinux_dmabuf_sync(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
}
