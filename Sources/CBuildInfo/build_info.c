#include "build_info.h"

/* Package.swift defines it. */
const char *build_info_commit(void)
{
	return DMASCOPE_COMMIT;
}
