internal import CBabelTrace

/// libbabeltrace2's graph: files of traces, merged by time, into a taker of messages.
final class TraceGraph {
    private let graph: OpaquePointer
    private let taker: MessageTaker

    /// - Parameter paths: directories with a file `metadata`.
    init(_ paths: [String], _ taker: MessageTaker) throws(TraceError) {
        guard let graph = cbt_graph_create(0) else { throw Self.failure("cannot make a graph") }
        self.graph = graph
        self.taker = taker
        let muxer = try addMuxer()
        var next: UInt64 = 0
        // One source for each directory: a component takes only directories of the same trace.
        for (number, path) in paths.enumerated() {
            let source = try addSource(path, number)
            for port in 0..<cbt_component_source_get_output_port_count(source) {
                guard let output = cbt_component_source_borrow_output_port_by_index_const(source, port),
                    let input = cbt_component_filter_borrow_input_port_by_index_const(muxer, next),
                    cbt_graph_connect_ports(graph, output, input, nil) == CBT_STATUS_OK
                else { throw Self.failure("cannot connect the trace \(path)") }
                next += 1
            }
        }
        try addSink(behind: muxer)
    }

    deinit { cbt_graph_put_ref(graph) }

    /// Reads the next messages.
    ///
    /// - Returns: whether there are more.
    func runOnce() throws(TraceError) -> Bool {
        switch cbt_graph_run_once(graph) {
        case CInt(CBT_STATUS_OK), CInt(CBT_STATUS_AGAIN): true
        case CInt(CBT_STATUS_END): false
        default: throw Self.failure("cannot read the trace to its end")
        }
    }

    private func addSource(_ path: String, _ number: Int) throws(TraceError) -> OpaquePointer {
        let plugin = try Self.plugin("ctf")
        defer { cbt_plugin_put_ref(plugin) }
        guard let kind = cbt_plugin_borrow_source_component_class_by_name_const(plugin, "fs"),
            let parameters = cbt_value_map_create(), let inputs = cbt_value_array_create()
        else { throw Self.failure("cannot read trace files") }
        defer {
            cbt_value_put_ref(inputs)
            cbt_value_put_ref(parameters)
        }
        var source: OpaquePointer?
        guard cbt_value_array_append_string_element(inputs, path) == CBT_STATUS_OK,
            cbt_value_map_insert_entry(parameters, "inputs", inputs) == CBT_STATUS_OK,
            cbt_graph_add_source_component(
                graph, kind, "files\(number)", parameters, CInt(CBT_LOG_NONE), &source) == CBT_STATUS_OK,
            let source
        else { throw Self.failure("cannot open the trace \(path)") }
        return source
    }

    private func addMuxer() throws(TraceError) -> OpaquePointer {
        let plugin = try Self.plugin("utils")
        defer { cbt_plugin_put_ref(plugin) }
        var muxer: OpaquePointer?
        guard let kind = cbt_plugin_borrow_filter_component_class_by_name_const(plugin, "muxer"),
            cbt_graph_add_filter_component(graph, kind, "muxer", nil, CInt(CBT_LOG_NONE), &muxer) == CBT_STATUS_OK,
            let muxer
        else { throw Self.failure("cannot merge traces") }
        return muxer
    }

    private func addSink(behind muxer: OpaquePointer) throws(TraceError) {
        var sink: OpaquePointer?
        let status = cbt_graph_add_simple_sink_component(
            graph, "analysis", nil, { iterator, data in consume(iterator, data) }, nil,
            Unmanaged.passUnretained(taker).toOpaque(), &sink)
        guard status == CBT_STATUS_OK, let sink,
            let output = cbt_component_filter_borrow_output_port_by_index_const(muxer, 0),
            let input = cbt_component_sink_borrow_input_port_by_index_const(sink, 0),
            cbt_graph_connect_ports(graph, output, input, nil) == CBT_STATUS_OK
        else { throw Self.failure("cannot read messages") }
    }

    private static func plugin(_ name: String) throws(TraceError) -> OpaquePointer {
        var plugin: OpaquePointer?
        guard cbt_plugin_find(name, 1, 1, 1, 1, 0, &plugin) == CBT_STATUS_OK, let plugin else {
            _ = cause()
            throw TraceError(
                .notInstalled,
                "libbabeltrace2 has no plugin \"\(name)\": install it, on Debian with `apt-get install libbabeltrace2-0`"
            )
        }
        return plugin
    }

    /// What the library says of its last error, the first cause: the others say through which functions it went.
    private static func cause() -> String {
        guard let error = cbt_current_thread_take_error() else { return "" }
        defer { cbt_error_release(error) }
        guard cbt_error_get_cause_count(error) > 0 else { return "" }
        return ": " + String(cString: cbt_error_cause_get_message(cbt_error_borrow_cause_by_index(error, 0)))
    }

    private static func failure(_ sentence: String) -> TraceError {
        TraceError(.unreadable, sentence + cause())
    }
}

/// Takes the next batch of messages; the library calls it.
private func consume(_ iterator: OpaquePointer?, _ data: UnsafeMutableRawPointer?) -> CInt {
    guard let iterator, let data else { return CInt(CBT_STATUS_ERROR) }
    var messages: UnsafePointer<OpaquePointer?>?
    var count: UInt64 = 0
    let status = cbt_message_iterator_next(iterator, &messages, &count)
    guard status == CBT_STATUS_OK, let messages else { return status }
    Unmanaged<MessageTaker>.fromOpaque(data).takeUnretainedValue().take(messages, Int(count))
    return status
}
