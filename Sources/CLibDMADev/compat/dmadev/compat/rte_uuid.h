/* DPDK's rte_uuid.h. */
#ifndef DMADEV_COMPAT_RTE_UUID_H
#define DMADEV_COMPAT_RTE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned char rte_uuid_t[16];

#define RTE_UUID_INIT(a, b, c, d, e)                                                                                \
	{                                                                                                           \
		(unsigned char)((uint64_t)(a) >> 24), (unsigned char)((uint64_t)(a) >> 16),                         \
			(unsigned char)((uint64_t)(a) >> 8), (unsigned char)(a),                                    \
			(unsigned char)((uint64_t)(b) >> 8), (unsigned char)(b),                                    \
			(unsigned char)((uint64_t)(c) >> 8), (unsigned char)(c),                                    \
			(unsigned char)((uint64_t)(d) >> 8), (unsigned char)(d),                                    \
			(unsigned char)((uint64_t)(e) >> 40), (unsigned char)((uint64_t)(e) >> 32),                 \
			(unsigned char)((uint64_t)(e) >> 24), (unsigned char)((uint64_t)(e) >> 16),                 \
			(unsigned char)((uint64_t)(e) >> 8), (unsigned char)(e)                                     \
	}

/* With the final zero. */
#define RTE_UUID_STRLEN (36 + 1)

static inline int rte_uuid_compare(const rte_uuid_t a, const rte_uuid_t b)
{
	int order = memcmp(a, b, sizeof(rte_uuid_t));

	return (order > 0) - (order < 0);
}

static inline bool rte_uuid_is_null(const rte_uuid_t uu)
{
	static const rte_uuid_t zero = { 0 };

	return memcmp(uu, zero, sizeof(zero)) == 0;
}

static inline void rte_uuid_clear(rte_uuid_t uu)
{
	memset(uu, 0, sizeof(rte_uuid_t));
}

static inline void rte_uuid_copy(rte_uuid_t dst, const rte_uuid_t src)
{
	memcpy(dst, src, sizeof(rte_uuid_t));
}

/* 36 characters, 8-4-4-4-12 hexadecimal digits. 0, or -1: another form. */
static inline int rte_uuid_parse(const char *in, rte_uuid_t uu)
{
	rte_uuid_t parsed = { 0 };
	unsigned int digits = 0;

	for (size_t index = 0; index < RTE_UUID_STRLEN - 1; index++) {
		char c = in[index];
		unsigned int digit;

		if (index == 8 || index == 13 || index == 18 || index == 23) {
			if (c != '-')
				return -1;
			continue;
		}
		if (c >= '0' && c <= '9')
			digit = (unsigned int)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned int)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (unsigned int)(c - 'A') + 10;
		else
			return -1;
		parsed[digits / 2] = (unsigned char)(parsed[digits / 2] << 4 | digit);
		digits++;
	}
	if (in[RTE_UUID_STRLEN - 1] != '\0')
		return -1;
	memcpy(uu, parsed, sizeof(parsed));
	return 0;
}

static inline void rte_uuid_unparse(const rte_uuid_t uu, char *out, size_t len)
{
	snprintf(out, len, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", uu[0], uu[1], uu[2],
		 uu[3], uu[4], uu[5], uu[6], uu[7], uu[8], uu[9], uu[10], uu[11], uu[12], uu[13], uu[14], uu[15]);
}

#ifdef __cplusplus
}
#endif

#endif
