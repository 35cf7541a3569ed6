import ApiumCLI

/// `apium`, the operations command line.
@main
struct ApiumCommand {
    static func main() async { await ApiumCommands.main() }
}
