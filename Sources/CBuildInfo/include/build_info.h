/* What the build knows about the sources. */
#ifndef BUILD_INFO_H
#define BUILD_INFO_H

/* "commit e902bc0", "commit e902bc0, modified" if files differ from it, or "unknown commit"; Package.swift says more. */
const char *build_info_commit(void);

#endif
