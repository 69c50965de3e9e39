/* libdmadev's telemetry server: the devices of the process, and commands of its own, as JSON over a Unix socket that
 * speaks DPDK telemetry v2. dpdk-telemetry.py, `dmascope query` and `dmascope metrics` read it. dmadev.h has the rules
 * for results and threads. */
#ifndef DMADEV_TELEMETRY_H
#define DMADEV_TELEMETRY_H

#include "dmadev.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts the server of the process. name: the directory of the socket, as DPDK's --file-prefix; NULL: "dmadev".
 * -EALREADY: it runs; -EINVAL: the name; errors of the socket. */
int dmadev_telemetry_start(const char *name);

/* Closes all clients, removes the socket, and waits until no handler runs, except one that made this call. Does nothing
 * if it does not run. */
void dmadev_telemetry_stop(void);

/* The path of the server's socket; NULL: it does not run. Constant until the server is stopped. */
const char *dmadev_telemetry_path(void);

/* The reply to a request while it is built: an object. */
struct dmadev_telemetry_data;

/* Answers a request. params: the text after the command's comma; NULL: none. Returns 0 or a negative errno: then the
 * client gets null, and /telemetry/errors shows the reason. It runs on the server's thread and must not block: all
 * clients would wait. */
typedef int (*dmadev_telemetry_handler_t)(const char *command, const char *params, struct dmadev_telemetry_data *data,
					  void *arg);

/* Adds a command, before the server starts (and before the first other call, if DMADEV_TELEMETRY starts it). command:
 * begins with a slash, has no comma and less than 56 bytes. help: one sentence. -EINVAL: the command; -EEXIST: it is
 * there; -EBUSY: the server runs. */
int dmadev_telemetry_register(const char *command, const char *help, dmadev_telemetry_handler_t handler, void *arg);

/* Add a member to the innermost open object, or an element to the innermost open list, where name is not used.
 * -EINVAL: no name in an object, or NULL for a text. Texts are copied; bytes that are not UTF-8 are replaced. */
int dmadev_telemetry_add_string(struct dmadev_telemetry_data *data, const char *name, const char *value);
int dmadev_telemetry_add_int(struct dmadev_telemetry_data *data, const char *name, int64_t value);
int dmadev_telemetry_add_uint(struct dmadev_telemetry_data *data, const char *name, uint64_t value);
int dmadev_telemetry_add_bool(struct dmadev_telemetry_data *data, const char *name, bool value);

/* Open an object or a list in the same way; what follows goes into it until it is ended. -E2BIG: more than 32. */
int dmadev_telemetry_begin_object(struct dmadev_telemetry_data *data, const char *name);
int dmadev_telemetry_begin_list(struct dmadev_telemetry_data *data, const char *name);
/* -EINVAL: none is open. */
int dmadev_telemetry_end(struct dmadev_telemetry_data *data);

#ifdef __cplusplus
}
#endif

#endif
