/* zlib as Swift sees it: the installed header, nothing added. */
#include <zlib.h>
