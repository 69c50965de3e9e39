/* Calls that Swift's Glibc module does not import: thin wrappers, one system call each; errno is as set by the call. */
#ifndef CLINUX_H
#define CLINUX_H

#include "clinux_cache.h"
#include "clinux_descriptor.h"
#include "clinux_dmabuf.h"
#include "clinux_guard.h"
#include "clinux_memory.h"
#include "clinux_random.h"
#include "clinux_secret.h"
#include "clinux_service.h"
#include "clinux_socket.h"
#include "clinux_sync.h"

#endif
