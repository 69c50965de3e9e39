/* dma-bufs: what makes them, and what their descriptors offer. */
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

/* DMA_BUF_SET_NAME: at most 31 bytes. -1 with errno: EINVAL for a longer one. */
int clinux_dmabuf_set_name(int fd, const char *_Nonnull name);

/* UDMABUF_CREATE on /dev/udmabuf: a dma-buf of pages of a memfd, close-on-exec. -1 with errno: EINVAL for a part that is
 * not of whole pages, and for a file that can shrink or whose writes are sealed; EBADFD for other files. */
int clinux_udmabuf_create(int device, int memfd, uint64_t offset, uint64_t size);

/* DMA_HEAP_IOCTL_ALLOC on a file in /dev/dma_heap: a zeroed dma-buf of whole pages, readable and writable,
 * close-on-exec. -1 with errno. */
int clinux_dma_heap_allocate(int heap, uint64_t size);

#endif
