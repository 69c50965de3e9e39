import OpenMetricsText

extension MetricTable {
    /// The states of a channel in `/dmadev/vchans`.
    static let channelStates = ["not set up", "stopped", "idle", "active", "stuck", "halted"]

    /// The set-up of channels and the present use of their rings.
    static let channelRows: [MetricRow] = [
        .telemetry(
            "dmadev_vchan", .info,
            labels: [
                "vchan", "direction", "domain", "src_handler", "dst_handler", "src_port", "dst_port",
                "auto_free",
            ], from: .channels, help: "The set-up of the virtual channel."
        ) { reply in
            reply.elements.filter { $0.unsigned("nb_desc") != nil }.map { channel in
                .info([
                    "vchan": channel.label("vchan"), "direction": channel.label("direction"),
                    "domain": channel.label("domain"), "src_handler": channel.label("src_handler"),
                    "dst_handler": channel.label("dst_handler"), "src_port": channel.label("src_port"),
                    "dst_port": channel.label("dst_port"), "auto_free": channel.label("auto_free"),
                ])
            }
        },
        .telemetry(
            "dmadev_vchan_state", .gauge, labels: ["vchan", "state"], from: .channels,
            help: "1 for the present state of the virtual channel, 0 for the others."
        ) { reply in
            reply.elements.flatMap { channel in
                let now = channel.label("state")
                return channelStates.map { state in
                    MetricPoint(["vchan": channel.label("vchan"), "state": state], .unsigned(state == now ? 1 : 0))
                }
            }
        },
        .telemetry(
            "dmadev_vchan_oldest_operation_age_seconds", .gauge, unit: "seconds", labels: ["vchan"], from: .channels,
            help: "Time since the doorbell of the oldest operation that is not finished; 0 if there is none."
        ) { $0.channelAges("oldest_ns") },
        .telemetry(
            "dmadev_vchan_last_completion_age_seconds", .gauge, unit: "seconds", labels: ["vchan"], from: .channels,
            help: "Time since an operation of the virtual channel last finished; absent before the first one."
        ) { $0.channelAges("last_completion_ns") },
        .telemetry(
            "dmadev_vchan_descriptors", .gauge, labels: ["vchan"], from: .channels,
            help: "Descriptors of the ring."
        ) { reply in
            reply.elements.compactMap { channel in
                channel.number("nb_desc").map { MetricPoint(["vchan": channel.label("vchan")], $0) }
            }
        },
        .telemetry(
            "dmadev_vchan_ring_slots", .gauge, labels: ["vchan", "use"], from: .channels,
            help: "Slots of the ring by use: empty, pending (no doorbell yet), running, completed (not polled)."
        ) { reply in
            reply.elements.flatMap { channel in
                [
                    ("empty", "burst_capacity"), ("pending", "pending"), ("running", "running"),
                    ("completed", "completed"),
                ]
                .compactMap { use, member in
                    channel.number(member).map {
                        MetricPoint(["vchan": channel.label("vchan"), "use": use], $0)
                    }
                }
            }
        },
        .telemetry(
            "dmadev_vchan_ring_occupancy_ratio", .gauge, unit: "ratio", labels: ["vchan"], from: .channels,
            help: "Fraction of the ring that is in use, 0 to 1."
        ) { reply in
            reply.elements.compactMap { channel in
                guard let empty = channel.unsigned("burst_capacity"), let all = channel.unsigned("nb_desc"), all > 0
                else { return nil }
                return MetricPoint(["vchan": channel.label("vchan")], .real(1 - Double(min(empty, all)) / Double(all)))
            }
        },
    ]
}

extension JSONReader {
    /// A member in nanoseconds of each channel.
    fileprivate func channelAges(_ member: String) -> [MetricPoint] {
        elements.compactMap { channel in
            channel.unsigned(member).map { age in
                MetricPoint(["vchan": channel.label("vchan")], .real(Double(age) / 1e9))
            }
        }
    }
}
