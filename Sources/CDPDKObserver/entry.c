#include "cdpdkobserver.h"

#include <stddef.h>

const struct dmascope_observer *dmascope_observer(uint32_t version)
{
	static const struct dmascope_observer functions = { dpdkobserver_attach, observer_has_entries, dpdkobserver_detach, dpdkobserver_closed,
							    dpdkobserver_reset };

	return version == DMASCOPE_OBSERVER_VERSION ? &functions : NULL;
}
