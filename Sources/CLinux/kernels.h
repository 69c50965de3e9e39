/* What moves the bytes. Not public: whoever calls these has the guard up. */
#ifndef CLINUX_KERNELS_H
#define CLINUX_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies two pieces of a constant size that begin and end an area, which may overlap each other: all is read before
 * anything is written, so that areas that overlap are right as well. */
#define KERNEL_MOVE_ENDS(type, dst, src, bytes) \
	do { \
		type first, last; \
		memcpy(&first, src, sizeof(type)); \
		memcpy(&last, src + bytes - sizeof(type), sizeof(type)); \
		memcpy(dst, &first, sizeof(type)); \
		memcpy(dst + bytes - sizeof(type), &last, sizeof(type)); \
	} while (0)

struct kernel_16 { uint64_t words[2]; };
struct kernel_32 { uint64_t words[4]; };

/* memmove, without a call for what is as small as most packets' headers. */
static inline void kernel_move(unsigned char *dst, const unsigned char *src, size_t bytes)
{
	if (bytes > 64)
		memmove(dst, src, bytes);
	else if (bytes > 32)
		KERNEL_MOVE_ENDS(struct kernel_32, dst, src, bytes);
	else if (bytes > 16)
		KERNEL_MOVE_ENDS(struct kernel_16, dst, src, bytes);
	else
		memmove(dst, src, bytes);
}

static inline void kernel_fill(unsigned char *dst, uint64_t pattern, size_t bytes)
{
	unsigned char first = (unsigned char)pattern;

	if (pattern == first * 0x0101010101010101ULL) {
		memset(dst, first, bytes);
		return;
	}
	size_t words = bytes / sizeof(pattern);

	for (size_t i = 0; i < words; i++)
		memcpy(dst + i * sizeof(pattern), &pattern, sizeof(pattern));
	memcpy(dst + words * sizeof(pattern), &pattern, bytes % sizeof(pattern));
}

#endif
