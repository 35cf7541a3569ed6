import DynamicJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What this process takes of its machine.
enum ProcessUsage {
    /// The machine's load over 1, 5 and 15 minutes.
    static var loadAverages: [Double] {
        var averages = [Double](repeating: 0, count: 3)
        guard getloadavg(&averages, 3) == 3 else { return [0, 0, 0] }
        return averages
    }

    private static func usage() -> rusage? {
        var usage = rusage()
        #if canImport(Glibc)
            let answer = getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
            let answer = getrusage(RUSAGE_SELF, &usage)
        #endif
        return answer == 0 ? usage : nil
    }

    /// What `getrusage` says, under Python's names.
    static var resources: JSONValue {
        guard let usage = usage() else { return "N/A" }
        return [
            "utime": .double(seconds(usage.ru_utime)), "stime": .double(seconds(usage.ru_stime)), "maxrss": .int(Int64(usage.ru_maxrss)),
            "ixrss": .int(Int64(usage.ru_ixrss)), "idrss": .int(Int64(usage.ru_idrss)), "isrss": .int(Int64(usage.ru_isrss)),
            "minflt": .int(Int64(usage.ru_minflt)), "majflt": .int(Int64(usage.ru_majflt)), "nswap": .int(Int64(usage.ru_nswap)),
            "inblock": .int(Int64(usage.ru_inblock)), "oublock": .int(Int64(usage.ru_oublock)), "msgsnd": .int(Int64(usage.ru_msgsnd)),
            "msgrcv": .int(Int64(usage.ru_msgrcv)), "nsignals": .int(Int64(usage.ru_nsignals)), "nvcsw": .int(Int64(usage.ru_nvcsw)),
            "nivcsw": .int(Int64(usage.ru_nivcsw)),
        ]
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }

    /// The greatest resident memory so far, in bytes. Linux counts in KiB, Darwin in bytes.
    static var peakMemory: Int64 {
        #if canImport(Glibc)
            Int64(usage()?.ru_maxrss ?? 0) * 1024
        #else
            Int64(usage()?.ru_maxrss ?? 0)
        #endif
    }
}
