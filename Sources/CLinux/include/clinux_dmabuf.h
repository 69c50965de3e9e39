/* dma-bufs: what their descriptors offer. */
#ifndef CLINUX_DMABUF_H
#define CLINUX_DMABUF_H

#include <stdint.h>

/* Directions of an access, and the flag that ends it; DMA_BUF_SYNC_*. */
#define CLINUX_DMABUF_READ 1
#define CLINUX_DMABUF_WRITE 2
#define CLINUX_DMABUF_END 4

/* DMA_BUF_IOCTL_SYNC: begins an access of this process, or ends it with CLINUX_DMABUF_END. 0, or -1 with errno; it can
 * wait for fences of devices without end. */
int clinux_dmabuf_sync(int fd, uint64_t flags);

#endif
