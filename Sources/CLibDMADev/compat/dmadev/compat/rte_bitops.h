/* What programs use of DPDK's rte_bitops.h: masks, and counting and rounding of integers. Not here: its atomic calls. */
#ifndef DMADEV_COMPAT_RTE_BITOPS_H
#define DMADEV_COMPAT_RTE_BITOPS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef RTE_BIT64
#define RTE_BIT64(nr) (UINT64_C(1) << (nr))
#endif
#ifndef RTE_BIT32
#define RTE_BIT32(nr) (UINT32_C(1) << (nr))
#endif
#ifndef RTE_SHIFT_VAL64
#define RTE_SHIFT_VAL64(val, nr) ((uint64_t)(val) << (nr))
#endif
#ifndef RTE_SHIFT_VAL32
#define RTE_SHIFT_VAL32(val, nr) ((uint32_t)(val) << (nr))
#endif
/* Bits high to low, both included. */
#ifndef RTE_GENMASK64
#define RTE_GENMASK64(high, low) ((~UINT64_C(0) << (low)) & (~UINT64_C(0) >> (63 - (high))))
#endif
#ifndef RTE_GENMASK32
#define RTE_GENMASK32(high, low) ((~UINT32_C(0) << (low)) & (~UINT32_C(0) >> (31 - (high))))
#endif
#ifndef RTE_FIELD_GET64
#define RTE_FIELD_GET64(mask, reg) ((__typeof__(mask))(((reg) & (mask)) >> rte_ctz64(mask)))
#endif
#ifndef RTE_FIELD_GET32
#define RTE_FIELD_GET32(mask, reg) ((__typeof__(mask))(((reg) & (mask)) >> rte_ctz32(mask)))
#endif
#ifndef RTE_IS_POWER_OF_2
#define RTE_IS_POWER_OF_2(n) ((n) && !(((n) - 1) & (n)))
#endif

/* One bit of a uint32_t or a uint64_t. */
#ifndef rte_bit_test
#define rte_bit_test(addr, nr) ((*(addr) & RTE_BIT64(nr)) != 0)
#define rte_bit_set(addr, nr) ((void)(*(addr) |= RTE_BIT64(nr)))
#define rte_bit_clear(addr, nr) ((void)(*(addr) &= ~RTE_BIT64(nr)))
#define rte_bit_flip(addr, nr) ((void)(*(addr) ^= RTE_BIT64(nr)))
#define rte_bit_assign(addr, nr, value) ((value) ? rte_bit_set(addr, nr) : rte_bit_clear(addr, nr))
#endif

/* Leading and trailing zeros: the value is not 0. */
static inline unsigned int rte_clz32(uint32_t v)
{
	return (unsigned int)__builtin_clz(v);
}

static inline unsigned int rte_clz64(uint64_t v)
{
	return (unsigned int)__builtin_clzll(v);
}

static inline unsigned int rte_ctz32(uint32_t v)
{
	return (unsigned int)__builtin_ctz(v);
}

static inline unsigned int rte_ctz64(uint64_t v)
{
	return (unsigned int)__builtin_ctzll(v);
}

static inline unsigned int rte_popcount32(uint32_t v)
{
	return (unsigned int)__builtin_popcount(v);
}

static inline unsigned int rte_popcount64(uint64_t v)
{
	return (unsigned int)__builtin_popcountll(v);
}

/* The lowest bit that is set; v is not 0. */
static inline uint32_t rte_bsf32(uint32_t v)
{
	return rte_ctz32(v);
}

static inline uint32_t rte_bsf64(uint64_t v)
{
	return rte_ctz64(v);
}

static inline int rte_bsf32_safe(uint32_t v, uint32_t *pos)
{
	if (v == 0)
		return 0;
	*pos = rte_ctz32(v);
	return 1;
}

static inline int rte_bsf64_safe(uint64_t v, uint32_t *pos)
{
	if (v == 0)
		return 0;
	*pos = rte_ctz64(v);
	return 1;
}

/* The highest bit that is set, from 1; 0 for 0. */
static inline uint32_t rte_fls_u32(uint32_t x)
{
	return x == 0 ? 0 : 32 - rte_clz32(x);
}

static inline uint32_t rte_fls_u64(uint64_t x)
{
	return x == 0 ? 0 : 64 - rte_clz64(x);
}

static inline int rte_is_power_of_2(uint32_t n)
{
	return RTE_IS_POWER_OF_2(n);
}

/* All bits below the highest one set as well. */
static inline uint32_t rte_combine32ms1b(uint32_t x)
{
	return x == 0 ? 0 : UINT32_MAX >> rte_clz32(x);
}

static inline uint64_t rte_combine64ms1b(uint64_t v)
{
	return v == 0 ? 0 : UINT64_MAX >> rte_clz64(v);
}

/* The power of two that is not less; 0: it does not fit, or for 0. */
static inline uint32_t rte_align32pow2(uint32_t x)
{
	return rte_combine32ms1b(x - 1) + 1;
}

static inline uint64_t rte_align64pow2(uint64_t v)
{
	return rte_combine64ms1b(v - 1) + 1;
}

/* The power of two that is not more; 0 for 0. */
static inline uint32_t rte_align32prevpow2(uint32_t x)
{
	return x == 0 ? 0 : RTE_BIT32(rte_fls_u32(x) - 1);
}

static inline uint64_t rte_align64prevpow2(uint64_t v)
{
	return v == 0 ? 0 : RTE_BIT64(rte_fls_u64(v) - 1);
}

/* The binary logarithm, rounded up; 0 for 0. */
static inline uint32_t rte_log2_u32(uint32_t v)
{
	return v == 0 ? 0 : rte_fls_u32(v - 1);
}

static inline uint32_t rte_log2_u64(uint64_t v)
{
	return v == 0 ? 0 : rte_fls_u64(v - 1);
}

#ifdef __cplusplus
}
#endif

#endif
