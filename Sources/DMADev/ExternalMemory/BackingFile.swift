internal import LinuxSystem
internal import SystemPackage

/// The file that memory was shared by: of a kind that cannot become shorter, and whose calls no other process can block.
struct BackingFile {
    let kind: MemoryFileInformation.Kind
    let exporter: String
    let byteCount: UInt64
    private let identity: FileIdentity

    /// - Parameter descriptor: of unknown kind, perhaps from an untrusted process.
    /// - Throws: `EINVAL` for a file of another kind, or one that can shrink.
    init(of descriptor: CInt) throws(DMAError) {
        do throws(Errno) {
            // First the seals: they are read without a call of a file system, which could block.
            if let seals = try Self.seals(of: descriptor) {
                guard seals.contains(.shrink) else { throw .notPermitted }
                kind = .memoryFile
                exporter = ""
                byteCount = UInt64(try MemoryFile.byteCount(of: descriptor))
            } else if let buffer = try DMABuffer(of: descriptor) {
                kind = .dmaBuffer
                exporter = buffer.exporter
                byteCount = buffer.byteCount
            } else {
                throw .invalidArgument
            }
            identity = try FileIdentity(of: descriptor)
        } catch .notPermitted {
            throw .invalid("the memfd can shrink: seal it with F_SEAL_SHRINK before it is registered")
        } catch .invalidArgument {
            throw .invalid("the descriptor is neither of a dma-buf nor of a memfd that is sealed with F_SEAL_SHRINK")
        } catch {
            throw DMAError(.system, error, "the file behind the descriptor cannot be looked at: \(error)")
        }
    }

    /// `nil`: it has none.
    private static func seals(of descriptor: CInt) throws(Errno) -> MemoryFile.Seals? {
        do throws(Errno) {
            return try MemoryFile.seals(of: descriptor)
        } catch .invalidArgument {
            return nil
        }
    }

    /// Checks that a range is in the file.
    ///
    /// - Throws: `EINVAL` when it is not, or `offset` is not a multiple of the system's page size.
    func check(offset: UInt64, byteCount: UInt64) throws(DMAError) {
        guard offset % UInt64(MemoryTable.systemPageSize) == 0 else {
            throw .invalid("offset \(offset): a multiple of \(MemoryTable.systemPageSize) is needed")
        }
        guard offset <= self.byteCount, byteCount <= self.byteCount - offset else {
            throw .invalid("\(byteCount) bytes at offset \(offset): the file ends at \(self.byteCount)")
        }
    }

    /// What a region tells of it.
    func information(offset: UInt64, isVerified: Bool) -> MemoryFileInformation {
        MemoryFileInformation(
            kind: kind, exporter: exporter, inode: UInt64(identity.inode), byteCount: byteCount, offset: offset,
            isVerified: isVerified)
    }

    /// Checks that addresses of this process are a shared mapping of the file from an offset on.
    ///
    /// - Returns: whether they are known to be; `false` for a dma-buf whose exporter maps a file of its own instead, or
    ///   displaces the offset.
    /// - Throws: `EINVAL` when they are not.
    func checkMapping(at address: UInt64, byteCount: UInt64, offset: UInt64) throws(DMAError) -> Bool {
        let mappings: [MemoryMapping]
        do throws(Errno) {
            mappings = try MemoryMapping.all(in: address..<address + byteCount)
        } catch {
            throw DMAError(.system, error, "the mappings of this process cannot be read: \(error)")
        }
        return try checkMapping(mappings, address, byteCount, offset)
    }

    private func checkMapping(
        _ mappings: [MemoryMapping], _ address: UInt64, _ byteCount: UInt64, _ offset: UInt64
    ) throws(DMAError) -> Bool {
        var (position, isVerified) = (address, true)
        for mapping in mappings {
            guard mapping.addresses.lowerBound <= position else { break }
            let place = "0x\(String(position, radix: 16))"
            guard mapping.isShared else { throw .invalid("\(place) is not a shared mapping of the file") }
            if mapping.device == UInt64(identity.device), mapping.inode == UInt64(identity.inode) {
                let mapped = mapping.offset + (position - mapping.addresses.lowerBound)
                if kind == .dmaBuffer, mapped >= self.byteCount {
                    // The kernel maps nothing there. Graphics drivers add the buffer's place among all of a device.
                    isVerified = false
                } else if mapped != offset + (position - address) {
                    throw .invalid(
                        "\(place) maps the file from offset \(mapped), not \(offset + (position - address))")
                }
            } else if kind == .dmaBuffer, mapping.mayReplaceDMABuffer {
                isVerified = false
            } else {
                throw .invalid("\(place) maps another file: '\(mapping.name)'")
            }
            position = min(mapping.addresses.upperBound, address + byteCount)
        }
        guard position == address + byteCount else {
            throw .invalid("0x\(String(position, radix: 16)) is not mapped")
        }
        return isVerified
    }
}

extension MemoryMapping {
    /// Whether an exporter may have mapped its own file here: a driver's, but no memory that this process can make.
    fileprivate var mayReplaceDMABuffer: Bool {
        inode != 0 && !["/dmabuf:", "/memfd:", "/dev/zero", "/SYSV"].contains { name.hasPrefix($0) }
    }
}
