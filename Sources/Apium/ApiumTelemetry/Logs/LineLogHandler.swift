import Glibc
import Logging
import Synchronization

/// Writes one line per event.
public struct LineLogHandler: LogHandler {
    /// The least that is written.
    public var logLevel: Logger.Level
    /// What stands on every line of this logger.
    public var metadata: Logger.Metadata = [:]
    /// What the current task adds to it.
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: LogFormat
    private let write: @Sendable (String) -> Void

    /// Makes a handler.
    ///
    /// - Parameter write: Takes each finished line, its line feed included. Default: ``standardError(_:)``.
    public init(
        label: String, format: LogFormat, level: Logger.Level, metadataProvider: Logger.MetadataProvider? = nil,
        write: @escaping @Sendable (String) -> Void = LineLogHandler.standardError
    ) {
        self.label = label
        self.format = format
        logLevel = level
        self.metadataProvider = metadataProvider
        self.write = write
    }

    /// One value of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes the event as one line.
    public func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { _, new in new } }
        if let own = event.metadata { merged.merge(own) { _, new in new } }
        let line = LogLine(
            time: UTCClock.now(), level: event.level, label: label, message: event.message.description, metadata: merged,
            error: event.error.map { String(describing: $0) })
        write(line.rendered(as: format))
    }

    /// One write call per line under a lock, so that lines never mix.
    public static func standardError(_ line: String) {
        errorLock.withLock { _ in
            var line = line
            line.withUTF8 { bytes in
                var rest = UnsafeRawBufferPointer(bytes)
                while !rest.isEmpty {
                    let written = Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
                    if written < 0 {
                        if errno == EINTR { continue }
                        return
                    }
                    rest = UnsafeRawBufferPointer(rebasing: rest[written...])
                }
            }
        }
    }

    private static let errorLock = Mutex(())
}

/// The time of day for log lines.
enum UTCClock {
    /// `2026-11-23T03:25:01.123Z`.
    static func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return text(seconds: Int64(time.tv_sec), milliseconds: Int(time.tv_nsec) / 1_000_000)
    }

    /// The same of a time since 1970.
    static func text(nanoseconds: UInt64) -> String {
        text(seconds: Int64(nanoseconds / 1_000_000_000), milliseconds: Int(nanoseconds / 1_000_000 % 1000))
    }

    static func text(seconds: Int64, milliseconds: Int) -> String {
        var instant = time_t(seconds)
        var parts = tm()
        gmtime_r(&instant, &parts)
        let date = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return "\(date)T\(clock).\(milliseconds < 100 ? "0" : "")\(two(Int32(milliseconds)))Z"
    }

    private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
