/* Functions that move the bytes. Not public: call them only inside the guard. */
#ifndef CLINUX_KERNELS_H
#define CLINUX_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

struct kernel_16 { uint64_t words[2]; };
struct kernel_32 { uint64_t words[4]; };

/* memmove, without a call for small sizes such as packet headers. */
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

/* Copies non-overlapping areas with stores that bypass the caches: copies larger than the caches would only evict
 * other data, and are twice as fast this way. */
static inline void kernel_stream(unsigned char *dst, const unsigned char *src, size_t bytes)
{
#if defined(__x86_64__)
	size_t head = -(uintptr_t)dst & 15;

	if (head > bytes)
		head = bytes;
	memcpy(dst, src, head);
	dst += head, src += head, bytes -= head;
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
