#include "cdmatrace.h"
