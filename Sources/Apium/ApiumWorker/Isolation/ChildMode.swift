import CLinux
import Glibc

/// Whether this process is a child of a worker, started to run jobs for it.
///
/// An executable that serves isolated jobs asks before it does anything else, and then runs a ``ChildServer`` in place of a ``Worker``.
public enum ChildMode {
    /// The environment variable that marks a child.
    static let variable = "APIUM_CHILD"

    /// Whether this process is a child.
    public static var isChild: Bool { getenv(variable) != nil }

    /// Takes the channel to the worker, once: programs that a job starts are no children, and have none of it.
    ///
    /// Nothing else runs yet when a process asks: the environment is changed safely.
    static func takeChannel() -> Int32? {
        guard let text = getenv(variable).map({ String(cString: $0) }), let descriptor = Int32(text), descriptor > 2 else { return nil }
        unsetenv(variable)
        guard clinux_close_on_exec(descriptor) == 0, clinux_never_block(descriptor) == 0 else { return nil }
        return descriptor
    }
}
