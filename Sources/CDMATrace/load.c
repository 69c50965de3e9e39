/* The search path of the object with the probes, CDMATraceProbes:
 *   - the directory of the image that contains this code, which is the executable or a shared library,
 *   - ../lib of that directory,
 *   - the soname in the system's library path.
 * The soname's number has to change with the structs that call sites pass to probes: dmatrace.h, provider/values.h,
 * provider/burst.h. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "dmatrace.h"

#define OBJECT "libdmascope-trace.so"
#define SONAME OBJECT ".1"

/* A symbol that LTTng defines in every object with probes of this provider. */
#define PROVIDER "lttng_ust_tracepoint_provider_dmadev"

/* Writes the path of the image that contains this code; returns false if it is unknown. */
static bool image_path(char path[static PATH_MAX])
{
	Dl_info info;
	struct link_map *image;
	ssize_t length;

	if (dladdr1((void *)dmatrace_load, &info, (void **)&image, RTLD_DL_LINKMAP) == 0)
		return false;
	/* The executable has no name here, and its caller chooses argv[0]. */
	if (image->l_name[0] == '\0') {
		length = readlink("/proc/self/exe", path, PATH_MAX - 1);
		if (length > 0)
			path[length] = '\0';
		return length > 0;
	}
	return realpath(image->l_name, path) != NULL;
}

/* Global, so that other images of this process find PROVIDER. */
static bool open_object(const char *directory, const char *name)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s%s", directory, name);
	return dlopen(path, RTLD_NOW | RTLD_GLOBAL) != NULL;
}

static void load(void)
{
	char path[PATH_MAX];
	char *slash;

	/* Two copies would record each event twice. */
	if (dlsym(RTLD_DEFAULT, PROVIDER) != NULL)
		return;
	/* A program with more privileges than its caller may be in a directory that the caller can write to. */
	if (getauxval(AT_SECURE) == 0 && image_path(path) && (slash = strrchr(path, '/')) != NULL) {
		slash[1] = '\0';
		/* The second name is that of the package manager in a build directory. */
		if (open_object(path, SONAME) || open_object(path, OBJECT) || open_object(path, "../lib/" SONAME))
			return;
	}
	open_object("", SONAME);
}

void dmatrace_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
}
