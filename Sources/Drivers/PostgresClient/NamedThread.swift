import CLinux
import Glibc

/// A detached thread of its own for what blocks.
enum NamedThread {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs the body on a new thread; false when the system gives no thread.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Start(name: String(name.prefix(15)), body: body))
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                clinux_name_thread(start.name)
                start.body()
                return nil
            }, argument.toOpaque())
        guard failed == 0 else {
            argument.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
