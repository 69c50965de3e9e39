/* What programs use of DPDK's rte_common.h, rte_branch_prediction.h and rte_compat.h without an EAL: the same names and
 * values. Each macro gives way to one that is defined already. */
#ifndef DMADEV_COMPAT_RTE_COMMON_H
#define DMADEV_COMPAT_RTE_COMMON_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- Attributes */

#ifndef __rte_unused
#define __rte_unused __attribute__((__unused__))
#endif
#ifndef __rte_used
#define __rte_used __attribute__((__used__))
#endif
#ifndef __rte_always_inline
#define __rte_always_inline inline __attribute__((__always_inline__))
#endif
#ifndef __rte_noinline
#define __rte_noinline __attribute__((__noinline__))
#endif
#ifndef __rte_noreturn
#define __rte_noreturn __attribute__((__noreturn__))
#endif
#ifndef __rte_hot
#define __rte_hot __attribute__((__hot__))
#endif
#ifndef __rte_cold
#define __rte_cold __attribute__((__cold__))
#endif
#ifndef __rte_weak
#define __rte_weak __attribute__((__weak__))
#endif
#ifndef __rte_pure
#define __rte_pure __attribute__((__pure__))
#endif
#ifndef __rte_aligned
#define __rte_aligned(a) __attribute__((__aligned__(a)))
#endif
#ifndef __rte_packed
#define __rte_packed __attribute__((__packed__))
#endif
#ifndef __rte_may_alias
#define __rte_may_alias __attribute__((__may_alias__))
#endif
#ifndef __rte_warn_unused_result
#define __rte_warn_unused_result __attribute__((__warn_unused_result__))
#endif
#ifndef __rte_format_printf
#define __rte_format_printf(format, first) __attribute__((__format__(__printf__, format, first)))
#endif
#ifndef __rte_restrict
#define __rte_restrict __restrict
#endif
/* Every call is there to use: no ALLOW_EXPERIMENTAL_API. */
#ifndef __rte_experimental
#define __rte_experimental
#endif
#ifndef __rte_internal
#define __rte_internal
#endif
#ifndef __rte_deprecated
#define __rte_deprecated __attribute__((__deprecated__))
#endif
#ifndef RTE_SET_USED
#define RTE_SET_USED(x) ((void)(x))
#endif

#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

/* ---------------------------------------------------------------- Addresses */

typedef uint64_t rte_iova_t;
typedef uint64_t phys_addr_t;

#ifndef RTE_BAD_IOVA
#define RTE_BAD_IOVA ((rte_iova_t)-1)
#endif
#ifndef RTE_BAD_PHYS_ADDR
#define RTE_BAD_PHYS_ADDR ((phys_addr_t)-1)
#endif

#ifndef RTE_PTR_ADD
#define RTE_PTR_ADD(ptr, x) ((void *)((uintptr_t)(ptr) + (x)))
#endif
#ifndef RTE_PTR_SUB
#define RTE_PTR_SUB(ptr, x) ((void *)((uintptr_t)(ptr) - (x)))
#endif
#ifndef RTE_PTR_DIFF
#define RTE_PTR_DIFF(ptr1, ptr2) ((uintptr_t)(ptr1) - (uintptr_t)(ptr2))
#endif

/* ---------------------------------------------------------------- Alignment: powers of two */

#ifndef RTE_ALIGN_FLOOR
#define RTE_ALIGN_FLOOR(val, align) ((__typeof__(val))((val) & ~((__typeof__(val))(align) - 1)))
#endif
#ifndef RTE_ALIGN_CEIL
#define RTE_ALIGN_CEIL(val, align) RTE_ALIGN_FLOOR((__typeof__(val))((val) + ((__typeof__(val))(align) - 1)), align)
#endif
#ifndef RTE_ALIGN
#define RTE_ALIGN(val, align) RTE_ALIGN_CEIL(val, align)
#endif
#ifndef RTE_PTR_ALIGN_FLOOR
#define RTE_PTR_ALIGN_FLOOR(ptr, align) ((__typeof__(ptr))RTE_ALIGN_FLOOR((uintptr_t)(ptr), align))
#endif
#ifndef RTE_PTR_ALIGN_CEIL
#define RTE_PTR_ALIGN_CEIL(ptr, align) ((__typeof__(ptr))RTE_ALIGN_CEIL((uintptr_t)(ptr), align))
#endif
#ifndef RTE_PTR_ALIGN
#define RTE_PTR_ALIGN(ptr, align) RTE_PTR_ALIGN_CEIL(ptr, align)
#endif
/* Any multiple, not only powers of two. */
#ifndef RTE_ALIGN_MUL_FLOOR
#define RTE_ALIGN_MUL_FLOOR(v, mul) ((v) / (__typeof__(v))(mul) * (__typeof__(v))(mul))
#endif
#ifndef RTE_ALIGN_MUL_CEIL
#define RTE_ALIGN_MUL_CEIL(v, mul) RTE_ALIGN_MUL_FLOOR((v) + (__typeof__(v))(mul) - 1, mul)
#endif

