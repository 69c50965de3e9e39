import CPeers

/// What a measurement measures with: rounds in turn, the probe, and where results go.
struct Session {
    let setting: Setting
    let results: Results
    private let name: String

    init(_ setting: Setting, _ results: Results, _ name: String) {
        self.setting = setting
        self.results = results
        self.name = name
    }

    /// Something that is measured beside others: one round gives a value for each of its names.
    struct Subject {
        let names: [String]
        /// Where they are not those of the scene.
        var units: [String]?
        let round: () throws -> [Double]

        init(_ name: String, _ round: @escaping () throws -> Double) {
            names = [name]
            self.round = { [try round()] }
        }

        init(_ names: [String], _ round: @escaping () throws -> [Double]) {
            self.names = names
            self.round = round
        }
    }

    /// Runs the subjects in turn, so many rounds. Their results are named `measurement/scene/name`.
    func inTurn(_ scene: String, unit: String, rounds: Int? = nil, _ subjects: [Subject]) throws {
        var all: [RoundSorter.Round] = []
        for _ in 0..<(rounds ?? setting.rounds) { all.append(try round(of: subjects)) }
        show(scene, unit, subjects, all)
    }

    /// The same with the calling thread on its processor, and the probe before and after each round: what counts are
    /// rounds in one regime.
    func dataPath(_ scene: String, unit: String, rounds: Int? = nil, _ subjects: [Subject]) throws {
        var sorter = RoundSorter(wanted: rounds ?? setting.rounds)
        while !sorter.isDone {
            let before = try Regime.probe(setting)
            let values = try setting.pinned { try round(of: subjects) }
            sorter.add(values, before: before, after: try Regime.probe(setting))
        }
        let (regime, kept) = sorter.kept
        show(scene, unit, subjects, kept)
        results.note(regime, at: "\(name)/\(scene)")
    }

    private func round(of subjects: [Subject]) throws -> RoundSorter.Round {
        try subjects.map { subject in
            try Interruption.check()
            return try subject.round()
        }
    }

    private func show(_ scene: String, _ unit: String, _ subjects: [Subject], _ rounds: [RoundSorter.Round]) {
        for (index, subject) in subjects.enumerated() {
            for (place, name) in subject.names.enumerated() {
                record(scene, name, subject.units?[place] ?? unit, rounds.map { $0[index][place] })
            }
        }
    }

    /// Records values that were measured otherwise.
    func record(_ scene: String, _ name: String, _ unit: String, _ values: [Double]) {
        results.add(Series("\(self.name)/\(scene)/\(name)", unit, values))
    }

    /// Says why a part is not measured.
    func skip(_ what: String, _ reason: String) {
        results.skip("\(name)/\(what)", reason)
    }

    /// DPDK's skeleton; without it the part is skipped with the reason.
    func dpdk(_ part: String) -> DPDKPeer? {
        switch setting.dpdk {
        case .success(let peer): return peer
        case .failure(let reason):
            skip(part, reason.description)
            return nil
        }
    }
}
