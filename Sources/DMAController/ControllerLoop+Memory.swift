internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import GroupTable
internal import LinuxSystem
internal import SystemPackage

/// Memory of applications: registered, mapped, released. A refused request has changed nothing.
extension ControllerLoop {
    static let page: UInt64 = 4096

    func register(
        _ peer: Peer, _ request: RegisterMemory, _ descriptors: inout ReceivedDescriptors, _ sequence: UInt32
    ) -> Refusal? {
        guard let device = peer.device else { return Refusal(.invalidArgument, "there is no device") }
        let mapped = map(
            &descriptors, offset: request.offset, byteCount: request.byteCount, isWritable: request.isWritable,
            for: peer)
        let window: Peer.Window
        switch mapped {
        case .failure(let refusal): return refusal
        case .success(let found): window = found
        }
        let address = UInt64(UInt(bitPattern: window.region.bytes.baseAddress))
        guard let iova = processes.takeAddresses(request.byteCount, of: peer.client.process),
            let old = device.map.add(
                iova: iova, byteCount: request.byteCount, address: address,
                synchronized: window.region.synchronized)
        else {
            ledger.release(peer.tenant, window.amount)
            return Refusal(.noSpace, ProcessTable.addressesUsedUp)
        }
        retire(old)
        peer.windows[iova] = window
        peer.buffers[iova] = PublishedState.Buffer(window)
        changedPeers.insert(peer.number)
        answerAfterPopulating(window, peer, MemoryRegistered(iova: iova), sequence: sequence)
        return nil
    }

    /// Maps a part of a file from a peer and charges for it, after a check that the file cannot shrink.
    func map(
        _ descriptors: inout ReceivedDescriptors, offset: UInt64, byteCount: UInt64, isWritable: Bool, for peer: Peer
    ) -> Result<Peer.Window, Refusal> {
        if let region = peer.region {
            return map(region, offset: offset, byteCount: byteCount, isWritable: isWritable, for: peer)
        }
        // Check the seals first: any other system call on a descriptor from an untrusted peer can block. Until the kind of
        // the file is known it stays in `descriptors`, which `blockingCalls` closes.
        let seals = descriptors.first.flatMap { raw in try? MemoryFile.seals(of: raw) }
        guard let seals, seals.contains(.shrink), let file = descriptors.takeFirst() else {
            return mapBuffer(&descriptors, offset: offset, byteCount: byteCount, isWritable: isWritable, for: peer)
        }
        let (end, overflow) = offset.addingReportingOverflow(byteCount)
        guard byteCount > 0, !overflow, offset % Self.page == 0, byteCount % Self.page == 0 else {
            return .failure(
                Refusal(
                    .invalidArgument,
                    "\(byteCount) bytes from \(offset): both must be multiples of \(Self.page), with at least 1 page"
                ))
        }
        guard let size = try? MemoryFile.byteCount(of: file.raw), end <= UInt64(max(size, 0)),
            let pageSize = try? MemoryFile.pageSize(of: file.raw)
        else {
            return .failure(Refusal(.invalidArgument, "\(byteCount) bytes from \(offset): the file is shorter"))
        }
        // Charged are whole pages, huge ones too. They end within the file's length.
        let pages = MemoryFile.pages(of: Int(byteCount), at: Int(offset), size: pageSize)
        var amount = QuotaLedger.Amount(windows: 1, bytes: UInt64(pages.count))
        if let full = ledger.charge(peer.tenant, amount) { return .failure(Refusal(.diskQuotaExceeded, full)) }
        do throws(Refusal) {
            let region = try memory.map(
                file.raw, Int(offset)..<Int(end), isWritable: isWritable, of: peer.tenant)
            if let whole = region.whole {
                // The file is charged instead.
                ledger.release(peer.tenant, QuotaLedger.Amount(bytes: amount.bytes))
                amount.bytes = 0
                if let refusal = keep(whole, for: peer) {
                    blockingCalls.release([region.mapping])
                    throw refusal
                }
            }
            return .success(Peer.Window(region: region, amount: amount))
        } catch {
            ledger.release(peer.tenant, amount)
            return .failure(error)
        }
    }

    /// The same for a part of a region, which stays mapped as a whole.
    private func map(
        _ region: SharedRegion, offset: UInt64, byteCount: UInt64, isWritable: Bool, for peer: Peer
    ) -> Result<Peer.Window, Refusal> {
        guard let range = Self.range(offset, byteCount, in: region) else {
            return .failure(
                Refusal(
                    .invalidArgument,
                    "\(byteCount) bytes from \(offset): both must be multiples of \(Self.page), with at least 1 page, in "
                        + "the \(region.byteCount) bytes of the region"))
        }
        let amount = QuotaLedger.Amount(windows: 1, bytes: byteCount)
        if let full = ledger.charge(peer.tenant, amount) { return .failure(Refusal(.diskQuotaExceeded, full)) }
        let mapping = isWritable ? region.mapping : region.unwritableMapping
        return .success(Peer.Window(region: TenantMemory.Region(range, of: mapping), amount: amount))
    }