static inline int rte_is_aligned(const void *ptr, unsigned int align)
{
	return ((uintptr_t)ptr & (align - 1)) == 0;
}

#ifndef RTE_CACHE_LINE_SIZE
#define RTE_CACHE_LINE_SIZE 64
#endif
#ifndef RTE_CACHE_LINE_MIN_SIZE
#define RTE_CACHE_LINE_MIN_SIZE 64
#endif
#ifndef RTE_CACHE_LINE_MASK
#define RTE_CACHE_LINE_MASK (RTE_CACHE_LINE_SIZE - 1)
#endif
#ifndef RTE_CACHE_LINE_ROUNDUP
#define RTE_CACHE_LINE_ROUNDUP(size) RTE_ALIGN_MUL_CEIL(size, RTE_CACHE_LINE_SIZE)
#endif
#ifndef __rte_cache_aligned
#define __rte_cache_aligned __rte_aligned(RTE_CACHE_LINE_SIZE)
#endif

/* ---------------------------------------------------------------- Values */

#ifndef RTE_MIN
#define RTE_MIN(a, b)                            \
	__extension__({                          \
		__typeof__(a) rte_min_a = (a);   \
		__typeof__(b) rte_min_b = (b);   \
		rte_min_a < rte_min_b ? rte_min_a : rte_min_b; \
	})
#endif
#ifndef RTE_MAX
#define RTE_MAX(a, b)                            \
	__extension__({                          \
		__typeof__(a) rte_max_a = (a);   \
		__typeof__(b) rte_max_b = (b);   \
		rte_max_a > rte_max_b ? rte_max_a : rte_max_b; \
	})
#endif
#ifndef RTE_MIN_T
#define RTE_MIN_T(a, b, t) ((t)(a) < (t)(b) ? (t)(a) : (t)(b))
#endif
#ifndef RTE_MAX_T
#define RTE_MAX_T(a, b, t) ((t)(a) > (t)(b) ? (t)(a) : (t)(b))
#endif
#ifndef RTE_SWAP
#define RTE_SWAP(a, b)                         \
	do {                                   \
		__typeof__(a) rte_swap_a = (a); \
		(a) = (b);                     \
		(b) = rte_swap_a;              \
	} while (0)
#endif
#ifndef RTE_DIM
#define RTE_DIM(a) (sizeof(a) / sizeof((a)[0]))
#endif
#ifndef RTE_STR
#define RTE_STR_(x) #x
#define RTE_STR(x) RTE_STR_(x)
#endif
#ifndef RTE_FMT_HEAD
#define RTE_FMT_HEAD(fmt, ...) fmt
#define RTE_FMT_TAIL(fmt, ...) __VA_ARGS__
#define RTE_FMT(fmt, ...) fmt, __VA_ARGS__
#endif
#ifndef RTE_SIZEOF_FIELD
#define RTE_SIZEOF_FIELD(type, field) (sizeof(((type *)0)->field))
#endif
#ifndef RTE_BUILD_BUG_ON
#ifdef __cplusplus
#define RTE_BUILD_BUG_ON(condition) static_assert(!(condition), #condition)
#else
#define RTE_BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)
#endif
#endif
#ifndef container_of
#define container_of(ptr, type, member) ((type *)(void *)((uintptr_t)(ptr) - offsetof(type, member)))
#endif

/* Writes the message to standard error and ends the process; there is no EAL to clean up. */
static inline void rte_exit(int exit_code, const char *format, ...) __rte_format_printf(2, 3) __rte_noreturn;
static inline void rte_exit(int exit_code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	exit(exit_code);
}

#ifdef __cplusplus
}
#endif

#endif
