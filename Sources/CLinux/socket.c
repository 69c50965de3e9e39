#include "clinux_socket.h"