    /// A part of a region; `nil` when it is empty, not whole pages, or not inside.
    static func range(_ offset: UInt64, _ byteCount: UInt64, in region: SharedRegion) -> Range<Int>? {
        let (end, overflow) = offset.addingReportingOverflow(byteCount)
        guard byteCount > 0, !overflow, end <= UInt64(region.byteCount), offset % page == 0, byteCount % page == 0
        else {
            return nil
        }
        return Int(offset)..<Int(end)
    }

    /// The same for a dma-buf.
    private func mapBuffer(
        _ descriptors: inout ReceivedDescriptors, offset: UInt64, byteCount: UInt64, isWritable: Bool, for peer: Peer
    ) -> Result<Peer.Window, Refusal> {
        guard let buffer = descriptors.first.flatMap({ configuration.bufferCalls.recognise($0) }) else {
            return .failure(
                Refusal(
                    .invalidArgument,
                    "the descriptor is neither a dma-buf nor a memory file: use memfd_create, and seal it with "
                        + "F_SEAL_SHRINK"))
        }
        guard configuration.exporters.contains(buffer.exporter), let file = descriptors.takeFirst() else {
            return .failure(
                Refusal(
                    .notPermitted,
                    "dma-bufs of \(buffer.exporter) are not allowed, only those of "
                        + configuration.exporters.sorted().joined(separator: ", ")))
        }
        guard byteCount > 0, offset % Self.page == 0, byteCount % Self.page == 0, offset <= buffer.byteCount,
            byteCount <= buffer.byteCount - offset, buffer.byteCount <= UInt64(Int.max)
        else {
            return .failure(
                Refusal(
                    .invalidArgument,
                    "\(byteCount) bytes from \(offset): both must be multiples of \(Self.page), in the \(buffer.byteCount) "
                        + "bytes of the dma-buf"))
        }
        let amount = QuotaLedger.Amount(windows: 1, bytes: byteCount)
        if let full = ledger.charge(peer.tenant, amount) { return .failure(Refusal(.diskQuotaExceeded, full)) }
        do throws(Errno) {
            let mapping = try SharedMapping(
                of: file.raw, offset: Int(offset), byteCount: Int(byteCount), isWritable: isWritable)
            let memory = TenantBuffer.memory(
                file, of: peer.tenant, timeout: configuration.exporterTimeout, configuration.bufferCalls,
                blockingCalls)
            let region = TenantMemory.Region(
                0..<Int(byteCount), of: mapping, synchronized: memory, exporter: buffer.exporter)
            return .success(Peer.Window(region: region, amount: amount))
        } catch {
            ledger.release(peer.tenant, amount)
            return .failure(Refusal(.notSupported, "the dma-buf of \(buffer.exporter) cannot be mapped: \(error)"))
        }
    }

    /// Keeps the mapping of a whole file until the connection ends.
    private func keep(_ whole: SharedMapping, for peer: Peer) -> Refusal? {
        guard peer.files[ObjectIdentifier(whole)] == nil else { return nil }
        let amount = QuotaLedger.Amount(bytes: UInt64(whole.bytes.count))
        if let full = ledger.charge(peer.tenant, amount) { return Refusal(.diskQuotaExceeded, full) }
        peer.files[ObjectIdentifier(whole)] = Peer.File(mapping: whole, amount: amount)
        return nil
    }

    /// Maps all pages of a window on the tenant's own thread, then answers.
    func answerAfterPopulating(_ window: Peer.Window, _ peer: Peer, _ message: some WireMessage, sequence: UInt32) {
        peer.isBusy = true
        let (number, region) = (peer.number, window.region)
        blockingCalls.waitForPages(of: peer.tenant) { [populated] in
            region.populate()
            populated.add(number)
        }
        afterPopulating[number] = { [self] in
            peer.isBusy = false
            answer(peer, message, sequence: sequence)
            enqueue(peer)
        }
    }

    /// Queues the answers of those whose memory is mapped now.
    func takePopulated() {
        for number in populated.take() {
            // A peer that was disconnected has none.
            guard let body = afterPopulating.removeValue(forKey: number), let peer = peers[number] else { continue }
            queue.add(.action(body), for: peer.tenant)
        }
    }

    func unregister(_ peer: Peer, _ request: UnregisterMemory, _ sequence: UInt32) -> Refusal? {
        guard let device = peer.device, let window = peer.windows.removeValue(forKey: request.iova),
            let old = device.map.take(at: request.iova)
        else {
            return Refusal(.invalidArgument, "IOVA 0x\(String(request.iova, radix: 16)): no registration starts there")
        }
        retire(old)
        peer.buffers[request.iova] = nil
        changedPeers.insert(peer.number)
        answerAfterQuiescence(peer, sequence) { [self] in
            ledger.release(peer.tenant, window.amount)
            blockingCalls.release([window.region.mapping])
        }
        return nil
    }
}
