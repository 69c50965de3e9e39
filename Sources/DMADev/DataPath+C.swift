internal import CDMADev

/// The call layer under C names, in the forms that C callers have: see cdmadev.h.
private func layer(_ path: UnsafeMutableRawPointer?) -> DataPath {
    // cdmadev.h: the first argument of these functions is a table.
    DataPath(path.unsafelyUnwrapped.assumingMemoryBound(to: dmadev_data_path.self))
}

@c @implementation
func dmadev_call_copy(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ src: UInt64, _ dst: UInt64, _ length: UInt32, _ flags: UInt64
) -> Int32 {
    layer(path).copy(vchan, src, dst, length, flags)
}

@c @implementation
func dmadev_call_copy_sg(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ src: UnsafePointer<dmadev_sge>?,
    _ dst: UnsafePointer<dmadev_sge>?, _ nb_src: UInt16, _ nb_dst: UInt16, _ flags: UInt64
) -> Int32 {
    layer(path).copyScatterGather(vchan, src, dst, nb_src, nb_dst, flags)
}

@c @implementation
func dmadev_call_fill(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ pattern: UInt64, _ dst: UInt64, _ length: UInt32,
    _ flags: UInt64
) -> Int32 {
    layer(path).fill(vchan, pattern, dst, length, flags)
}

@c @implementation
func dmadev_call_submit(_ path: UnsafeMutableRawPointer?, _ vchan: UInt16) -> Int32 {
    layer(path).submit(vchan)
}

@c @implementation
func dmadev_call_completed(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ nb_cpls: UInt16, _ last_idx: UnsafeMutablePointer<UInt16>,
    _ has_error: UnsafeMutablePointer<Bool>
) -> UInt16 {
    DataPath.count(layer(path).completed(vchan, nb_cpls, last_idx, has_error))
}

@c @implementation
func dmadev_call_completed_status(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ nb_cpls: UInt16, _ last_idx: UnsafeMutablePointer<UInt16>,
    _ status: UnsafeMutablePointer<UInt16>
) -> UInt16 {
    DataPath.count(layer(path).completedStatus(vchan, nb_cpls, last_idx, status))
}

@c @implementation
func dmadev_call_burst_capacity(_ path: UnsafeRawPointer?, _ vchan: UInt16) -> UInt16 {
    DataPath.count(layer(UnsafeMutableRawPointer(mutating: path)).burstCapacity(vchan))
}

@c @implementation
func dmadev_call_enqueue_ops(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ ops: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>>,
    _ nb_ops: UInt16
) -> UInt16 {
    DataPath.count(layer(path).enqueue(vchan, ops, nb_ops))
}

@c @implementation
func dmadev_call_dequeue_ops(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ ops: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>,
    _ nb_ops: UInt16
) -> UInt16 {
    DataPath.count(layer(path).dequeue(vchan, ops, nb_ops))
}

@c @implementation
func dmadev_call_failed(
    _ path: UnsafeMutableRawPointer?, _ call: UInt32, _ result: Int32, _ vchan: UInt16, _ length: UInt32,
    _ flags: UInt64
) -> Int32 {
    guard let call = DataCall(rawValue: Int(call)) else { return result }
    return layer(path).countFailure(result, call, vchan, DataPath.Arguments(flags: flags, length: length))
}
