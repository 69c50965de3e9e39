/* What the C library cannot be made of in Swift: the exported table of data paths, and the error of each thread. */
#ifndef CLIBDMADEV_H
#define CLIBDMADEV_H

#include "cdmadev.h"
#include "dmadev_driver.h"

/* Sets what dmadev_error() of this thread returns; longer texts are cut. */
void clibdmadev_set_error(const char *_Nonnull text);

/* A variable of the environment; NULL: not set, or the program has raised privileges. */
const char *_Nullable clibdmadev_environment(const char *_Nonnull name);

/* Keeps the library in the process when the last handle of dlopen(3) is closed: its threads run. */
void clibdmadev_stay(void);

/* Writes a line to standard error. */
void clibdmadev_warn(const char *_Nonnull text);

/* Makes dmadev_fp_objs as long as this, before the first device. False: no memory. */
bool clibdmadev_reserve(uint32_t count);

/* Makes the data calls of a device reach a table of functions (struct dmadev_data_path). Again after each start: it may
 * have set others. */
void clibdmadev_publish(int16_t dev_id, void *_Nonnull path);

/* Makes them refuse again. */
void clibdmadev_withdraw(int16_t dev_id);

/* Puts the functions of a C driver into a table; those that are NULL stay as they are. */
void clibdmadev_set_functions(struct dmadev_data_path *_Nonnull path,
			      const struct dmadev_driver_functions *_Nonnull functions, void *_Nullable dev);

#endif
