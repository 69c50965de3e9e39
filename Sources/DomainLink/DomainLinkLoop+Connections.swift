internal import ControllerProtocol
internal import Glibc
public import LinuxSystem
internal import SystemPackage

/// Connections and their local sockets.
extension DomainLinkLoop {
    /// Whether a session exists.
    public var hasSession: Bool { session?.isEstablished == true }

    /// The session's random number; 0: there is none.
    public var nonce: UInt64 { session?.nonce ?? 0 }

    /// Opens a connection for a local socket, which must be non-blocking.
    ///
    /// - Returns: its number; `nil` without a session, or with too many connections. Then the socket is closed.
    public func open(_ request: OpenRequest, for socket: consuming OwnedDescriptor) -> UInt32? {
        guard hasSession, let session, connections.count < configuration.maximumConnections,
            let number = takeNumber(), add(number, isOpener: true, socket)
        else { return nil }
        put(.open, nonce: session.nonce, connection: number, message: request)
        // A full output ends the session.
        return connections[number] == nil ? nil : number
    }

    /// Closes the local end of a connection, as if the local process had.
    public func close(local number: UInt32) {
        if let connection = connections[number] { endLocally(connection) }
    }

    /// Sends a packet to the local socket of a connection; one that is full ends the connection.
    public func deliver(_ packet: UnsafeRawBufferPointer, _ descriptors: [CInt] = [], to number: UInt32) {
        guard let connection = connections[number], !connection.isShutDown, let raw = connection.socket?.raw else {
            return
        }
        do throws(Errno) {
            try SequencedPacketSocket.send(packet, descriptors: descriptors, on: raw)
        } catch {
            if error == .wouldBlock { statistics.unreadConnections &+= 1 }
            if connection.isOpener { endLocally(connection) } else { shutDown(connection) }
        }
    }

    /// Rings for a connection.
    public func ring(_ number: UInt32) {
        if connections[number] != nil { put(.bell, connection: number) }
    }

    /// Sends the list of telemetry sockets.
    public func send(_ sources: SourceList) {
        if hasSession, let session { put(.sources, nonce: session.nonce, message: sources) }
    }

    private func add(_ number: UInt32, isOpener: Bool, _ socket: consuming OwnedDescriptor) -> Bool {
        let token = takeToken()
        guard (try? localPoller.add(socket.raw, .readable, token: token)) != nil else { return false }
        let connection = Connection(number: number, token: token, isOpener: isOpener, socket: socket)
        connections[number] = connection
        locals[token] = connection
        return true
    }

    // MARK: Frames

    func open(_ number: UInt32, _ request: OpenRequest) throws(WireError) {
        guard number % 2 == (configuration.isHost ? 1 : 0), number != 0, connections[number] == nil else {
            throw WireError("connection \(number) cannot be opened: the number is in use, or is one of this side")
        }
        guard connections.count < configuration.maximumConnections,
            let socket = delegate?.open(request, as: number, of: self), add(number, isOpener: false, socket)
        else {
            statistics.refusedConnections &+= 1
            return put(.close, connection: number)
        }
    }

    func receive(_ packet: UnsafeRawBufferPointer, on number: UInt32) {
        guard !packet.isEmpty, let delegate, let connection = connections[number], !connection.isShutDown,
            connection.socket != nil
        else {
            statistics.droppedFrames &+= 1
            return
        }
        let descriptors = delegate.received(packet, on: number, of: self)
        deliver(packet, descriptors, to: number)
    }

    func close(_ number: UInt32) {
        guard let connection = connections[number] else {
            statistics.droppedFrames &+= 1
            return
        }
        if connection.isOpener {
            forget(connection)
        } else {
            // The service still has its end, and uses what belongs to the connection.
            shutDown(connection)
        }
    }

    // MARK: Local sockets

    /// Reads one packet of a local socket.
    func receiveLocally(_ connection: Connection) {
        guard let raw = connection.socket?.raw else { return }
        var message: ReceivedMessage
        do throws(Errno) {
            message = try SequencedPacketSocket.receive(
                into: buffer, descriptorLimit: SequencedPacketSocket.maximumDescriptorCount, on: raw)
        } catch {
            if error != .wouldBlock { endLocally(connection) }
            return
        }
        let count = message.byteCount
        guard count > 0 else { return endLocally(connection) }
        if connection.isShutDown { return }
        guard count <= buffer.count, !message.lostDescriptors, let delegate, let session else {
            return connection.isOpener ? endLocally(connection) : shutDown(connection)
        }
        let packet = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(count))
        // It may contain a token.
        defer { RandomBytes.wipe(packet) }
        let isSent = delegate.receivedLocally(
            UnsafeRawBufferPointer(packet), &message.descriptors, on: connection.number, of: self)
        if isSent, connections[connection.number] === connection {
            put(.packet, nonce: session.nonce, connection: connection.number, UnsafeRawBufferPointer(packet))
        }
    }

    /// The local end is closed, by its process or here.
    private func endLocally(_ connection: Connection) {
        guard connection.socket != nil else { return }
        closeSocket(of: connection)
        guard !connection.isForgotten else { return }
        if connection.isOpener {
            put(.close, connection: connection.number)
        } else {
            connections[connection.number] = nil
            put(.close, connection: connection.number)
            delegate?.closed(connection.number, of: self)
        }
    }

    private func forget(_ connection: Connection) {
        closeSocket(of: connection)
        connections[connection.number] = nil
        delegate?.closed(connection.number, of: self)
    }

    /// Asks the local service to close its end. Until then its socket stays: what it uses of this connection is not free.
    func shutDown(_ connection: Connection) {
        guard !connection.isShutDown, let raw = connection.socket?.raw else { return }
        connection.isShutDown = true
        _ = Glibc.shutdown(raw, CInt(SHUT_WR))
    }

    func closeSocket(of connection: Connection) {
        // The only copy of this process: the poller forgets it.
        connection.socket = nil
        locals[connection.token] = nil
    }
}
