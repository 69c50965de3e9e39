internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import GroupTable
internal import LinuxSystem
internal import SystemPackage

/// A join that is delayed because its user has sent wrong tokens before.
struct WaitingJoin {
    let peer: UInt64
    /// Its token lies in the memory of the `AccessGroupTable`.
    let request: EnterGroup
    let sequence: UInt32
    let moment: MonotonicTime
}

/// Access groups: requests of peers, the resulting access rights in the engine, and events to members.
extension ControllerLoop {
    // MARK: Create and join

    func enter(_ peer: Peer, _ request: EnterGroup, _ sequence: UInt32) -> Refusal? {
        guard request.group >= 0 else { return performEntry(peer, request, sequence) }
        let now = MonotonicTime.now
        let moment = groups.admitJoin(request.group, by: peer.client, at: now)
        guard moment > now else { return performEntry(peer, request, sequence) }
        var request = request
        guard let token = groups.keep(AccessToken(request.token)) else {
            return Refusal(.noSpace, "the controller's table of delayed joins is full; try again later")
        }
        request.token = token.secret
        peer.isWaitingForJoin = true
        waitingJoins.append(
            WaitingJoin(peer: peer.number, request: request, sequence: sequence, moment: moment))
        return nil
    }

    private func performEntry(_ peer: Peer, _ request: EnterGroup, _ sequence: UInt32) -> Refusal? {
        guard let domain = DomainID(bytes: request.domain) else {
            return Refusal(.invalidArgument, "the domain ID does not have 16 bytes")
        }
        let token = AccessToken(request.token)
        do throws(DMAError) {
            peer.client.number = request.device
            var id = request.group
            if id < 0 {
                let kind: AccessGroupKind = request.limit == 0 ? .pair : .group(limit: request.limit)
                id = try groups.create(kind, domain: domain, token: token, by: peer.client)
            } else {
                _ = try groups.join(id, domain: domain, token: token, by: peer.client, at: .now)
                statistics.joins += 1
            }
            peer.hasEnteredGroups = true
            refreshDomains()
            let entry = GroupEntered(
                group: id, handler: groups.handler(of: peer.client, in: id) ?? 0,
                identity: try groups.group(id, for: peer.client).identity, domain: request.domain)
            answer(peer, entry, sequence: sequence)
            deliver()
            return nil
        } catch {
            if error.errno == .permissionDenied {
                peer.deniedJoins += 1
                statistics.deniedJoins += 1
            }
            return Refusal(error)
        }
    }

    /// Performs the delayed joins that are due.
    ///
    /// - Returns: the milliseconds until the next one is due, -1 when none is delayed.
    func performWaitingJoins() -> Int32 {
        let now = MonotonicTime.now
        let due = waitingJoins.filter { $0.moment <= now }
        waitingJoins.removeAll { $0.moment <= now || peers[$0.peer] == nil }
        for join in due {
            guard let peer = peers[join.peer] else { continue }
            peer.isWaitingForJoin = false
            if let refusal = performEntry(peer, join.request, join.sequence) {
                refuse(peer, refusal, join.sequence)
            }
        }
        return waitingJoins.map(\.moment).min()?.millisecondsLeft ?? -1
    }

    // MARK: Leave and destroy

    func exit(_ peer: Peer, _ request: ExitGroup, _ sequence: UInt32) -> Refusal? {
        do throws(DMAError) {
            let revocation =
                request.destroys
                ? try groups.destroy(request.group, by: peer.client) : try groups.leave(request.group, by: peer.client)
            complete(revocation)
            answer(peer, Done(), sequence: sequence)
            deliver()
            return nil
        } catch {
            return Refusal(error)
        }
    }

    /// Removes a disconnected peer from all groups. The engine has no access to its memory any more before the other
    /// members receive the event.
    func departGroups(_ peer: Peer) {
        guard peer.device != nil else { return }
        complete(groups.depart(peer.client, isForced: peer.isExpelled))
        deliver()
    }

    /// Applies a revocation to the engine, then confirms it to the table.
    private func complete(_ revocation: Revocation) {
        for window in revocation.windows { windowAddresses[window.iova] = nil }
        // When this returns, the engine has passed a quiescent point for each map that has changed.
        refreshDomains()
        for handler in revocation.handlers { departedTraffic[handler] = nil }
        for window in revocation.windows {
            for peer in peers.values {
                guard let open = peer.openWindows.removeValue(forKey: window.iova) else { continue }
                ledger.release(peer.credentials.uid, open.amount)
                closer.release([open.mapping])
            }
        }
        groups.confirm(revocation)
    }

    // MARK: Windows

