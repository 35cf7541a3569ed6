import ApiumCLI
import ApiumSigning
import RedisTLS

/// `apium`, the operations command line.
@main
struct ApiumCommand {
    static func main() async {
        MessageSigning.enable()
        RedisTLS.enable()
        await ApiumCommands.main()
    }
}
