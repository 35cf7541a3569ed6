import ApiumCore
import DynamicJSON

extension Serializer {
    /// Stands for the signing serialiser while settings are read: its files are known when all of them are.
    fileprivate static let unready = Serializer(
        name: signedName, contentType: signedContentType, encode: { _ in throw unreadyFault }, decode: { _ in throw unreadyFault })

    private static let unreadyFault = ApiumError(.invalidConfiguration, "bodies cannot be signed or verified before the settings have been read")
}

extension ApiumSettings {
    /// Lets the settings name `auth`, if the program can sign.
    mutating func bringSigning() {
        guard SigningSupport.installed != nil, !serializers.contains(where: \.isSigning) else { return }
        serializers.append(.unready)
    }

    /// Whether anything is signed or verified.
    var isSigning: Bool { taskFormat.serializer.isSigning || acceptsSigned }

    fileprivate var acceptsSigned: Bool { (acceptedContent.serializers + (resultAcceptedContent?.serializers ?? [])).contains(where: \.isSigning) }

    /// Puts the serialiser with its keys wherever `auth` is named.
    fileprivate mutating func use(_ signed: Serializer) {
        func ready(_ serializer: Serializer) -> Serializer { serializer.isSigning ? signed : serializer }
        serializers = serializers.map(ready)
        taskFormat.serializer = ready(taskFormat.serializer)
        acceptedContent.serializers = acceptedContent.serializers.map(ready)
        if let serializers = resultAcceptedContent?.serializers { resultAcceptedContent?.serializers = serializers.map(ready) }
    }

    /// The serialisations in which results are read: those named, else those of messages. Results are written in JSON, so that is read in any case.
    var readableResults: AcceptedContent {
        var content = resultAcceptedContent ?? acceptedContent
        if !content.serializers.contains(.json) { content.serializers.insert(.json, at: 0) }
        return content
    }

    /// The serialisations in which control messages are read: as Celery does it, those of messages, as far as control is written in them. Where
    /// only signed messages are accepted, nobody without a key steers a worker.
    var controlContent: AcceptedContent {
        let taken = acceptedContent.serializers.filter { $0 == .json || $0.isSigning }
        return AcceptedContent(taken.isEmpty ? [.json] : taken)
    }
}

extension SettingsReading {
    /// Reads keys and certificates, where something is signed or verified, and says what they do not suffice for.
    mutating func checkSigning() {
        let signing = settings.signing
        guard settings.isSigning, let provider = SigningSupport.installed else {
            for name in ["security_key", "security_certificate", "security_cert_store"] {
                guard let origin = origins[name] else { continue }
                notes.append("\(origin): \(name) has no effect: neither task_serializer nor accept_content is auth")
            }
            return
        }
        if settings.taskFormat.serializer.isSigning {
            if signing.keyFile == nil || signing.certificateFile == nil {
                faults.append("task_serializer is auth, which needs security_key and security_certificate: the files of who signs")
            }
            if !settings.acceptedContent.serializers.allSatisfy(\.isSigning) {
                notes.append("accept_content takes unsigned messages, too: whoever reaches the broker can have jobs run; in the end it shall be auth alone")
            }
        }
        if settings.acceptsSigned, signing.certificateStore == nil {
            faults.append("accept_content has auth, which needs security_cert_store: the certificates of those whose signatures count")
        }
        guard faults.isEmpty else { return }
        do {
            settings.use(try provider.serializer(signing))
        } catch {
            faults.append("\(error)")
        }
    }
}
