/* Functions that move the bytes. Not public: call them only inside the guard. */
#ifndef CLINUX_KERNELS_H
#define CLINUX_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "clinux_guard.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Copies the first and last bytes of an area, in two pieces of constant size that may overlap: everything is read
 * before anything is written, so that overlapping areas are copied correctly. */
#define KERNEL_MOVE_ENDS(type, dst, src, bytes) \
	do { \
		type first, last; \
		memcpy(&first, src, sizeof(type)); \
		memcpy(&last, src + bytes - sizeof(type), sizeof(type)); \
		memcpy(dst, &first, sizeof(type)); \
		memcpy(dst + bytes - sizeof(type), &last, sizeof(type)); \
	} while (0)

/* Vectors: the compiler keeps them in registers. */
typedef uint64_t kernel_16 __attribute__((vector_size(16)));
typedef uint64_t kernel_32 __attribute__((vector_size(32)));
typedef uint64_t kernel_64 __attribute__((vector_size(64)));

#if defined(__x86_64__)
/* Copies of at least this size are memmove's. On Zen 3, the loop below is at most some hundredths faster than rep
 * movsb, which memmove uses, at sizes of the caches, and much faster in copies that leave them. Intel's processors fetch
 * no lines for a rep movsb, which counts from some kilobytes on: their limit is that of glibc. */
static inline size_t kernel_wide_end(void)
{
	if (!__builtin_cpu_supports("avx2"))
		return 0;
	return __builtin_cpu_is("intel") ? 4096 : SIZE_MAX;
}

/* Copies an area whose parts do not overlap, 128 bytes at a time; from 128 bytes on. Its stores are aligned. */
__attribute__((target("avx2"), noinline)) static void kernel_copy_wide(unsigned char *dst, const unsigned char *src,
									size_t bytes)
{
	const __m256i *from = (const __m256i *)(src + bytes) - 4;
	__m256i *to = (__m256i *)(dst + bytes) - 4;
	size_t head = -(uintptr_t)dst & 31;

	_mm256_storeu_si256((__m256i *)dst, _mm256_loadu_si256((const __m256i *)src));
	for (dst += head, src += head; dst < (unsigned char *)to; dst += 128, src += 128) {
		__m256i a = _mm256_loadu_si256((const __m256i *)src), b = _mm256_loadu_si256((const __m256i *)src + 1);
		__m256i c = _mm256_loadu_si256((const __m256i *)src + 2), d = _mm256_loadu_si256((const __m256i *)src + 3);

		_mm256_store_si256((__m256i *)dst, a);
		_mm256_store_si256((__m256i *)dst + 1, b);
		_mm256_store_si256((__m256i *)dst + 2, c);
		_mm256_store_si256((__m256i *)dst + 3, d);
	}
	/* The last 128 bytes, some of them again. */
	for (int index = 0; index < 4; index++)
		_mm256_storeu_si256(to + index, _mm256_loadu_si256(from + index));
}

#else
static inline size_t kernel_wide_end(void)
{
	return 0;
}

static void kernel_copy_wide(unsigned char *dst, const unsigned char *src, size_t bytes)
{
	memcpy(dst, src, bytes);
}
#endif

enum { KERNEL_PAGE = 4096 };

/* Copies non-overlapping areas in parts that end where a page of the destination does. memmove may copy each part backwards,
 * and if one cannot be written, nothing beyond it is. */
__attribute__((noinline)) static void kernel_copy_pages(unsigned char *dst, const unsigned char *src, size_t bytes)
{
	size_t part = KERNEL_PAGE - ((uintptr_t)dst & (KERNEL_PAGE - 1));

	for (; bytes > part; part = KERNEL_PAGE) {
		memmove(dst, src, part);
		dst += part, src += part, bytes -= part;
	}
	memmove(dst, src, bytes);
}

/* memmove for more than 64 bytes. */
__attribute__((noinline)) static void kernel_move_long(unsigned char *dst, const unsigned char *src, size_t bytes)
{
	uintptr_t distance = (uintptr_t)dst - (uintptr_t)src;
	/* A load whose address equals that of an earlier store in its low 12 bits waits for it: memmove copies such areas
	 * backwards. */
	int waits = distance % KERNEL_PAGE != 0 && distance % KERNEL_PAGE < 256;

	if (bytes <= 128)
		KERNEL_MOVE_ENDS(kernel_64, dst, src, bytes);
	else if (distance < bytes || -distance < bytes)
		memmove(dst, src, bytes);
	else if (waits)
		kernel_copy_pages(dst, src, bytes);
	else if (bytes < kernel_wide_end())
		kernel_copy_wide(dst, src, bytes);
	else
		memmove(dst, src, bytes);
}

