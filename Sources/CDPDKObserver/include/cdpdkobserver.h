/* The data path of observed devices, and the file that their counters lie in.
 *
 *     application ──► rte_dma_fp_objs[id] ──► entry ──► counting ──► the driver's function
 *                                      (one per device and function; while events are recorded by way of the call layer)
 *
 * The driver gets the dev_private that the application passes, and the application the driver's results. Nothing here
 * allocates, locks or calls the system on the data path. One thread at a time uses a channel; if an application breaks
 * that rule of DPDK, counts are torn, and every access stays inside its memory. */
#ifndef CDPDKOBSERVER_H
#define CDPDKOBSERVER_H

#include "cdmadev.h"
#include "cdmadev_observed.h"
#include "dmascope_dpdk.h"

/* Makes the memory of a device's channels, and the file when it is the first device; a device that is observed already
 * keeps what it has. Ring indexes and times begin anew, counters go on.
 *
 * Returns NULL, or the reason why the device is not observed. */
const char *_Nullable observer_prepare(const struct dmascope_dpdk_device *_Nonnull device);

/* Sets the driver and the functions of the device's table for the call layer. */
void observer_set_functions(int16_t id, struct dmadev_data_path *_Nonnull path);

/* Saves the functions of the device, and puts entries in their places; those that are in place stay. path: as
 * observer_set_functions() has set it, and in place until the process ends. */
void observer_attach(const struct dmascope_dpdk_device *_Nonnull device, struct dmadev_data_path *_Nonnull path);

/* Whether the device's functions are entries of this file. */
bool observer_is_attached(const struct dmascope_dpdk_device *_Nonnull device);
bool observer_has_entries(void *_Nullable const *_Nonnull words, int16_t id);

/* Whether a device is observed now. */
bool observer_is_observed(int16_t id);

/* Puts the saved functions back wherever an entry is still in place. */
void observer_detach(int16_t id);

/* The counters of a channel; NULL: it was never prepared. */
struct observer_channel_counters *_Nullable observer_counters(int16_t id, uint16_t vchan);

/* The number of channels of a device that is or was observed. */
uint16_t observer_channel_count(int16_t id);

/* Registers commands on the telemetry socket of the application's DPDK, once: /dmascope/list and /dmascope/stats. */
void observer_register_commands(const struct dmascope_dpdk_device *_Nonnull device);

/* Whether the device was configured for silent mode: nothing is polled, so nothing is known of its operations. */
bool observer_is_silent(int16_t id);

/* The path of the file; empty if it could not be made, and in a child of fork. */
const char *_Nonnull observer_file_path(void);

/* What the stub calls: DPDKObserver. */
const char *_Nullable dpdkobserver_attach(const struct dmascope_dpdk_device *_Nonnull device);
void dpdkobserver_detach(int16_t id);
void dpdkobserver_closed(int16_t id);
void dpdkobserver_reset(int16_t id, uint16_t vchan);

#endif
