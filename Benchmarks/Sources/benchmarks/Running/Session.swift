import CPeers

/// Runs the rounds of a measurement, with the probe, and stores the results.
struct Session {
    let setting: Setting
    let results: Results
    private let name: String

    init(_ setting: Setting, _ results: Results, _ name: String) {
        self.setting = setting
        self.results = results
        self.name = name
    }

    /// One of the things that a measurement compares: a round gives one value per name.
    struct Subject {
        let names: [String]
        /// The units of the names, if they are not the scene's unit.
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

    /// Runs the subjects in turn for `rounds` rounds. The results are named `measurement/scene/name`.
    func inTurn(_ scene: String, unit: String, rounds: Int? = nil, _ subjects: [Subject]) throws {
        var all: [RoundSorter.Round] = []
        for _ in 0..<(rounds ?? setting.rounds) { all.append(try round(of: subjects)) }
        show(scene, unit, subjects, all)
    }

    /// The same with the calling thread pinned and the probe before and after each round; only rounds in one regime
    /// count.
    func dataPath(_ scene: String, unit: String, rounds: Int? = nil, _ subjects: [Subject]) throws {
        var sorter = RoundSorter(wanted: rounds ?? setting.rounds)
        while !sorter.isDone {
            let before = try Regime.probe(setting)
            let values = try setting.pinned { try round(of: subjects) }
            sorter.add(values, before: before, after: try Regime.probe(setting))
        }
        let (regime, kept) = sorter.kept
        show(scene, unit, subjects, kept)
        results.add(regime, at: "\(name)/\(scene)")
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

    /// Adds values that were measured in another way.
    func record(_ scene: String, _ name: String, _ unit: String, _ values: [Double]) {
        results.add(Series("\(self.name)/\(scene)/\(name)", unit, values))
    }

    /// Records why a part is not measured.
    func skip(_ what: String, _ reason: String) {
        results.skip("\(name)/\(what)", reason)
    }

    /// DPDK's skeleton. If it is not available, records the part as skipped and returns `nil`.
    func dpdk(_ part: String) -> DPDKPeer? {
        switch setting.dpdk {
        case .success(let peer): return peer
        case .failure(let reason):
            skip(part, reason.description)
            return nil
        }
    }

    /// A program in C with libdmadev, likewise.
    func library(_ part: String) -> DPDKPeer? {
        do throws(Failure) {
            return try setting.library()
        } catch {
            skip(part, error.description)
            return nil
        }
    }
}