/* memmove, without a call for small sizes such as packet headers. */
static inline void kernel_move(unsigned char *dst, const unsigned char *src, size_t bytes)
{
	if (bytes > 64)
		kernel_move_long(dst, src, bytes);
	else if (bytes > 32)
		KERNEL_MOVE_ENDS(kernel_32, dst, src, bytes);
	else if (bytes > 16)
		KERNEL_MOVE_ENDS(kernel_16, dst, src, bytes);
	else
		memmove(dst, src, bytes);
}

#if defined(__x86_64__)
/* The same with stores that bypass the caches. */
__attribute__((target("avx2"), noinline)) static void kernel_stream_wide(unsigned char *dst, const unsigned char *src,
									  size_t bytes)
{
	for (; bytes != 0; dst += 128, src += 128, bytes -= 128) {
		__m256i a = _mm256_loadu_si256((const __m256i *)src), b = _mm256_loadu_si256((const __m256i *)src + 1);
		__m256i c = _mm256_loadu_si256((const __m256i *)src + 2), d = _mm256_loadu_si256((const __m256i *)src + 3);

		_mm_prefetch((const char *)src + 512, _MM_HINT_T0);
		_mm_prefetch((const char *)src + 576, _MM_HINT_T0);
		_mm256_stream_si256((__m256i *)dst, a);
		_mm256_stream_si256((__m256i *)dst + 1, b);
		_mm256_stream_si256((__m256i *)dst + 2, c);
		_mm256_stream_si256((__m256i *)dst + 3, d);
	}
}
#endif

/* Copies non-overlapping areas with stores that bypass the caches: copies larger than the caches would only evict
 * other data, and are twice as fast this way. */
static inline void kernel_stream(unsigned char *dst, const unsigned char *src, size_t bytes)
{
#if defined(__x86_64__)
	size_t head = -(uintptr_t)dst & 31;

	if (head > bytes)
		head = bytes;
	memcpy(dst, src, head);
	dst += head, src += head, bytes -= head;
	if (__builtin_cpu_supports("avx2")) {
		size_t whole = bytes & ~(size_t)127;

		kernel_stream_wide(dst, src, whole);
		dst += whole, src += whole, bytes -= whole;
	}
	for (; bytes >= 64; dst += 64, src += 64, bytes -= 64) {
		__m128i a = _mm_loadu_si128((const __m128i *)src), b = _mm_loadu_si128((const __m128i *)src + 1);
		__m128i c = _mm_loadu_si128((const __m128i *)src + 2), d = _mm_loadu_si128((const __m128i *)src + 3);

		_mm_prefetch((const char *)src + 512, _MM_HINT_T0);
		_mm_stream_si128((__m128i *)dst, a);
		_mm_stream_si128((__m128i *)dst + 1, b);
		_mm_stream_si128((__m128i *)dst + 2, c);
		_mm_stream_si128((__m128i *)dst + 3, d);
	}
	memcpy(dst, src, bytes);
	/* Such stores are not ordered with the one that publishes the completion. */
	_mm_sfence();
#else
	memcpy(dst, src, bytes);
#endif
}

/* The pages at the end of an area in which stores are timed, and the bytes that have as many whole ones. */
enum { KERNEL_TIMED_PAGES = 4, KERNEL_TIMED = (KERNEL_TIMED_PAGES + 1) * KERNEL_PAGE };

#if defined(__x86_64__)
/* The ticks until the processor owns the line of a store. */
static inline uint64_t kernel_time_store(unsigned char *dst, unsigned char byte)
{
	uint64_t begin;

	_mm_mfence();
	_mm_lfence();
	begin = __builtin_ia32_rdtsc();
	_mm_lfence();
	*(volatile unsigned char *)dst = byte;
	_mm_mfence();
	_mm_lfence();
	return __builtin_ia32_rdtsc() - begin;
}

/* The same for a line that is in no cache: the least of some, since anything may delay one. */
static inline uint64_t kernel_time_memory(void)
{
	static _Alignas(64) unsigned char line[64];
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 16; i++) {
		uint64_t ticks;

		_mm_clflush(line);
		ticks = kernel_time_store(line, 0);
		if (ticks < least)
			least = ticks;
	}
	return least;
}

