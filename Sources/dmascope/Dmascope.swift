import ArgumentParser

@main
struct Dmascope: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "dmascope", abstract: "See what DMA devices do.")
}
