import ApiumCLI
import RedisTLS

/// `apium`, the operations command line.
@main
struct ApiumCommand {
    static func main() async {
        RedisTLS.enable()
        await ApiumCommands.main()
    }
}
