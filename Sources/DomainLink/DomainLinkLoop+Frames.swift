internal import ControllerProtocol
internal import LinuxSystem

/// Frames of the other side, which is not trusted.
extension DomainLinkLoop {
    func handle(_ frame: ReceivedFrame) {
        let header = frame.header
        if header.kind == .hello { return answerGreeting(frame) }
        guard let session, header.nonce == session.nonce,
            session.isEstablished || header.kind == .welcome || header.kind == .failed
        else { return drop() }
        self.session?.lastFrame = .now
        do throws(WireError) {
            switch header.kind {
            case .hello, .heartbeat: break
            case .welcome: try begin(LinkWelcome(frame.payload))
            case .open: try open(header.connection, OpenRequest(frame.payload))
            case .packet: receive(frame.payload, on: header.connection)
            case .close: close(header.connection)
            case .bell:
                guard configuration.isHost, connections[header.connection] != nil else { return drop() }
                rung.insert(header.connection)
            case .sources:
                guard configuration.isHost else { return drop() }
                delegate?.received(try SourceList(frame.payload), on: self)
            case .failed: takeFailure(try SessionFailure(frame.payload))
            }
        } catch {
            fail(error.description)
        }
    }

    private func drop() {
        statistics.droppedFrames &+= 1
    }

    // MARK: Sessions

    private func answerGreeting(_ frame: ReceivedFrame) {
        guard configuration.isHost, let delegate, let hello = try? LinkHello(frame.payload) else { return drop() }
        let nonce = frame.header.nonce
        if let session, session.nonce != nonce { endSession("the guest has started again") }
        // The memory of the previous session is in use until its connections are closed. The guest repeats its greeting.
        guard locals.isEmpty else { return }
        let versions = hello.lowestVersion...hello.highestVersion
        guard versions.contains(LinkHello.version) else {
            return put(
                .failed, nonce: nonce,
                message: SessionFailure(
                    "the guest has versions \(versions.lowerBound) to \(versions.upperBound) of the link's protocol, and "
                        + "the host has version \(LinkHello.version): use the same release on both"))
        }
        if let welcome = session?.welcome { return put(.welcome, nonce: nonce, message: welcome) }
        do throws(SessionFailure) {
            let welcome = try delegate.makeWelcome()
            session = Session(nonce: nonce, isEstablished: true, welcome: welcome, lastFrame: .now)
            restartNumbers()
            statistics.sessions &+= 1
            put(.welcome, nonce: nonce, message: welcome)
        } catch {
            put(.failed, nonce: nonce, message: error)
        }
    }

    private func begin(_ welcome: LinkWelcome) throws(WireError) {
        guard !configuration.isHost, let delegate, let session else { return drop() }
        guard !session.isEstablished else { return }
        guard welcome.version == LinkHello.version else {
            throw WireError("the host has chosen version \(welcome.version), which was not offered")
        }
        do throws(SessionFailure) {
            try delegate.begin(welcome)
        } catch {
            throw WireError(error.reason)
        }
        self.session?.isEstablished = true
        restartNumbers()
        statistics.sessions &+= 1
    }

    private func takeFailure(_ failure: SessionFailure) {
        endSession("the other side has ended it: \(failure.reason)", isRefused: true)
        if !configuration.isHost { delayGreeting() }
    }

    /// Ends the session because of what the other side sent.
    private func fail(_ reason: String) {
        guard let nonce = session?.nonce else { return }
        put(.failed, nonce: nonce, message: SessionFailure(reason))
        endSession(reason, isRefused: true)
        if !configuration.isHost { delayGreeting() }
    }

    /// Closes all connections, and drops what was not sent. A host's local services still use the guest's memory: their
    /// sockets stay until they have closed them.
    func endSession(_ reason: String, isRefused: Bool = false) {
        guard let session else { return }
        self.session = nil
        output.dropUnsent()
        for connection in connections.values {
            connection.isForgotten = true
            if configuration.isHost, !connection.isOpener, connection.socket != nil {
                shutDown(connection)
            } else {
                closeSocket(of: connection)
            }
        }
        connections = [:]
        rung = []
        guard session.isEstablished || isRefused else { return }
        statistics.lastEnd = reason
        publish()
        delegate?.sessionEnded(reason, on: self)
    }
}
