#include <errno.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cpeers.h"

#if defined(__x86_64__)

static void copy_string(uint8_t *destination, const uint8_t *source, size_t size)
{
	__asm__ volatile("rep movsb" : "+D"(destination), "+S"(source), "+c"(size) : : "memory");
}

/* 32 bytes a store, past the caches; for whole pages. */
__attribute__((target("avx"))) static void copy_stream(uint8_t *destination, const uint8_t *source, size_t size)
{
	for (size_t at = 0; at < size; at += 128) {
		_mm_prefetch((const char *)source + at + 512, _MM_HINT_T0);
		_mm_prefetch((const char *)source + at + 576, _MM_HINT_T0);
		for (size_t part = at; part < at + 128; part += 32)
			_mm256_stream_si256((__m256i *)(destination + part),
					    _mm256_load_si256((const __m256i *)(source + part)));
	}
	_mm_sfence();
}

bool cpeers_offers(enum cpeers_routine routine)
{
	return routine != CPEERS_STREAM || __builtin_cpu_supports("avx");
}

bool cpeers_evict(const uint8_t *memory, size_t size)
{
	for (size_t offset = 0; offset < size; offset += CPEERS_LINE)
		_mm_clflush(memory + offset);
	_mm_mfence();
	return true;
}

#else

static void copy_string(uint8_t *destination, const uint8_t *source, size_t size)
{
	memcpy(destination, source, size);
}

#define copy_stream copy_string

bool cpeers_offers(enum cpeers_routine routine)
{
	return routine == CPEERS_MEMCPY;
}

bool cpeers_evict(const uint8_t *memory, size_t size)
{
	(void)memory, (void)size;
	return false;
}

#endif

double cpeers_large(enum cpeers_routine routine, uint8_t *destination, const uint8_t *source, size_t size, bool is_cold,
		    double seconds)
{
	double spent = 0;
	unsigned count = 0;
	for (; spent < seconds * 1e9; count++) {
		if (is_cold && !(cpeers_evict(source, size) && cpeers_evict(destination, size)))
			return -ENOTSUP;
		double begin = cpeers_now();
		if (routine == CPEERS_MEMCPY)
			memcpy(destination, source, size);
		else if (routine == CPEERS_STRING)
			copy_string(destination, source, size);
		else
			copy_stream(destination, source, size);
		/* The compiler must not drop a copy that nothing reads. */
		__asm__ volatile("" : : "r"(destination) : "memory");
		spent += cpeers_now() - begin;
	}
	return spent / count;
}