    func open(
        _ peer: Peer, _ request: OpenWindow, _ descriptors: inout ReceivedDescriptors, _ sequence: UInt32
    ) -> Refusal? {
        let rights = WindowRights(rawValue: UInt32(request.rights))
        let mapped = map(
            &descriptors, offset: request.offset, byteCount: request.byteCount, isWritable: rights.contains(.write),
            for: peer)
        let window: Peer.Window
        switch mapped {
        case .failure(let refusal): return refusal
        case .success(let found): window = found
        }
        do throws(DMAError) {
            let opened = try groups.addWindow(
                length: request.byteCount, rights: rights, to: request.group, by: peer.client)
            peer.openWindows[opened.iova] = window
            windowAddresses[opened.iova] = UInt64(UInt(bitPattern: window.mapping.bytes.baseAddress))
            refreshDomains()
            answer(peer, WindowOpened(handler: opened.handler, iova: opened.iova), sequence: sequence)
            deliver()
            return nil
        } catch {
            ledger.release(peer.credentials.uid, window.amount)
            closer.release([window.mapping])
            return Refusal(error)
        }
    }

    func close(_ peer: Peer, _ request: CloseWindow, _ sequence: UInt32) -> Refusal? {
        do throws(DMAError) {
            complete(try groups.removeWindow(iova: request.iova, by: peer.client))
            answer(peer, Done(), sequence: sequence)
            deliver()
            return nil
        } catch {
            return Refusal(error)
        }
    }

    /// Publishes the current access rights to the engine. Only maps that have changed cause work.
    private func refreshDomains() {
        for peer in peers.values where peer.hasEnteredGroups {
            guard let device = peer.device else { continue }
            var contents = DomainMap.Contents()
            var live: Set<UInt16> = []
            let infos = groups.groups(of: peer.client)
            let members = infos.flatMap { info in
                let own = groups.handler(of: peer.client, in: info.id) ?? 0
                return info.members.map { ($0, DomainMap.Membership(group: info.id, own: own)) }
            }
            for (member, membership) in members {
                live.insert(member.handler)
                contents.memberships[member.handler] = membership
                if member.handler == membership.own {
                    contents.own.insert(member.handler)
                    continue
                }
                for window in member.windows {
                    guard let address = windowAddresses[window.iova] else { continue }
                    contents.windows.append(
                        DomainMap.Window(
                            handler: member.handler, isReadable: window.rights.contains(.read),
                            isWritable: window.rights.contains(.write), iova: window.iova, byteCount: window.length,
                            address: address))
                }
            }
            contents.windows.sort { $0.iova < $1.iova }
            peer.knownHandlers.formUnion(live)
            contents.revoked = peer.knownHandlers.subtracting(live)
            // A member that only this peer cannot access any more continues to be counted.
            note(device.domains.publish(contents))
        }
    }

    // MARK: Queries and events

    func describe(_ peer: Peer, _ request: AskGroup, _ sequence: UInt32) -> Refusal? {
        do throws(DMAError) {
            guard let found = try groups.member(from: request.member, of: request.group, for: peer.client) else {
                return Refusal(.noSuchFileOrDirectory, "the group has no member from \(request.member) on")
            }
            let member = found.member
            // In the order of opening, which is that of their addresses.
            let windows = member.windows.drop { $0.iova < request.window }
            let limit: UInt16 =
                switch found.kind {
                case .pair: 0
                case .group(let limit): limit
                }
            let message = GroupMember(
                limit: limit, memberCount: UInt16(clamping: found.laterCount + 1), identity: found.identity,
                domain: member.domain.bytes, handler: member.handler, isCreator: member.isCreator,
                processID: member.processID,
                devices: Array(member.devices.prefix(GroupMember.maximumDeviceCount)),
                windowCount: UInt32(windows.count),
                windows: windows.prefix(GroupMember.maximumWindowCount).map {
                    .init(iova: $0.iova, byteCount: $0.length, rights: $0.rights.rawValue)
                })
            answer(peer, message, sequence: sequence)
            return nil
        } catch {
            return Refusal(error)
        }
    }

    func check(_ peer: Peer, _ request: CheckHandler, _ sequence: UInt32) -> Refusal? {
        guard groups.mayUse(request.handler, peer.client) else { return Self.deadHandler(request.handler) }
        answer(peer, Done(), sequence: sequence)
        return nil
    }

    static func deadHandler(_ handler: UInt16) -> Refusal {
        Refusal(.invalidArgument, "handler \(handler) belongs to no current member of a group of this device")
    }

    /// Sends the events that the table has released.
    private func deliver() {
        var failed: [Peer] = []
        for delivery in groups.takeDeliveries() {
            let event = delivery.event
            guard let peer = peers[delivery.client.device], !failed.contains(where: { $0 === peer }) else { continue }
            var notice = GroupChanged(
                change: event.kind.rawValue, reason: event.reason?.rawValue ?? 0, group: event.group,
                identity: event.identity, handler: event.handler, domain: event.domain.bytes,
                processID: event.processID, device: event.device)
            if let window = event.window {
                notice.window = .init(iova: window.iova, byteCount: window.length, rights: window.rights.rawValue)
            }
            if let peer = send(Packet.encode(notice, sequence: 0), to: peer) { failed.append(peer) }
        }
        // After the loop: a dropped peer causes events, which must follow these.
        for peer in failed { drop(peer) }
    }
}

extension Refusal {
    init(_ error: DMAError) {
        self.init(error.errno, error.message)
    }
}
