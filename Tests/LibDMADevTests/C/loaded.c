/* A program that loads the library at run time, as a plug-in does, uses it, and closes it: the argument is its path. */
#include "expect.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
	int (*create)(const char *);
	const char *(*error)(void);
	void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;

	if (library == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&create = dlsym(library, "dmadev_create");
	*(void **)&error = dlsym(library, "dmadev_error");
	if (create == NULL || error == NULL || create("software,name=loaded") < 0) {
		fprintf(stderr, "not loaded: %s\n", error == NULL ? "no symbols" : error());
		return 1;
	}
	/* Its threads run, so it must stay. */
	return dlclose(library) == 0 && create("software,name=later") == 1 ? 0 : 1;
}
