/* json-c as Swift sees it: the installed headers, nothing added. */
#include <json-c/json.h>
