import ArgumentParser
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "demo")
}
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "load", shouldDisplay: false)
}
