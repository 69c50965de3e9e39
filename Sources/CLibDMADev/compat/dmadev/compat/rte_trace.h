/* A dummy of DPDK's rte_trace.h: no trace is written by these calls. libdmadev has trace points of its own. */
#ifndef DMADEV_COMPAT_RTE_TRACE_H
#define DMADEV_COMPAT_RTE_TRACE_H

#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rte_trace_mode {
	RTE_TRACE_MODE_OVERWRITE,
	RTE_TRACE_MODE_DISCARD
};

static inline bool rte_trace_is_enabled(void)
{
	return false;
}

static inline void rte_trace_mode_set(enum rte_trace_mode mode)
{
	(void)mode;
}

static inline enum rte_trace_mode rte_trace_mode_get(void)
{
	return RTE_TRACE_MODE_OVERWRITE;
}

/* 0: no trace point has such a name. */
static inline int rte_trace_pattern(const char *pattern, bool enable)
{
	(void)pattern, (void)enable;
	return 0;
}

static inline int rte_trace_regexp(const char *regex, bool enable)
{
	(void)regex, (void)enable;
	return 0;
}

static inline int rte_trace_save(void)
{
	return 0;
}

static inline void rte_trace_dump(FILE *f)
{
	(void)f;
}

#ifdef __cplusplus
}
#endif

#endif
