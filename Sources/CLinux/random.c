#include "clinux_random.h"

#include <sys/random.h>

ssize_t clinux_getrandom(void *buffer, size_t count)
{
	return getrandom(buffer, count, 0);
}
