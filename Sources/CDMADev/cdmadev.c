#include "cdmadev.h"
