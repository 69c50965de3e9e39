internal import CDMADev

/// The call layer under C names, as functions of the form that a `dmadev_data_path` has: see cdmadev.h.
private func layer(_ path: UnsafeMutableRawPointer?) -> DataPath {
    // cdmadev.h: the driver argument of these functions is a table.
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
) -> Int32 {
    layer(path).completed(vchan, nb_cpls, last_idx, has_error)
}

@c @implementation
func dmadev_call_completed_status(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ nb_cpls: UInt16, _ last_idx: UnsafeMutablePointer<UInt16>,
    _ status: UnsafeMutablePointer<UInt16>
) -> Int32 {
    layer(path).completedStatus(vchan, nb_cpls, last_idx, status)
}

@c @implementation
func dmadev_call_burst_capacity(_ path: UnsafeMutableRawPointer?, _ vchan: UInt16) -> Int32 {
    layer(path).burstCapacity(vchan)
}

@c @implementation
func dmadev_call_enqueue_ops(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ ops: UnsafePointer<UnsafeMutablePointer<dmadev_op>>,
    _ nb_ops: UInt16
) -> Int32 {
    layer(path).enqueue(vchan, ops, nb_ops)
}

@c @implementation
func dmadev_call_dequeue_ops(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ ops: UnsafeMutablePointer<UnsafeMutablePointer<dmadev_op>?>,
    _ nb_ops: UInt16
) -> Int32 {
    layer(path).dequeue(vchan, ops, nb_ops)
}