/* Whether the processor's caches do not have the destination: if the fastest of four stores takes more than two thirds of
 * one to memory. Measured with Zen 3, whose counter has 2.4 GHz: 120 to 150 ticks with the line in its caches, 320 to 370
 * without. The first store in a page finds its translation, and the second is timed. */
static inline int kernel_is_cold(unsigned char *dst, const unsigned char *src, uint64_t memory_ticks)
{
	uint64_t least = UINT64_MAX;

	for (size_t at = 0; at < KERNEL_TIMED_PAGES * KERNEL_PAGE; at += KERNEL_PAGE) {
		size_t timed = at + KERNEL_PAGE / 2;
		uint64_t ticks;

		*(volatile unsigned char *)(dst + at) = src[at];
		ticks = kernel_time_store(dst + timed, src[timed]);
		if (ticks < least)
			least = ticks;
	}
	return least * 3 > memory_ticks * 2;
}
#else
static inline uint64_t kernel_time_memory(void)
{
	return 0;
}

/* There is one way. */
static inline int kernel_is_cold(unsigned char *dst, const unsigned char *src, uint64_t memory_ticks)
{
	(void)dst, (void)src, (void)memory_ticks;
	return 0;
}
#endif

/* Copies non-overlapping areas in one of the ways. The end in which stores are timed always goes through the caches: the
 * next copy to the same destination finds it there. */
static inline void kernel_copy_large(unsigned char *dst, const unsigned char *src, size_t bytes, uint64_t memory_ticks,
				     enum clinux_way *way)
{
	size_t streamed = bytes;

	if (*way == CLINUX_WAY_UNKNOWN && bytes >= KERNEL_TIMED) {
		streamed -= KERNEL_TIMED - KERNEL_PAGE + ((uintptr_t)(dst + bytes) & (KERNEL_PAGE - 1));
		*way = kernel_is_cold(dst + streamed, src + streamed, memory_ticks) ? CLINUX_WAY_STREAMED : CLINUX_WAY_CACHED;
	}
	if (*way == CLINUX_WAY_STREAMED)
		kernel_stream(dst, src, streamed);
	else
		streamed = 0;
	kernel_move(dst + streamed, src + streamed, bytes - streamed);
}

#if defined(__x86_64__)
/* 32 bytes a store; from 32 bytes on. */
__attribute__((target("avx2"), noinline)) static void kernel_fill_wide(unsigned char *dst, uint64_t pattern, size_t bytes)
{
	const __m256i wide = _mm256_set1_epi64x((long long)pattern);
	const size_t whole = bytes & ~(sizeof(pattern) - 1);
	size_t at = 0;

	for (; at + 128 <= whole; at += 128) {
		_mm256_storeu_si256((__m256i *)(dst + at), wide);
		_mm256_storeu_si256((__m256i *)(dst + at + 32), wide);
		_mm256_storeu_si256((__m256i *)(dst + at + 64), wide);
		_mm256_storeu_si256((__m256i *)(dst + at + 96), wide);
	}
	for (; at + 32 <= whole; at += 32)
		_mm256_storeu_si256((__m256i *)(dst + at), wide);
	/* The last words again: whole patterns are at multiples of their size. */
	_mm256_storeu_si256((__m256i *)(dst + whole - 32), wide);
	memcpy(dst + whole, &pattern, bytes - whole);
}
#endif

/* Fills an area with a repeated pattern. */
static inline void kernel_fill(unsigned char *dst, uint64_t pattern, size_t bytes)
{
	size_t words = bytes / sizeof(pattern);

#if defined(__x86_64__)
	if (bytes >= 64 && __builtin_cpu_supports("avx2")) {
		kernel_fill_wide(dst, pattern, bytes);
		return;
	}
	/* As fast as memset for any pattern, except for a start-up cost that is too high for small areas. */
	if (bytes >= 512) {
		__asm__ volatile("rep stosq" : "+D"(dst), "+c"(words) : "a"(pattern) : "memory");
		memcpy(dst, &pattern, bytes % sizeof(pattern));
		return;
	}
#endif
	for (size_t i = 0; i < words; i++)
		memcpy(dst + i * sizeof(pattern), &pattern, sizeof(pattern));
	memcpy(dst + words * sizeof(pattern), &pattern, bytes % sizeof(pattern));
}

#endif
