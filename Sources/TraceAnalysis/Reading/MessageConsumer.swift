internal import CBabelTrace

/// Takes the library's messages. The library calls a C function, which can call a method of a class, but no generic function.
class MessageTaker {
    /// Takes messages, which must be released.
    func take(_ messages: UnsafePointer<OpaquePointer?>, _ count: Int) {}
}

/// Hands the events to a consumer, and adds up losses.
///
/// What changes with each event is private here, and the reader gets it after each batch: a public property is checked for
/// exclusive access each time.
final class MessageConsumer<Consumer: TraceConsumer>: MessageTaker {
    private let reader: TraceReader
    private let consumer: Consumer
    private let processes: TraceProcesses
    private let layouts: PointerTable<EventLayout>
    private let streams: PointerTable<TraceStream>
    private var eventCount: UInt64 = 0
    private var firstTime: Int64 = 0
    private var lastTime: Int64 = 0

    init(_ reader: TraceReader, _ consumer: Consumer) {
        self.reader = reader
        self.consumer = consumer
        processes = reader.processes
        layouts = reader.layouts
        streams = reader.streams
    }

    override func take(_ messages: UnsafePointer<OpaquePointer?>, _ count: Int) {
        for index in 0..<count {
            guard let message = messages[index] else { continue }
            take(message)
            cbt_message_put_ref(message)
        }
        reader.eventCount = eventCount
        reader.firstTime = firstTime
        reader.lastTime = lastTime
    }

    private func take(_ message: OpaquePointer) {
        var count: UInt64 = 0
        switch cbt_message_get_type(message) {
        case CInt(CBT_MESSAGE_EVENT): takeEvent(message)
        case CInt(CBT_MESSAGE_DISCARDED_EVENTS):
            let stream = stream(cbt_message_discarded_events_borrow_stream_const(message))
            let isKnown = cbt_message_discarded_events_get_count(message, &count) == CBT_IS_AVAILABLE
            if isKnown { stream.pointee.discardedEvents &+= count } else { stream.pointee.hasUnknownDiscards = true }
        case CInt(CBT_MESSAGE_DISCARDED_PACKETS):
            let stream = stream(cbt_message_discarded_packets_borrow_stream_const(message))
            let isKnown = cbt_message_discarded_packets_get_count(message, &count) == CBT_IS_AVAILABLE
            if isKnown { stream.pointee.discardedPackets &+= count } else { stream.pointee.hasUnknownDiscards = true }
        default: break
        }
    }

    private func stream(_ pointer: OpaquePointer) -> UnsafeMutablePointer<TraceStream> {
        streams.value(at: pointer) { TraceStream(pointer, processes) }
    }

    private func takeEvent(_ message: OpaquePointer) {
        let event = cbt_message_event_borrow_event_const(message)
        let eventClass = cbt_event_borrow_class_const(event)
        let layout = layouts.value(at: eventClass) { EventLayout(eventClass) }
        let process = stream(cbt_event_borrow_stream_const(event)).pointee.process(of: event, processes)
        var time: Int64 = 0
        _ = cbt_clock_snapshot_get_ns_from_origin(
            cbt_message_event_borrow_default_clock_snapshot_const(message), &time)
        layout.pointee.count += 1
        if eventCount == 0 { firstTime = time }
        eventCount += 1
        lastTime = time
        guard let payload = cbt_event_borrow_payload_field_const(event) else { return }
        consumer.take(TraceEvent(layout: layout, time: time, process: process, payload: payload), from: processes)
    }
}
