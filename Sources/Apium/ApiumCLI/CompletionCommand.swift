import ArgumentParser

/// `apium completion`: a script by which a shell completes commands and options.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print the script by which a shell completes apium's commands and options.",
        discussion: """
            Examples:
              apium completion bash > /etc/bash_completion.d/apium     or in ~/.bashrc: source <(apium completion bash)
              apium completion zsh > "${fpath[1]}/_apium"
              apium completion fish > ~/.config/fish/completions/apium.fish
            """)

    @Argument(help: "bash, zsh or fish.") var shell: Shell

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish

        var parser: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    func run() { CommandOutput.line(ApiumCommands.completionScript(for: shell.parser)) }
}
