"""DMA devices, for usertools/dpdk-telemetry-exporter.py of DPDK: `-p DIRECTORY`, with the directory of this file.

It works with every process that has dmadev's telemetry commands: DPDK applications and dmascope.
"""

COUNTERS = {
    "submitted": "Number of operations that were submitted.",
    "completed": "Number of operations that were completed, failed ones included.",
    "errors": "Number of operations that failed.",
}


def info():
    """The description and type of each metric."""
    return {
        "devices": ("Number of DMA devices.", "gauge"),
        "vchans": ("Number of configured virtual channels.", "gauge"),
        **{name: (text, "counter") for name, text in COUNTERS.items()},
    }


def metrics(sock):
    """One value for each counter of each channel. What was removed, or is not set up, is left out."""
    devices = sock.cmd("/dmadev/list") or []
    values = [("devices", len(devices), {})]
    for device in devices:
        properties = sock.cmd("/dmadev/info", device)
        if not properties:
            continue
        labels = {"device": device, "name": properties["name"]}
        values.append(("vchans", properties["nb_vchans"], labels))
        for vchan in range(properties["nb_vchans"]):
            statistics = sock.cmd("/dmadev/stats", f"{device},{vchan}")
            if statistics:
                values += [(name, statistics[name], {**labels, "vchan": vchan}) for name in COUNTERS]
    return values
